package model

import (
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/ui/locale"
)

// Model is all that the application knows. It is a value: Update returns another and changes nothing of the one it is called on, slices included.
type Model struct {
	words *locale.Words
	self  Self

	here    bool // an agent answers
	gone    *fault.Error
	version ipc.Version
	state   ipc.State

	pages pages // the details window
}

// Self is what the application knows of itself and of who runs it.
type Self struct {
	Version ipc.Version
	User    string // the login name, as a command for an administrator has it
}

// New returns the model of an application that has just started and knows nothing of an agent yet.
func New(words *locale.Words, self Self) Model { return Model{words: words, self: self} }

// Update takes a message at a time, and returns the model after it and what is to be done.
func (m Model) Update(msg Msg, now time.Time) (Model, []Command) {
	m, commands := m.updateDetails(msg, now)
	switch msg := msg.(type) {
	case AgentHere:
		m.here, m.gone, m.version = true, nil, msg.Version
	case AgentGone:
		m.here, m.gone, m.state = false, msg.Err, ipc.State{}
	case Happened:
		if msg.Event.State != nil {
			m.state = *msg.Event.State
		}
	}
	if at := m.detailsWake(now); !at.IsZero() {
		commands = append(commands, Wake{at})
	}
	return m, commands
}

// Screen is what is to be seen now.
func (m Model) Screen(now time.Time) Screen {
	return Screen{Language: m.words.Language(), Window: Window{Title: m.words.Text("window.title")}, Details: m.details(now)}
}
