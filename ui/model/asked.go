package model

import (
	"slices"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/profile"
)

// asked is what the person asked for, and what came of it as far as the state does not say.
type asked struct {
	started    bool         // AutoConnectOnStart had its chance
	connecting bool         // a connect is on its way, and the state does not know of it yet
	accepted   bool         // the agent took it
	ours       bool         // the attempt was begun here: its questions may come forward by themselves
	leaving    bool         // a disconnect is on its way
	up         bool         // the attempt became a session
	away       bool         // the agent went while there was one
	failed     *fault.Error // why the last call was refused
	target     string       // of the last connect
	ended      *ended       // what happened while nobody looked
	step       step         // how far the attempt is, or was when it came to nothing
	broke      bool         // it came to nothing
}

// ended is a session or an attempt that ended without the person's doing.
type ended struct {
	tried bool         // it had not come up yet
	fault *fault.Error // nil where it has no code
	lost  bool         // the agent's restart ended it
	host  string
}

// inForce is the value in force of a profile's element; def where the agent does not say.
func (m Model) inForce(name, def string) string {
	i := slices.IndexFunc(m.policy.Settings, func(s ipc.Setting) bool { return s.Name == name })
	if i < 0 {
		return def
	}
	return m.policy.Settings[i].Value
}

// autoConnect connects once, at the start of the application, where the person or a profile wants that.
func (m Model) autoConnect(now time.Time) (Model, []Command) {
	if m.asked.started || !m.here || !m.heard || !m.ruled {
		return m, nil
	}
	m.asked.started = true
	if m.phase(now) != idle || m.inForce("AutoConnectOnStart", "false") != "true" {
		return m, nil
	}
	return m.connectTo(m.policy.Target)
}

// connect begins a session with a target, or with what is chosen in the window.
func (m Model) connect(target string) (Model, []Command) {
	if target == "" {
		target = m.chosen()
		if target == "" || m.hosts.manual && !m.manual() {
			m.asked.failed = fault.New(fault.UseTarget, nil)
			return m, nil
		}
		if m.hosts.manual && !m.listed(target) {
			if _, err := profile.ParseTarget(target); err != nil {
				m.asked.failed = fault.As(err)
				return m, nil
			}
		}
	}
	return m.connectTo(target)
}

// connectTo asks the agent, after the certificate where the target is used with one. The empty target is the agent's to choose.
func (m Model) connectTo(target string) (Model, []Command) {
	if !m.free() {
		return m, nil
	}
	if m.cert.files[target] != "" {
		return m.askCertificate(target)
	}
	return m.call(ipc.ConnectRequest{Target: target})
}

// free reports that a session can be begun.
func (m Model) free() bool {
	p := phaseOf(m.state)
	return m.here && m.heard && !m.foreign() && (p == idle && !m.asked.connecting || p == disconnecting || p == blocked)
}

func (m Model) call(r ipc.ConnectRequest) (Model, []Command) {
	m.asked = asked{started: true, connecting: true, ours: true, target: r.Target}
	return m, []Command{CallConnect{r}}
}

// disconnect ends the session or the attempt, as far as it is ours to end.
func (m Model) disconnect() (Model, []Command) {
	if !m.here || m.foreign() || phaseOf(m.state) == idle && !m.asked.connecting {
		return m, nil
	}
	m.asked.leaving, m.asked.failed, m.asked.ended = true, nil, nil
	return m, []Command{CallDisconnect{}}
}

// saw clears what a state has answered, and remembers how far an attempt is.
func (a asked) saw(is phase, attempt string, s ipc.State) asked {
	if is != idle && is != disconnecting {
		a.broke = false
	}
	a.up = a.up || is.held()
	if s.Attempt != attempt {
		a.step = stepReach
	}
	if i := slices.Index(stepNames[:], s.Step); i >= 0 {
		a.step = step(i)
	} else if is == authenticating {
		a.step = stepLogin
	} else if is == establishing {
		a.step = stepApply
	}
	if is != idle || a.accepted || s.Attempt != attempt {
		a.connecting, a.accepted = false, false
	}
	if is != idle && !is.held() {
		a.failed = nil
	}
	return a
}

