package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/ui/credential"
)

// defaultTime is --timeout where nobody says it.
const defaultTime = time.Minute

// endTime is how long a cancelled attempt may take until the agent says that it is over (the agent promises 3 s).
const endTime = 4 * time.Second

// attempt follows one connect until traffic can flow or it failed. run is its only goroutine but for the reader of events and the one that asks.
type attempt struct {
	*app
	agent   *ipc.Client
	answers *answers
	noInput bool
	banner  bool // --accept-banner

	credential *credential.Credential // of --cert or --pkcs12; nil without one

	id       string // State.Attempt of what is followed
	own      bool   // we began it, so we cancel it
	started  bool   // it was seen in progress
	handled  map[string]bool
	asking   string             // id of the prompt that a person is being asked
	withdraw context.CancelFunc // ends that
	next     *ipc.Prompt        // came meanwhile
	asked    chan outcome
	declined bool
	portal   bool   // the person knows of the captive portal
	shown    string // progress text
}

// outcome is what a person said.
type outcome struct {
	prompt string
	answer ipc.Answer
	err    error
	sent   bool // the agent has the answer, if there is one
	trust  bool // it is about a key: the agent says what a refusal ends with
}

// run begins the connect, or takes up the pending prompt, and returns nil when the session is up.
func (a *attempt) run(ctx context.Context, req ipc.ConnectRequest) (final ipc.State, err error) {
	first, err := a.agent.State(ctx)
	if err != nil {
		return first, err
	}
	if req.Target == "" && first.Prompt != nil {
		a.id = first.Attempt
	} else {
		// An interruption must not leave us without the id of what we began.
		acc, err := a.agent.Connect(context.WithoutCancel(ctx), req)
		if err != nil {
			return first, err
		}
		a.id, a.own = acc.ID, true
	}
	a.handled, a.asked = map[string]bool{}, make(chan outcome, 1)

	reading, stop := context.WithCancel(ctx)
	events, broken := make(chan ipc.Event), make(chan error, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		broken <- each(reading, a.agent, func(e ipc.Event) error {
			select {
			case events <- e:
				return nil
			case <-reading.Done():
				return reading.Err()
			}
		})
	}()
	within := ctx
	if first.State == "reconnecting" { // the agent has no time for that: it goes on until the session ends
		limited, cancel := context.WithTimeout(ctx, backTime(req))
		defer cancel()
		within = limited
	}
	final, err = a.follow(within, events, broken)
	if within.Err() != nil && ctx.Err() == nil {
		err = notBack(final)
	}
	a.clearProgress()
	stop()
	<-done
	if err == nil {
		return final, nil
	}
	if a.own && !up(final) {
		a.cancel(ctx)
	}
	return final, err
}

// follow reads events until the attempt is over.
func (a *attempt) follow(ctx context.Context, events <-chan ipc.Event, broken <-chan error) (st ipc.State, err error) {
	defer func() {
		if a.withdraw != nil {
			a.withdraw()
			<-a.asked
		}
	}()
	for {
		var p *ipc.Prompt
		select {
		case e := <-events:
			if e.State != nil {
				st = *e.State
				if over, err := a.over(st); over {
					return st, err
				}
			}
			p = a.heard(e)
		case o := <-a.asked:
			a.withdraw()
			a.asking, a.withdraw = "", nil
			if err := a.reply(ctx, o); err != nil {
				return st, err
			}
			p, a.next = a.next, nil
		case err := <-broken:
			if ctx.Err() != nil {
				return st, ctx.Err()
			}
			return st, err
		case <-ctx.Done():
			return st, ctx.Err()
		}
		switch {
		case p == nil || a.handled[p.ID] || st.Attempt != a.id:
		case p.Kind == "sign": // no person has to be asked, so it waits for none
			if err := a.sign(ctx, p); err != nil {
				return st, err
			}
		case a.asking != "":
			a.next = p
		default:
			if err := a.prompt(ctx, p); err != nil {
				return st, err
			}
		}
	}
}

// heard shows what an event says, and returns the question that is open now.
func (a *attempt) heard(e ipc.Event) *ipc.Prompt {
	switch {
	case e.State != nil:
		a.signIn(*e.State)
		a.progress(*e.State)
		return e.State.Prompt
	case e.Prompt != nil:
		return e.Prompt
	case e.Notice != nil && e.Notice.Code == string(fault.NetPortal): // the state has it, too
	case e.Notice != nil:
		a.clearProgress()
		fmt.Fprintf(a.Err, "note: %s (%s)\n", e.Notice.Fault().Sentence(), line(e.Notice.Code))
	case e.Type != "withdrawn":
	case a.asking != "" && e.ID == a.asking:
		a.withdraw()
	case a.next != nil && e.ID == a.next.ID:
		a.next = nil
	}
	return nil
}

// backTime is how long a connect waits for a session that is being looked for.
func backTime(req ipc.ConnectRequest) time.Duration {
	if req.TimeoutMS > 0 {
		return time.Duration(req.TimeoutMS) * time.Millisecond
	}
	return defaultTime
}

// notBack is the end of that wait: what is in the way, and that the session goes on without us.
func notBack(s ipc.State) error {
	f := fault.New(fault.NetTimeout, nil)
	if s.Error != nil {
		f = s.Error.Fault()
	}
	return f.Hint("the session is kept, and the agent goes on trying: holdfast state")
}

