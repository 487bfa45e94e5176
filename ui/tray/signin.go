package tray

import (
	"context"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/ui/browser"
	"github.com/holdfast-vpn/holdfast/ui/model"
)

// signIns are the prompts that a page in the person's browser answers. It belongs to the main thread.
type signIns map[string]signIn

// signIn is one; its context ends with it.
type signIn struct {
	context.Context
	cancel context.CancelFunc
}

// browse opens a prompt's page and answers the prompt with what comes back. Where that is under way already, it opens the page again.
func (t *Tray) browse(c model.Browse) {
	if running, ok := t.signIns[c.Prompt]; ok && running.Err() == nil {
		t.goes(func() { t.tellOf(c, browser.Open(t.ctx, c.Page.URL)) })
		return
	}
	ctx, cancel := context.WithCancel(t.ctx)
	t.signIns[c.Prompt] = signIn{ctx, cancel}
	page := c.Page
	prompt := &ipc.Prompt{ID: c.Prompt, Kind: "browser", Browser: &page}
	t.goes(func() {
		defer cancel()
		err := browser.SignIn(ctx, prompt, browser.Options{
			Answer: t.opts.Client.Answer,
			Tell:   func(f *fault.Error) { t.tellOf(c, f) },
			Page:   browser.Page{Language: string(t.opts.Words.Language()), Title: c.Title, Done: c.Finished, Unusable: c.Unusable},
		})
		if ctx.Err() == nil {
			t.post(model.Done{Command: c, Err: asFault(err)})
		}
	})
}

// tellOf tells the model what went wrong with a page, if anything did.
func (t *Tray) tellOf(c model.Browse, err error) {
	if err != nil && t.ctx.Err() == nil {
		t.post(model.Done{Command: c, Err: fault.As(err)})
	}
}

// asFault is an error as the model has it.
func asFault(err error) *fault.Error {
	if err == nil {
		return nil
	}
	return fault.As(err)
}

// keep ends the sign-ins of all prompts but one, whose id may be "": what is no longer asked needs no answer, and a port no longer be taken.
func (s signIns) keep(prompt string) {
	for id, running := range s {
		if id != prompt {
			running.cancel()
			delete(s, id)
		}
	}
}
