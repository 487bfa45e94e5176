package modeltest

import (
	"sync"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
)

// Start is when every Case begins: a Wednesday morning, in a zone of its own so that pictures do not change with the machine that makes them.
var Start = time.Date(2026, time.March, 4, 10, 30, 0, 0, time.FixedZone("office", 3600))

// Self is what the application knows of itself in every Case.
var Self = model.Self{Version: ipc.Version{Version: "v1.2.0", Commit: "4f1c9a7", Go: "go1.26.0"}, User: "alice"}

// Agent is an agent of the same version, which offers everything that an agent of today does.
var Agent = ipc.Version{Version: "v1.2.0", Commit: "4f1c9a7", Go: "go1.26.0", Agent: "v1.2.0", API: ipc.API, Features: append(ipc.Features(), ipc.FeatureTrust)}

// Older is an agent from before features were counted, Newer one of a later build.
var (
	Older = ipc.Version{Version: "v1.0.3", Commit: "88d01be", Go: "go1.25.2", Agent: "v1.0.3"}
	Newer = ipc.Version{Version: "v1.4.0", Commit: "c0ffee1", Go: "go1.27.1", Agent: "v1.4.0", API: ipc.API + 1, Features: Agent.Features}
)

// Script is a Model and a clock, and what the Model has asked for so far.
type Script struct {
	Model    model.Model
	Now      time.Time
	Commands []model.Command // all of them, oldest first
	Wake     time.Time       // when the Model wants to be woken next; the zero time when it does not
}

// words are read once: they do not change.
var words = sync.OnceValue(func() map[locale.Language]*locale.Words {
	all := map[locale.Language]*locale.Words{}
	for _, l := range locale.Languages() {
		all[l] = locale.For(l)
	}
	return all
})

// NewScript is an application that has just started.
func NewScript(l locale.Language) *Script {
	return &Script{Model: model.New(words()[l], Self), Now: Start}
}

// Send has the Model take messages, one after the other, without time passing.
func (s *Script) Send(msgs ...model.Msg) *Script {
	for _, msg := range msgs {
		var todo []model.Command
		if _, ok := msg.(model.Tick); ok {
			s.Wake = time.Time{}
		}
		s.Model, todo = s.Model.Update(msg, s.Now)
		s.Commands = append(s.Commands, todo...)
		for _, c := range todo {
			if w, ok := c.(model.Wake); ok {
				s.Wake = w.At
			}
		}
	}
	return s
}

// Later lets time pass. A Model that asked to be woken meanwhile is, at the time it asked for.
func (s *Script) Later(d time.Duration) *Script {
	end := s.Now.Add(d)
	for !s.Wake.IsZero() && !s.Wake.After(end) {
		if s.Wake.After(s.Now) {
			s.Now = s.Wake
		}
		s.Send(model.Tick{})
	}
	s.Now = end
	return s
}

// State is an agent's event with a state.
func (s *Script) State(st ipc.State) *Script {
	return s.Send(model.Happened{Event: ipc.Event{Type: "state", At: s.Now, State: &st}})
}

// Timeline is an agent's event with an entry of the timeline.
func (s *Script) Timeline(e ipc.Entry) *Script {
	e.At = s.Now
	return s.Send(model.Happened{Event: ipc.Event{Type: "timeline", At: s.Now, Timeline: &e}})
}
