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
	goneAt  time.Time
	version ipc.Version
	state   ipc.State // the last one; from before goneAt while no agent is here
	heard   bool      // there was one
	since   time.Time // when it got into its phase, by our clock where the agent's cannot be

	policy ipc.Policy
	ruled  bool // there was one
	hosts  hosts
	desk   desk
	asked  asked
	answer answering
	cert   certificate
	rates  rates
	alerts alerts
	wake   time.Time // the one that was asked for

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
	details, commands := m.updateDetails(msg, now)
	m.pages = details.pages
	m, more := m.take(msg, now)
	commands = append(commands, more...)
	m, more = m.autoConnect(now)
	commands = append(commands, more...)
	m, more = m.settle(now)
	commands = append(commands, more...)
	m, more = m.alert(now)
	commands = append(commands, more...)
	if at := m.nextWake(now); !at.Equal(m.wake) {
		m.wake = at
		commands = append(commands, Wake{at})
	}
	return m, once(commands)
}

// take is what a message itself means.
func (m Model) take(msg Msg, now time.Time) (Model, []Command) {
	switch msg := msg.(type) {
	case AgentHere:
		return m.agentHere(msg.Version)
	case AgentGone:
		return m.agentGone(msg.Err, now), nil
	case Happened:
		return m.happened(msg.Event, now)
	case Listed:
		m.hosts = m.hosts.listed(msg.Hosts)
	case Ruled:
		m.policy, m.ruled = msg.Policy, true
	case Measured:
		m.rates = m.rates.measured(msg.Stats.State.Counters, now)
	case Done:
		return m.done(msg.Command, msg.Err)
	case Desktop:
		m.desk = m.desk.said(msg.HasTray, now)
	case Tick:
		m.wake = time.Time{}
		return m.measure(now)
	case Remembered:
		m.hosts.recent, m.cert.files = remembered(msg.Recent), filesOf(msg.Certificates)
	case Unlocked:
		return m.unlocked(msg)
	default:
		return m.wish(msg, now)
	}
	return m, nil
}

// wish is what a person wants.
func (m Model) wish(msg Msg, now time.Time) (Model, []Command) {
	switch msg := msg.(type) {
	case Connect:
		return m.connect(msg.Target)
	case UseCertificate:
		return m.askCertificate(msg.Target)
	case DropCertificate:
		return m.dropCertificate(msg.Target)
	case Disconnect:
		return m.disconnect()
	case Retry:
		if m.own() {
			return m, []Command{CallConnect{}}
		}
	case Choose:
		m.hosts, m.asked.failed = m.hosts.chosen(m, msg), nil // which was of another
	case Answer:
		return m.answered(msg, now)
	case OpenPage:
		return m.openPage()
	case Show:
		m, todo := m.show()
		m, more := m.measure(now)
		return m, append(todo, more...)
	case Hide:
		return m.hide(now)
	case Quit:
		return m.quit()
	}
	return m, nil
}

// Screen is what is to be seen now.
func (m Model) Screen(now time.Time) Screen {
	return Screen{Language: m.words.Language(), Tray: m.tray(now), Window: m.window(now), Prompt: m.prompt(now), Details: m.details(now)}
}

// once leaves out what is fetched twice: the window and a page may want the same.
func once(commands []Command) []Command {
	var fetched [fetchable]bool
	kept := commands[:0:0]
	for _, c := range commands {
		if f, ok := c.(Fetch); ok && int(f.What) < len(fetched) {
			if fetched[f.What] {
				continue
			}
			fetched[f.What] = true
		}
		kept = append(kept, c)
	}
	return kept
}