// least is the step that an attempt had come to at least when it failed like this: states that follow each other fast are not all heard of.
func least(c fault.Code) step {
	switch prefix, _, _ := strings.Cut(string(c), "-"); prefix {
	case "AUTH":
		return stepLogin
	case "HOST":
		return stepApply
	}
	return stepReach
}

// choices asks again what there is to choose from, and what is in force: a gateway may have brought another profile.
func (m Model) choices() []Command {
	todo := []Command{Fetch{FetchHosts}}
	if m.version.Offers(ipc.FeaturePreferences) {
		todo = append(todo, Fetch{FetchPolicy})
	}
	return todo
}

// endedNow is the end of a session or an attempt: foreign whether it was somebody else's. What a person did not do himself and did not see is kept to be told.
func (m Model) endedNow(foreign bool) (Model, []Command) {
	a := &m.asked
	var todo []Command
	if m.cert.of != "" { // else the key is for the next attempt
		m.cert, todo = m.cert.forget()
	}
	var why *fault.Error
	if m.state.Error != nil {
		why = m.state.Error.Fault()
	}
	wished := a.leaving || why != nil && (why.Code == fault.AuthCancelled || why.Code == fault.PolBanner)
	if !foreign && !m.desk.visible && !wished && (why != nil || a.up) {
		a.ended = &ended{tried: !a.up, fault: why, lost: a.away, host: m.target()}
	}
	a.broke = why != nil && !wished && !a.up && !foreign
	a.ours, a.away, a.leaving, a.up, a.failed = false, false, false, false, nil
	if a.broke {
		a.step = max(a.step, least(why.Code))
	}
	return m, append(todo, m.choices()...)
}

// cameUp is a session that works: its target comes first next time, and the window goes where the person wants it to. first is a session that was there before us.
func (m Model) cameUp(first bool) (Model, []Command) {
	var todo []Command
	if next := m.hosts.used(m.state.Target); !slices.Equal(next.recent, m.hosts.recent) {
		m.hosts = next
		todo = append(todo, m.remember())
	}
	if m.asked.ours && !first && m.desk.visible && m.desk.tray && m.inForce("MinimizeOnConnect", "false") == "true" {
		m.desk.visible = false
		todo = append(todo, Close{})
	}
	m.asked.ours, m.asked.away, m.asked.ended = false, false, nil
	if !first {
		todo = append(todo, m.choices()...)
	}
	return m, todo
}

// done is the end of a command.
func (m Model) done(c Command, err *fault.Error) (Model, []Command) {
	switch c := c.(type) {
	case CallConnect:
		return m.called(err)
	case CallDisconnect:
		if err != nil {
			m.asked.leaving, m.asked.failed = false, err
		}
	case CallAnswer:
		m.asked.leaving = m.asked.leaving && (err == nil || !c.Answer.Cancel)
		m.answer = m.answer.done(c.Prompt, err)
	case Browse:
		m.answer = m.answer.told(c.Prompt, err)
	case Unlock:
		if err != nil && m.cert.asking == c.Target {
			m.cert.busy, m.cert.err = false, err
		}
	case Fetch:
		if c.What == FetchStats {
			m.rates.asked = false
		}
	}
	return m, nil
}

// called is what the agent said to a connect.
func (m Model) called(err *fault.Error) (Model, []Command) {
	if err == nil {
		m.asked.accepted = m.asked.connecting
		return m, nil
	}
	m.asked.connecting, m.asked.ours, m.asked.failed = false, false, err
	if !m.desk.visible {
		m.asked.ended = &ended{tried: true, fault: err, host: clean(m.asked.target)}
	}
	var todo []Command
	m.cert, todo = m.cert.forget()
	return m, todo
}

// target is the name of what the session or the attempt is with, as a person knows it.
func (m Model) target() string {
	names := []string{m.state.Target, m.asked.target, m.policy.Target}
	if m.asked.connecting { // the state is still the one before
		names = names[1:]
	}
	for _, t := range names {
		if t = clean(t); strings.TrimSpace(t) != "" {
			return t
		}
	}
	return m.text("window.gateway")
}
