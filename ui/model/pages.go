package model

import (
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

const (
	refresh = time.Second      // of numbers that are on view
	slowest = 15 * time.Second // of a picture that moves with time
	thanks  = 2 * time.Second  // for how long a button says that it was done
)

// pages is what the details window knows. What is fetched for a page is let go when the window closes; the message history is kept.
type pages struct {
	open   bool
	tab    Tab
	next   time.Time // when what is on view is due again
	copied time.Time // when the page was copied last

	asked  [fetchable]bool         // a question is on its way
	failed [fetchable]*fault.Error // what came of the last one

	stats  *ipc.Stats
	policy *ipc.Policy
	stale  bool        // policy is that of another target; it stays on view until the new one is here
	past   []ipc.Entry // oldest first; nil while it was not fetched
	shown  ShowSpan
	chosen bool // shown is the person's choice

	changing map[string]bool // preferences whose change is on its way
	refused  map[string]*fault.Error

	bundle  bundle
	history history
}

// needs is what a page is made of besides the state.
func (t Tab) needs() (Fetched, bool) {
	switch t {
	case TabStatistics:
		return FetchStats, true
	case TabTimeline:
		return FetchTimeline, true
	case TabPreferences:
		return FetchPolicy, true
	}
	return 0, false
}

// updateDetails is Update for the details window. It runs before what else Update does, and so sees the model as it was before the message. Its commands hold no Wake: detailsWake says
// when it wants a Tick.
func (m Model) updateDetails(msg Msg, now time.Time) (Model, []Command) {
	m.pages.history = m.noted(msg, now)
	switch msg := msg.(type) {
	case ShowDetails:
		m.pages.open, m.pages.tab, m.pages.copied = true, msg.Tab, time.Time{}
		if !m.pages.chosen {
			m.pages.shown = ShowSpan{Session: true}
		}
		m, fetch := m.fetch(now)
		return m, append([]Command{Open{Details: true}}, fetch...)
	case HideDetails:
		m.pages = pages{history: m.pages.history, bundle: m.pages.bundle, shown: m.pages.shown, chosen: m.pages.chosen}
		return m, []Command{Close{Details: true}}
	case AgentHere:
		m.here, m.version = true, msg.Version // what to fetch depends on it
		m.pages.forget()
		return m.fetch(now)
	case AgentGone:
		m.pages.forget()
	case Happened:
		return m.detailsHappened(msg.Event, now)
	case Measured:
		m.pages.stats = &msg.Stats
		m.pages.answered(FetchStats, nil)
	case Ruled:
		m.pages.policy, m.pages.stale = &msg.Policy, false
		m.pages.answered(FetchPolicy, nil)
	case Past:
		if m.pages.open {
			m.pages.past = bounded(msg.Entries)
		}
		m.pages.answered(FetchTimeline, nil)
	case Done:
		return m.detailsDone(msg, now)
	case Tick:
		if !m.pages.next.IsZero() && !now.Before(m.pages.next) {
			return m.fetch(now)
		}
	default:
		return m.detailsDo(msg, now)
	}
	return m, nil
}

// detailsDo is what the person does on a page.
func (m Model) detailsDo(msg Msg, now time.Time) (Model, []Command) {
	switch msg := msg.(type) {
	case ShowSpan:
		m.pages.shown, m.pages.chosen = msg, true
		return m.fetch(now)
	case Prefer:
		return m.prefer(msg)
	case Copy:
		d := m.details(now)
		if d == nil {
			return m, nil
		}
		m.pages.copied = now
		return m, []Command{Clip{Text: d.Text()}}
	case Export:
		if d := m.details(now); d != nil {
			return m, []Command{Save{Title: strings.TrimRight(m.words.Text("details.export"), "…"), Name: "holdfast-" + d.Open.String() + ".txt", Text: d.Text()}}
		}
	case Collect, Reveal, Progressed, Bundled:
		return m.collect(msg)
	}
	return m, nil
}

// detailsHappened takes what the agent's stream says.
func (m Model) detailsHappened(e ipc.Event, now time.Time) (Model, []Command) {
	if e.Timeline != nil && m.pages.open && m.pages.past != nil {
		m.pages.past = appended(m.pages.past, *e.Timeline)
	}
	if s := e.State; s != nil && (s.Target != m.state.Target || s.Profile != m.state.Profile || down(*s) != down(m.state)) {
		if m.pages.stats != nil && down(*s) {
			m.pages.stats = nil
		}
		m.pages.stale = true
		m.state = *s
		return m.fetch(now)
	}
	return m, nil
}

// detailsDone takes what came of a command.
func (m Model) detailsDone(done Done, now time.Time) (Model, []Command) {
	switch c := done.Command.(type) {
	case Fetch:
		m.pages.answered(c.What, done.Err)
	case CallPrefer:
		return m.preferred(c.Request, done.Err, now)
	case Bundle:
		m.pages.bundle = m.pages.bundle.ended(done.Err)
	}
	return m, nil
}

// forget lets go of what was an agent's that is gone.
func (p *pages) forget() {
	p.asked, p.failed = [fetchable]bool{}, [fetchable]*fault.Error{}
	p.stats, p.policy, p.past = nil, nil, nil
	p.changing, p.refused = nil, nil
}

// answered notes that a question is no longer on its way.
func (p *pages) answered(what Fetched, err *fault.Error) { p.asked[what], p.failed[what] = false, err }

// fetch asks for what the open page needs, unless it was asked already, and says when that is due again.
func (m Model) fetch(now time.Time) (Model, []Command) {
	m.pages.next = time.Time{}
	if every := m.every(); every > 0 {
		m.pages.next = now.Add(every)
	}
	what, any := m.pages.tab.needs()
	switch {
	case !m.pages.open || !m.here || !any || m.pages.asked[what]:
		return m, nil
	case what == FetchStats && down(m.state):
		return m, nil
	case what == FetchTimeline && (m.pages.past != nil || !m.version.Offers(ipc.FeatureTimeline)):
		return m, nil
	case what == FetchPolicy && (m.pages.policy != nil && !m.pages.stale || !m.version.Offers(ipc.FeaturePreferences)):
		return m, nil
	}
	m.pages.asked[what] = true
	return m, []Command{Fetch{what}}
}

// every is how often the open page changes by time alone; 0 is never.
func (m Model) every() time.Duration {
	switch {
	case !m.pages.open:
		return 0
	case m.pages.tab == TabStatistics && !down(m.state):
		if m.pages.failed[FetchStats] != nil {
			return slowest
		}
		return refresh
	case m.pages.tab == TabTimeline:
		if m.pages.shown.Span == 0 {
			return slowest
		}
		return max(refresh, min(slowest, m.pages.shown.Span/300)) // about a pixel
	}
	return 0
}

// detailsWake is when the open page wants a Tick; the zero time while it wants none.
func (m Model) detailsWake(now time.Time) time.Time {
	at := m.pages.next
	if end := m.pages.copied.Add(thanks); m.pages.open && now.Before(end) && (at.IsZero() || end.Before(at)) {
		at = end
	}
	return at
}

// down reports whether there is no session and none is being made.
func down(s ipc.State) bool { return s.State == "disconnected" || s.State == "" }
