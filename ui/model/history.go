package model

import (
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/ui/locale"
)

// maxHistory bounds the message history, in lines.
const maxHistory = 500

// history is what the person was told since the application started: states that were entered and notices, oldest first.
type history struct {
	lines     []moment
	state     string // the last one that is in lines
	transport string
	code      string // of the last failure
}

// moment is a line of the history.
type moment struct {
	at   time.Time
	tone Tone
	text string
	code string
}

// add returns the history with a line more, the oldest making room. The lines it had are not touched: they belong to other Models as well.
func (h history) add(at time.Time, tone Tone, text, code string) history {
	if len(h.lines) >= maxHistory {
		h.lines = h.lines[len(h.lines)-maxHistory+1:]
	}
	h.lines = append(slices.Clip(h.lines), moment{at, tone, text, code})
	return h
}

// echo is how soon after a failure a notice of the same is only its echo.
const echo = 2 * time.Second

// said reports whether a text is among what was said just before a time.
func (h history) said(text string, at time.Time) bool {
	for _, l := range slices.Backward(h.lines) {
		if at.Sub(l.at) > echo {
			return false
		}
		if l.text == text {
			return true
		}
	}
	return false
}

// noted is the history after a message.
func (m Model) noted(msg Msg, now time.Time) history {
	h := m.pages.history
	switch msg := msg.(type) {
	case AgentHere:
		if !m.here && len(h.lines) > 0 {
			return h.add(now, TonePlain, m.words.Text("details.history.agentHere"), "")
		}
	case AgentGone:
		if m.here && msg.Err != nil {
			h.state, h.transport = "", ""
			return h.add(now, ToneWarn, m.sentence(string(msg.Err.Code), msg.Err.Sentence()), string(msg.Err.Code))
		}
	case Happened:
		if n := msg.Event.Notice; n != nil {
			if text := m.sentence(n.Code, n.Message); !h.said(text, msg.Event.At) {
				h = h.add(msg.Event.At, ToneWarn, text, n.Code)
			}
		}
		if s := msg.Event.State; s != nil {
			return m.notedState(h, *s, msg.Event.At)
		}
	}
	return h
}

// notedState is the history after a state; what was said already is not said again.
func (m Model) notedState(h history, s ipc.State, at time.Time) history {
	code := ""
	if s.Error != nil {
		code = s.Error.Code
	}
	first := h.state == "" && down(s)
	goesOn := h.state == "authenticating" && s.State == "connecting" // between two questions, and after the last
	if s.State != h.state && !first && !goesOn {
		h = h.add(at, phaseTone(s.State), m.entered(s), "")
	}
	if code != h.code && code != "" {
		h = h.add(at, ToneBad, m.sentence(code, s.Error.Message), code)
	}
	if s.State == "connected" && s.Transport != "" && s.Transport != h.transport {
		h = h.add(at, TonePlain, m.words.Text("details.history.transport", locale.With("transport", protocolName(s.Transport))), "")
		h.transport = s.Transport
	}
	h.state, h.code = s.State, code
	return h
}

// entered says that a state was entered, and with whom.
func (m Model) entered(s ipc.State) string {
	key := "details.entered." + s.State
	switch {
	case !m.words.Has(key):
		return fault.Clean(s.State)
	case s.Target != "" && m.words.Has(key+".host"):
		return m.words.Text(key+".host", locale.With("host", fault.Clean(s.Target)))
	}
	return m.words.Text(key)
}

// phaseTone is how a state is meant.
func phaseTone(state string) Tone {
	switch state {
	case "connected":
		return ToneGood
	case "reconnecting", "paused":
		return ToneWarn
	case "blocked":
		return ToneBad
	}
	return TonePlain
}

// historyLines is the page, newest first.
func (m Model) historyLines(now time.Time) []HistoryLine {
	lines := make([]HistoryLine, 0, len(m.pages.history.lines))
	for _, l := range slices.Backward(m.pages.history.lines) {
		lines = append(lines, HistoryLine{At: m.exactly(l.at, now), Severity: m.severity(l.tone), Text: l.text, Code: l.code, Tone: l.tone})
	}
	return lines
}

// severity is a tone in a word, those that AnyConnect users know.
func (m Model) severity(t Tone) string {
	switch t {
	case ToneWarn:
		return m.words.Text("details.severity.warning")
	case ToneBad:
		return m.words.Text("details.severity.error")
	}
	return m.words.Text("details.severity.information")
}

// exactly is a time to the second, with the day where that is not now's.
func (m Model) exactly(at, now time.Time) string {
	at = at.In(now.Location())
	clock := m.words.ClockSeconds(at)
	if at.Year() == now.Year() && at.YearDay() == now.YearDay() {
		return clock
	}
	return m.words.Text("unit.moment", locale.With("date", m.words.Day(at)), locale.With("time", clock))
}

// sentence is what a code of the registry means in the person's language, as one line; what the agent says in words where the code is not known here.
func (m Model) sentence(code, message string) string {
	if key := "fault." + code + ".sentence"; m.words.Has(key) {
		return finish(m.words.Text(key))
	}
	if message = fault.Clean(message); message != "" {
		return finish(message)
	}
	return fault.Clean(code)
}
