package demo

import (
	"context"
	"sync"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/redact"
)

// watcher follows the agent's events as a tray would: it keeps the last state, shows the timeline, and answers questions in the user's place.
type watcher struct {
	w    *world
	show *screen
	done chan struct{}

	mu      sync.Mutex
	state   ipc.State
	changed chan struct{} // closed and made anew with each state
	asked   int
	err     error
}

// watch begins to follow. It ends with the stream's context; wait for done.
func watch(ctx context.Context, w *world, show *screen) (*watcher, error) {
	events, err := w.client.Events(ctx)
	if err != nil {
		return nil, err
	}
	v := &watcher{w: w, show: show, done: make(chan struct{}), changed: make(chan struct{})}
	go func() {
		defer close(v.done)
		defer events.Close()
		for {
			e, err := events.Next()
			if err != nil {
				v.update(func() { v.err = err })
				return
			}
			v.take(ctx, e)
		}
	}()
	return v, nil
}

// take handles one event.
func (v *watcher) take(ctx context.Context, e ipc.Event) {
	switch {
	case e.State != nil:
		v.update(func() { v.state = *e.State })
	case e.Timeline != nil:
		v.show.entry(*e.Timeline)
	case e.Prompt != nil:
		v.update(func() { v.asked++ })
		a := v.answer(*e.Prompt)
		if err := v.w.client.Answer(ctx, e.Prompt.ID, a); err != nil {
			v.update(func() { v.err = err })
		}
	}
}

// answer is what the user of the demo says.
func (v *watcher) answer(p ipc.Prompt) ipc.Answer {
	if p.Kind == "banner" {
		yes := true
		return ipc.Answer{Accept: &yes}
	}
	a := ipc.Answer{Fields: map[string]redact.Secret{}}
	for _, f := range p.Fields {
		label, said := f.Label, ""
		switch {
		case f.Type == "select":
			a.Fields[f.Name], said = redact.NewString("staff"), groupLabel
		case f.Name == "username":
			a.Fields[f.Name], said = redact.NewString(user), user
		case f.Name == "password":
			a.Fields[f.Name], said = v.w.password, "••••••••"
		default:
			a.Fields[f.Name], said, label = v.w.code, "••••••", p.Message
		}
		v.show.asked(label, said)
	}
	return a
}

func (v *watcher) update(f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f()
	close(v.changed)
	v.changed = make(chan struct{})
}

// until waits for a state of which ok holds and returns it, or the last one and false when the time is up or the agent is gone.
func (v *watcher) until(ctx context.Context, within time.Duration, ok func(ipc.State) bool) (ipc.State, bool) {
	timeout := time.NewTimer(within)
	defer timeout.Stop()
	for {
		v.mu.Lock()
		s, err, changed := v.state, v.err, v.changed
		v.mu.Unlock()
		if ok(s) {
			return s, true
		}
		if err != nil {
			return s, false
		}
		select {
		case <-changed:
		case <-timeout.C:
			return s, false
		case <-ctx.Done():
			return s, false
		}
	}
}

// questions is how often the user has been asked something so far.
func (v *watcher) questions() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.asked
}
