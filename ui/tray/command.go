package tray

import (
	"context"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/ui/model"
)

// maxCalls bounds the calls of the agent that are under way at once. Who has as many has an agent that hangs.
const maxCalls = 16

// slow is how long a call may take before somebody asks the agent whether it is there at all.
const slow = time.Second

// carryOut does what the model wants done. What may take time is done beside the main thread and answered by a message.
func (t *Tray) carryOut(c model.Command) {
	switch c := c.(type) {
	case model.Wake:
		t.wake.set(c.At, func() { t.post(model.Tick{}) })
	case model.Notify:
		t.desktop.Notify(c)
	case model.Withdraw:
		t.desktop.Withdraw(c.ID)
	case model.Open:
		t.stage.Open(c.Details, t.model.Screen(time.Now()))
	case model.Close:
		t.stage.Close(c.Details)
	case model.Clip:
		t.clip(c.Text)
	case model.Browse:
		t.browse(c)
	case model.Remember:
		t.kept.remember(c.Recent, c.Certificates)
		t.goes(t.save)
	case model.Save:
		t.saveAs(c)
	case model.Unlock:
		turn := t.unlocked.begin()
		t.call(c, func(context.Context) (model.Msg, error) { return t.unlocked.unlock(c, turn) })
	case model.Lock:
		t.unlocked.begin()
	case model.Exit:
		t.stage.closeAll()
		t.goes(t.save)
		t.cancel()
		t.opts.App.Quit()
	default:
		t.call(c, func(ctx context.Context) (model.Msg, error) { return t.ask(ctx, c) })
	}
}

// call does what may take time in a goroutine of its own, and posts the message that answers the command.
func (t *Tray) call(c model.Command, do func(context.Context) (model.Msg, error)) {
	select {
	case t.calls <- struct{}{}:
	default:
		t.update(model.Done{Command: c, Err: silent()})
		return
	}
	t.goes(func() {
		late := time.AfterFunc(slow, t.agent.doubt) // long before the call is given up
		answer, err := do(t.ctx)
		late.Stop()
		<-t.calls
		if t.ctx.Err() != nil {
			return
		}
		if err != nil {
			f := fault.As(err)
			if f.Code == fault.AgentUnreachable || f.Code == fault.AgentSilent {
				t.agent.doubt()
			}
			answer = model.Done{Command: c, Err: f}
		}
		t.post(answer)
	})
}

// ask carries out a command that is a call of the agent, and returns the message that answers it.
func (t *Tray) ask(ctx context.Context, c model.Command) (model.Msg, error) {
	done, client := model.Done{Command: c}, t.opts.Client
	switch c := c.(type) {
	case model.CallConnect:
		_, err := client.Connect(ctx, c.Request)
		return done, err
	case model.CallDisconnect:
		return done, client.Disconnect(ctx)
	case model.CallAnswer:
		defer forget(c.Answer)
		return done, client.Answer(ctx, c.Prompt, c.Answer)
	case model.CallPrefer:
		return done, client.Prefer(ctx, c.Request)
	case model.Sign:
		return done, t.unlocked.sign(ctx, c, client.Answer)
	case model.Fetch:
		return fetch(ctx, client, c.What)
	}
	return nil, fault.Newf(fault.Internal, nil, "%T is not carried out", c)
}

// forget wipes what a person typed.
func forget(a ipc.Answer) {
	for _, secret := range a.Fields {
		secret.Wipe()
	}
}

// fetch asks for what the model wants to know.
func fetch(ctx context.Context, client *ipc.Client, what model.Fetched) (model.Msg, error) {
	switch what {
	case model.FetchHosts:
		hosts, err := client.Hosts(ctx)
		return model.Listed{Hosts: hosts}, err
	case model.FetchPolicy:
		policy, err := client.Preferences(ctx)
		return model.Ruled{Policy: policy}, err
	case model.FetchStats:
		stats, err := client.Stats(ctx)
		return model.Measured{Stats: stats}, err
	case model.FetchTimeline:
		past := model.Past{}
		for e, err := range client.Timeline(ctx, false) {
			if err != nil {
				return nil, err
			}
			past.Entries = append(past.Entries, e)
		}
		return past, nil
	}
	return nil, fault.Newf(fault.Internal, nil, "nothing is known of %d", what)
}

// save writes what is kept.
func (t *Tray) save() {
	if err := t.kept.save(); err != nil {
		t.opts.Logf("keep recent hosts: %v", err)
	}
}