// signIn tells a person once that the network wants him to sign in, while that can still help.
func (a *attempt) signIn(s ipc.State) {
	if a.portal || s.Attempt != a.id || s.State != "reconnecting" || s.CaptivePortal == nil || !*s.CaptivePortal {
		return
	}
	a.portal = true
	a.clearProgress()
	f := fault.New(fault.NetPortal, nil)
	if s.Error != nil && s.Error.Code == string(fault.NetPortal) {
		f = s.Error.Fault()
	}
	fmt.Fprintf(a.Err, "note: %s (%s)\n", line(f.Sentence()), fault.NetPortal)
	for _, h := range f.AllHints() {
		fmt.Fprintf(a.Err, "hint: %s\n", line(h))
	}
}

// over reports whether the state is the end of our attempt, and how it ended.
func (a *attempt) over(s ipc.State) (bool, error) {
	switch {
	case s.Attempt != a.id:
		if a.started { // somebody began another after it
			return true, fault.Newf(fault.AuthCancelled, nil, "another connect took its place")
		}
		return false, nil
	case s.State == "connected":
		return true, nil
	case down(s):
		if a.declined {
			return true, fault.New(fault.PolBanner, nil)
		}
		if s.Error != nil {
			return true, s.Error.Fault()
		}
		if a.started {
			return true, fault.New(fault.AuthCancelled, nil)
		}
		return false, nil
	}
	if s.State != "disconnecting" { // that may still be the end of the session before
		a.started = true
	}
	return false, nil
}

// prompt answers a question from the flags, or has a person asked, or says that nobody is there.
func (a *attempt) prompt(ctx context.Context, p *ipc.Prompt) error {
	a.handled[p.ID] = true
	switch p.Kind {
	case "banner":
		if a.banner {
			yes := true
			return a.reply(ctx, outcome{prompt: p.ID, answer: ipc.Answer{Accept: &yes}})
		}
		if a.alone() {
			return a.nobody("the banner must be accepted").Hint("give --accept-banner if you accept it")
		}
		a.ask(ctx, p, func(ctx context.Context) (ipc.Answer, error) { return a.askBanner(ctx, p) })
		return nil
	case "browser":
		return a.browse(ctx, p)
	case "trust":
		if p.Trust == nil || a.alone() { // nobody is there to compare anything: the refusal is exit 6
			no := false
			return a.reply(ctx, outcome{prompt: p.ID, answer: ipc.Answer{Accept: &no}, trust: true})
		}
		a.ask(ctx, p, func(ctx context.Context) (ipc.Answer, error) { return a.askTrust(ctx, p.Trust) })
		return nil
	case "form":
	default:
		return fault.Newf(fault.AuthUnsupported, nil, "%s", p.Kind)
	}
	out, missing, err := a.answers.fill(p, a.alone())
	switch {
	case err != nil:
		return err
	case len(missing) == 0:
		return a.reply(ctx, outcome{prompt: p.ID, answer: ipc.Answer{Fields: out}})
	case !a.alone():
		a.ask(ctx, p, func(ctx context.Context) (ipc.Answer, error) { return a.askForm(ctx, p, out, missing) })
		return nil
	case refused(p):
		return fault.Newf(fault.AuthRefused, nil, "%s", line(p.Error))
	}
	var names []string
	for _, f := range missing {
		names = append(names, f.Name)
	}
	return a.nobody("it wants " + strings.Join(names, ", "))
}

// alone reports that nobody can be asked.
func (a *attempt) alone() bool { return a.noInput || a.Person == nil }

func (a *attempt) nobody(what string) *fault.Error {
	return fault.Newf(fault.AuthInput, nil, "%s", what)
}

// ask has the question asked in a goroutine, so that events are read meanwhile.
func (a *attempt) ask(ctx context.Context, p *ipc.Prompt, how func(context.Context) (ipc.Answer, error)) {
	a.clearProgress()
	ctx, a.withdraw = context.WithCancel(ctx)
	a.asking = p.ID
	go func() {
		answer, err := how(ctx)
		a.asked <- outcome{prompt: p.ID, answer: answer, err: err, trust: p.Kind == "trust"}
	}()
}

// reply sends an answer. A question that is no longer open is no failure: the state says what became of the attempt.
func (a *attempt) reply(ctx context.Context, o outcome) error {
	var f *fault.Error
	switch {
	case errors.As(o.err, &f) && f.Code == fault.AuthPromptGone:
		return nil
	case errors.As(o.err, &f):
		return f
	case o.sent && o.err == nil:
		return nil
	case errors.Is(o.err, context.Canceled) && ctx.Err() == nil:
		return nil // withdrawn
	case o.err != nil && ctx.Err() == nil: // standard input ended
		return a.nobody("standard input ended")
	case o.err != nil:
		return o.err
	}
	a.declined = o.answer.Accept != nil && !*o.answer.Accept && !o.trust
	err := a.agent.Answer(ctx, o.prompt, o.answer)
	wipe(o.answer.Fields)
	if errors.As(err, &f) && f.Code == fault.AuthPromptGone {
		return nil
	}
	return err
}

// wipe clears what was sent. What a flag gave may be shown again as a default, but is never sent twice.
func wipe(fields map[string]redact.Secret) {
	for _, v := range fields {
		v.Wipe()
	}
}

// cancel ends the attempt at the agent and waits until it is over, so that this machine is as before when the command returns.
func (a *attempt) cancel(ctx context.Context) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer done()
	if st, err := a.agent.State(ctx); err != nil || st.Attempt != a.id || up(st) || down(st) {
		return
	}
	if err := a.agent.Disconnect(ctx); err != nil {
		return
	}
	_, _ = await(ctx, a.agent, endTime, down) // how it ended is not what the command reports
}
