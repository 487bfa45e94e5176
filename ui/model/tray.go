package model

import (
	"cmp"
	"slices"
	"time"
)

// maxMenu is how many hosts a menu has: more are in the window.
const maxMenu = 12

// shape is the state at a glance.
func (m Model) shape(now time.Time) Shape {
	p := m.phase(now)
	switch {
	case p == absent, p == strange, m.asked.ended != nil && m.ended().Urgent, m.prompt(now) != nil:
		return ShapeAttention
	case p == reconnecting && m.portal():
		return ShapeAttention
	}
	switch p {
	case connecting, authenticating, establishing:
		return ShapeConnecting
	case up:
		return ShapeConnected
	case waiting:
		if phaseOf(m.state) == idle {
			return ShapeDisconnected
		}
		return ShapeReconnecting
	case reconnecting:
		return ShapeReconnecting
	case paused:
		return ShapePaused
	case blocked:
		return ShapeBlocked
	}
	return ShapeDisconnected
}

// portal reports a network that wants the person to sign in.
func (m Model) portal() bool {
	return m.state.CaptivePortal != nil && *m.state.CaptivePortal && !m.foreign()
}

// tray is the icon, what it says, and its menu. It says no durations: they would have to be drawn anew all the time.
func (m Model) tray(now time.Time) Tray {
	status := m.status(now)
	return Tray{Shape: m.shape(now), Tooltip: m.text("tray.tooltip", fill("status", status)), Menu: m.menu(status, now)}
}

// status is the state in one line.
func (m Model) status(now time.Time) string {
	p := m.phase(now)
	host := fill("host", m.target())
	switch {
	case p == absent:
		return m.absence()
	case p == starting, p == waiting:
		return m.words.Text("window.headline." + p.String())
	case m.foreign():
		return m.text("tray.status.other")
	}
	if q := m.prompt(now); q != nil {
		return m.asking(q)
	}
	switch p {
	case connecting, authenticating, establishing:
		return m.text("tray.status.connecting", host)
	case up:
		if at, ok := m.expires(); ok {
			return m.text("tray.status.until", host, fill("time", m.words.When(at, now)))
		}
		return m.text("tray.status.connected", host)
	case reconnecting:
		return m.text("tray.status.reconnecting", host)
	}
	return m.words.Text("window.headline." + p.String())
}

// asking is a question in a few words: who asks, or what is waited for.
func (m Model) asking(q *Prompt) string {
	if q.Kind == PromptWait || q.Kind == PromptCertificate {
		return q.Title
	}
	return m.text("tray.status.asks", fill("host", m.target()))
}

// menu is what can be done from the icon.
func (m Model) menu(status string, now time.Time) []MenuItem {
	p := m.phase(now)
	menu := []MenuItem{{Label: status}, {}}
	if q := m.prompt(now); q != nil && q.Kind != PromptWait {
		menu = append(menu, MenuItem{Label: m.text("tray.answer"), Msg: Show{}})
	}
	switch b := m.button(p); {
	case p == idle:
		menu = append(menu, m.connects()...)
	case p == absent, p == starting, m.foreign():
		menu = append(menu, MenuItem{Label: m.text("window.connect")})
	default:
		menu = append(menu, MenuItem{Label: b.Label, Msg: b.Msg})
	}
	quit := m.text("tray.quit")
	if m.own() && phaseOf(m.state).held() {
		quit = m.text("tray.quit.stays")
	}
	return append(menu,
		MenuItem{},
		MenuItem{Label: m.text("tray.open"), Msg: Show{}},
		MenuItem{Label: m.text("tray.details"), Msg: ShowDetails{}},
		MenuItem{},
		MenuItem{Label: quit, Msg: Quit{}},
	)
}

// connects are the lines that connect: one where there is one host, else a list of those used last and the profiles'.
func (m Model) connects() []MenuItem {
	list := m.list()
	if len(list) == 0 {
		item := MenuItem{Label: m.text("window.connect")}
		if m.manual() {
			item.Msg = Show{} // where it can be typed
		}
		return []MenuItem{item}
	}
	slices.SortStableFunc(list, func(a, b Host) int { return cmp.Compare(m.rank(a.Target), m.rank(b.Target)) })
	var all []MenuItem
	for _, h := range list {
		all = append(all, MenuItem{Label: h.Name, Msg: Connect{Target: h.Target}})
	}
	if len(all) == 1 {
		return []MenuItem{{Label: m.text("tray.connect.to", fill("host", all[0].Label)), Msg: all[0].Msg}}
	}
	if len(all) > maxMenu {
		all = append(all[:maxMenu:maxMenu], MenuItem{}, MenuItem{Label: m.text("tray.more"), Msg: Show{}})
	}
	return []MenuItem{{Label: m.text("tray.connect"), Children: all}}
}

// rank is a target's place among those used, the latest first; those never used come after.
func (m Model) rank(target string) int {
	if i := slices.Index(m.hosts.recent, target); i >= 0 {
		return i
	}
	return maxRecent
}
