package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/ui/browser"
)

// errNoScreen ends a sign-in that nobody can see: there is neither a browser nor a terminal to read the address on.
var errNoScreen = errors.New("no browser and no terminal")

// browse has a person sign in at the page of a prompt. Unlike a form it needs no terminal, but a browser to look at or a terminal to read the address on.
func (a *attempt) browse(ctx context.Context, p *ipc.Prompt) error {
	switch {
	case p.Browser == nil:
		return fault.Newf(fault.AgentProtocol, nil, "a prompt of kind browser without a page")
	case a.alone() && refused(p):
		return fault.Newf(fault.AuthRefused, nil, "%s", line(p.Error))
	case a.noInput:
		return a.nobody("it wants a sign-in in a browser").Hint("somebody has to sign in: leave --no-input out")
	}
	a.clearProgress()
	ctx, a.withdraw = context.WithCancel(ctx)
	a.asking = p.ID
	go func() { a.asked <- outcome{prompt: p.ID, sent: true, err: a.askBrowser(ctx, p)} }()
	return nil
}

// askBrowser shows the page, in the browser and by its address, and waits until the agent has what the browser brings.
func (a *attempt) askBrowser(ctx context.Context, p *ipc.Prompt) error {
	a.tell(p)
	if refused(p) { // the identity provider may sign in by itself, again and again
		if _, err := a.Person.Line(ctx, "Press Enter to sign in again: "); err != nil {
			return err
		}
	}
	fmt.Fprintf(a.Err, "Sign in at %s in your browser. It opens by itself; the address is:\n\n  %s\n\n", line(p.Browser.Host), line(p.Browser.URL))
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	open := a.deps.Browse
	if open == nil {
		open = browser.Open
	}
	told, done := make(chan *fault.Error), make(chan error, 1)
	go func() {
		done <- browser.SignIn(ctx, p, browser.Options{
			Answer: a.agent.Answer,
			Open:   open,
			Tell: func(f *fault.Error) {
				select {
				case told <- f:
				case <-ctx.Done():
				}
			},
		})
	}()
	said := map[fault.Code]bool{}
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		a.countdown(p.Until)
		select {
		case <-second.C:
		case f := <-told:
			if !said[f.Code] { // a page that sends forged responses sends many
				said[f.Code] = true
				a.endCountdown()
				a.unopened(f, p.Browser)
			}
			if f.Code == fault.AuthBrowser && a.Person == nil {
				end(errNoScreen)
			}
		case err := <-done:
			a.endCountdown()
			if errors.Is(context.Cause(ctx), errNoScreen) {
				return a.nobody("it wants a sign-in in a browser")
			}
			return err
		}
	}
}

// unopened says what went wrong, and what a person can do about it who sits at another machine than the browser's.
func (a *attempt) unopened(f *fault.Error, b *ipc.Browser) {
	fmt.Fprintf(a.Err, "note: %s (%s)\n", line(f.Sentence()), f.Code)
	for _, h := range f.AllHints() {
		fmt.Fprintf(a.Err, "hint: %s\n", line(h))
	}
	if f.Code == fault.AuthBrowser {
		fmt.Fprintf(a.Err, "hint: from another machine, keep this running there meanwhile: ssh -L %d:localhost:%d THIS-MACHINE\n", b.Port, b.Port)
	}
}

// countdown rewrites the line that says how long the page waits.
func (a *attempt) countdown(until time.Time) {
	if left := time.Until(until).Round(time.Second); a.Progress && !a.json && left > 0 {
		fmt.Fprintf(a.Err, "\r\x1b[KWaiting for your browser: %d:%02d left", int(left.Minutes()), int(left.Seconds())%60)
	}
}

// endCountdown takes the line away.
func (a *attempt) endCountdown() {
	if a.Progress && !a.json {
		fmt.Fprint(a.Err, "\r\x1b[K")
	}
}
