package agent

import (
	"context"
	"strconv"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/profile"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// reply ends a prompt: an answer, or why there is none.
type reply struct {
	answer protocol.Answer
	err    error
}

// prompt is a pending question. The loop holds it until it is answered, cancelled or withdrawn; the attempt's worker waits on reply, which has room
// for the one reply a prompt gets, so that the loop never waits.
type prompt struct {
	id      machine.ID
	attempt machine.ID
	form    protocol.Form
	until   time.Time
	shown   bool
	reply   chan reply
}

// end gives the worker its one reply. The loop takes the prompt out of its map before it calls this, so it happens once.
func (p *prompt) end(r reply) { p.reply <- r }

// asker is the Prompter of one attempt: it turns a question into an event and waits for the reply. Answers come past the machine, as secrets.
type asker struct {
	attempt machine.ID
	next    func() machine.ID // numbers the prompts
	wall    func() time.Time
	post    func(report) bool

	owner     string // whose profiles are kept
	delivered delivered
	policy    *profile.Policy // of this machine
	trust     truster
}

// Ask implements protocol.Prompter. How long a person has is the machine's to say: at its deadline it cancels the attempt, and ctx with it.
func (a asker) Ask(ctx context.Context, f protocol.Form) (protocol.Answer, error) {
	if f.Kind == protocol.FormTrust { // nobody is asked to trust a sign-in page
		if err := a.trust.look(ctx, f.Trust.Host); err != nil {
			return protocol.Answer{}, err
		}
	}
	p := &prompt{id: a.next(), attempt: a.attempt, form: f, until: a.wall().Add(machine.AuthIdle), reply: make(chan reply, 1)}
	ev := machine.Event{Kind: machine.EvPromptNeeded, Attempt: a.attempt, Prompt: p.id, Evidence: string(f.Kind)}
	if !a.post(report{ev: ev, prompt: p}) {
		return protocol.Answer{}, fault.New(fault.AuthCancelled, context.Canceled)
	}
	select {
	case r := <-p.reply:
		return r.answer, r.err
	case <-ctx.Done():
	}
	a.post(report{ev: machine.Event{Kind: machine.EvPromptCancelled, Attempt: a.attempt, Prompt: p.id, Evidence: "nobody waits for the answer"}})
	return protocol.Answer{}, fault.New(fault.AuthPromptGone, ctx.Err())
}

// Answered implements protocol.Watcher.
func (a asker) Answered() {
	a.post(report{ev: machine.Event{Kind: machine.EvAnswered, Attempt: a.attempt}})
}

// Waiting implements protocol.Watcher.
func (a asker) Waiting(on bool) {
	kind := machine.EvWaitEnded
	if on {
		kind = machine.EvWaitBegan
	}
	a.post(report{ev: machine.Event{Kind: kind, Attempt: a.attempt}})
}

// LoggedIn implements protocol.Watcher.
func (a asker) LoggedIn() {
	a.post(report{word: wordLoggedIn, ev: machine.Event{Attempt: a.attempt}})
}

// TakesProfile implements protocol.ProfileKeeper.
func (a asker) TakesProfile(from protocol.Target) bool {
	ok, _ := a.policy.TakesProfile(from.Host)
	return ok
}

// KeptProfile implements protocol.ProfileKeeper.
func (a asker) KeptProfile(t protocol.Target) (sum [20]byte, ok bool) {
	return a.delivered.kept(a.owner, t)
}

// KeepProfile implements protocol.ProfileKeeper. What it keeps counts from the next connect on.
func (a asker) KeepProfile(t protocol.Target, doc []byte) error {
	return a.delivered.keep(a.owner, t, doc)
}

var (
	_ protocol.Watcher       = asker{}
	_ protocol.ProfileKeeper = asker{}
	_ protocol.TrustKeeper   = asker{}
)

// nextPrompt numbers a prompt; called in workers.
func (l *loop) nextPrompt() machine.ID { return machine.ID(l.prompts.Add(1)) }

// askUser shows a prompt to the owner. It stays part of the state until it is over: a client that dies takes nothing with it.
func (l *loop) askUser(id machine.ID) {
	p, ok := l.res.prompts[id]
	if !ok {
		return
	}
	p.shown = true
	l.changed = true
	w := *p.wire()
	l.news = append(l.news, func(h *ipc.Hub) { h.Prompt(w) })
}

// withdraw ends a prompt that nobody shall answer any more.
func (l *loop) withdraw(id machine.ID) {
	if p, ok := l.res.prompts[id]; ok {
		l.close(p, reply{err: fault.New(fault.AuthCancelled, nil)})
	}
}

// close ends a prompt: the worker gets its reply, clients hear that it is over.
func (l *loop) close(p *prompt, r reply) {
	delete(l.res.prompts, p.id)
	p.end(r)
	l.changed = true
	id := promptName(p.id)
	l.news = append(l.news, func(h *ipc.Hub) { h.Withdrawn(id) })
}

// wire is the prompt as clients see it.
func (p *prompt) wire() *ipc.Prompt {
	out := &ipc.Prompt{ID: promptName(p.id), Kind: string(p.form.Kind), Title: p.form.Title, Message: p.form.Message, Error: p.form.Error, Trust: wireTrust(p.form.Trust), Until: p.until}
	if b := p.form.Browser; b != nil {
		out.Browser = &ipc.Browser{URL: b.URL, Host: b.Host, Gateway: b.Gateway, Port: b.Port}
	}
	for _, f := range p.form.Fields {
		w := ipc.Field{Name: f.Name, Label: f.Label, Type: f.Type, Value: f.Value, Last: f.Last}
		for _, o := range f.Options {
			w.Options = append(w.Options, ipc.Option{Value: o.Value, Label: o.Label})
		}
		out.Fields = append(out.Fields, w)
	}
	return out
}

// accepts checks an answer against the question before the worker sees it: the right kind, no field that was not asked for, and what the question itself wants of it.
func (p *prompt) accepts(a ipc.Answer) (protocol.Answer, error) {
	if p.form.Kind == protocol.FormBanner || p.form.Kind == protocol.FormTrust {
		if a.Accept == nil || a.Fields != nil {
			return protocol.Answer{}, fault.Newf(fault.UseBad, nil, "a %s is answered with accept", p.form.Kind)
		}
		return protocol.Answer{Accept: *a.Accept}, nil
	}
	if a.Fields == nil || a.Accept != nil {
		return protocol.Answer{}, fault.Newf(fault.UseBad, nil, "a form is answered with fields")
	}
	for name := range a.Fields {
		if !p.asks(name) {
			return protocol.Answer{}, fault.Newf(fault.UseBad, nil, "the form has no field %s", name)
		}
	}
	out := protocol.Answer{Accept: true, Values: a.Fields}
	if p.form.Check != nil {
		if err := p.form.Check(out); err != nil {
			return protocol.Answer{}, err
		}
	}
	return out, nil
}

func (p *prompt) asks(name string) bool {
	for _, f := range p.form.Fields {
		if f.Name == name {
			return true
		}
	}
	return false
}

func promptName(id machine.ID) string { return "p" + strconv.FormatUint(uint64(id), 10) }
