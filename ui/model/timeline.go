package model

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/ui/locale"
)

const (
	maxPast  = 4000             // entries that are kept: twice what an agent does
	maxMarks = 240              // of a picture; more are put together where they are closest
	shortest = 15 * time.Second // of a picture: a login that has just begun
)

// bounded is a copy of the newest entries, never nil.
func bounded(list []ipc.Entry) []ipc.Entry {
	return append([]ipc.Entry{}, list[max(0, len(list)-maxPast):]...)
}

// appended is the list with an entry that happened; one that is known already, because it was told and fetched, is not taken twice. The list it was is not touched.
func appended(list []ipc.Entry, e ipc.Entry) []ipc.Entry {
	for _, known := range slices.Backward(list) {
		if known.Seq == e.Seq && known.At.Equal(e.At) {
			return list
		}
		if known.At.Before(e.At) {
			break
		}
	}
	if len(list) >= maxPast {
		list = list[len(list)-maxPast*3/4:]
	}
	return append(slices.Clip(list), e)
}

// lasted is how long a band is in words: as who reads the clocks at both its ends reckons, and less than a second exactly.
func (m Model) lasted(b Band) string {
	if long := b.To.Sub(b.From); long < time.Second {
		return m.words.Text("details.milliseconds", locale.With("n", long.Milliseconds()))
	}
	return m.words.DurationLong(b.To.Truncate(time.Second).Sub(b.From.Truncate(time.Second)))
}

// timelinePage is the picture up to now.
func (m Model) timelinePage(now time.Time) *Timeline {
	past := m.pages.past
	from := m.begin(now)
	t := &Timeline{From: from, To: now, Spans: m.spans(), Hint: m.words.Text("details.timeline.hint")}
	t.Bands = merged(m.bands(past, from, now), now.Sub(from)/maxMarks)
	for i, b := range t.Bands {
		t.Bands[i].Tip = m.words.Text("details.timeline.tip", locale.With("state", b.Label), locale.With("from", m.exactly(b.From, now)),
			locale.With("to", m.exactly(b.To, now)), locale.With("long", m.lasted(b)))
		if !slices.ContainsFunc(t.Legend, func(l Band) bool { return l.Shape == b.Shape }) {
			t.Legend = append(t.Legend, Band{Shape: b.Shape, Label: m.words.Text("details.phase." + b.Shape.String())})
		}
	}
	var some []ipc.Entry
	for _, e := range past {
		if !e.At.Before(from) && !e.At.After(now) && (e.Reason != "" || len(e.Effects) > 0) { // what decided nothing explains nothing
			some = append(some, e)
		}
	}
	for _, g := range thinned(some, now.Sub(from)) {
		t.Marks = append(t.Marks, m.mark(g.entry, g.others, now))
	}
	t.Axis = m.axis(from, now)
	return t
}

// begin is where the picture begins: never before what is known, and a little before its end at the latest.
func (m Model) begin(now time.Time) time.Time {
	first := m.pages.past[0].At
	from := first
	switch shown := m.pages.shown; {
	case shown.Session:
		for i, e := range m.pages.past {
			if e.Phase != "disconnected" && (i == 0 || m.pages.past[i-1].Phase == "disconnected") {
				from = e.At
			}
		}
	case shown.Span > 0 && now.Add(-shown.Span).After(first):
		from = now.Add(-shown.Span)
	}
	if latest := now.Add(-shortest); from.After(latest) {
		from = latest
	}
	return from
}

// spans are the lengths to choose from.
func (m Model) spans() []SpanChoice {
	list := []SpanChoice{
		{Label: m.words.Duration(5 * time.Minute), Msg: ShowSpan{Span: 5 * time.Minute}},
		{Label: m.words.Duration(time.Hour), Msg: ShowSpan{Span: time.Hour}},
		{Label: m.words.Text("details.timeline.session"), Msg: ShowSpan{Session: true}},
		{Label: m.words.Text("details.timeline.all"), Msg: ShowSpan{}},
	}
	for i := range list {
		list[i].Chosen = list[i].Msg == m.pages.shown
	}
	return list
}

// bands are the phases between two times, each as long as it lasted, without gaps.
func (m Model) bands(past []ipc.Entry, from, to time.Time) []Band {
	var list []Band
	looks := map[string]Band{} // by phase
	band := func(phase string, from, to time.Time) Band {
		b, ok := looks[phase]
		if !ok {
			b = m.look(phase)
			looks[phase] = b
		}
		b.From, b.To = from, to
		return b
	}
	for i, e := range past {
		start, end := earlier(e.At, to), to
		if i == 0 && start.After(from) {
			list = append(list, band("disconnected", from, start)) // nothing was recorded: there was nothing to record
		}
		if i+1 < len(past) {
			end = past[i+1].At
		}
		start, end = later(start, from), earlier(end, to)
		if !start.Before(end) {
			continue
		}
		b := band(e.Phase, start, end)
		if last := len(list) - 1; last >= 0 {
			b.From = list[last].To // an agent's clock that was set back leaves no gap
			if list[last].Label == b.Label {
				list[last].To = later(list[last].To, end)
				continue
			}
		}
		if b.From.Before(b.To) {
			list = append(list, b)
		}
	}
	return list
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// look is the shape and the name of a phase. A newer agent may have others, which are shown as they are called.
func (m Model) look(phase string) Band {
	b := Band{Shape: phaseShape(phase), Label: fault.Clean(phase)}
	if key := "details.phase." + phase; m.words.Has(key) {
		b.Label = m.words.Text(key)
	}
	return b
}

// phaseShape is the picture of a phase.
func phaseShape(phase string) Shape {
	switch phase {
	case "connecting", "authenticating", "establishing":
		return ShapeConnecting
	case "connected":
		return ShapeConnected
	case "reconnecting":
		return ShapeReconnecting
	case "paused":
		return ShapePaused
	case "blocked":
		return ShapeBlocked
	}
	return ShapeDisconnected
}

// mark is an entry with all there is to say of it, and for how many others it speaks.
func (m Model) mark(e ipc.Entry, others int, now time.Time) Mark {
	k := Mark{Seq: e.Seq, At: e.At, Tone: entryTone(e), Title: m.title(e)}
	for _, f := range []Fact{
		{Label: "details.mark.time", Value: m.exactly(e.At, now)},
		{Label: "details.mark.cause", Value: m.cause(e)},
		{Label: "details.mark.evidence", Value: m.evidence(e)},
		{Label: "details.mark.decision", Value: m.decision(e)},
		{Label: "details.mark.cost", Value: m.cost(e.TookMS)},
		{Label: "details.mark.outage", Value: m.cost(float64(e.OutageMS))},
	} {
		if f.Value != "" {
			f.Label = m.words.Text(f.Label)
			k.Facts = append(k.Facts, f)
		}
	}
	if others > 0 {
		k.Title = m.words.Text("details.mark.titleMore", locale.With("title", k.Title), locale.With("n", others))
		k.Facts = append(k.Facts, Fact{Label: m.words.Text("details.mark.more"), Value: m.words.Number(int64(others))})
	}
	return k
}

// evidence is what the agent saw. Where something failed it ends with that, which is said in the person's language.
func (m Model) evidence(e ipc.Entry) string {
	seen, told, _ := strings.Cut(fault.Clean(e.Evidence), e.Fault)
	if e.Fault == "" {
		return seen + told
	}
	failed := m.words.Text("details.error", locale.With("error", strings.TrimRight(m.sentence(e.Fault, strings.TrimSpace(told)), ".。")), locale.With("code", fault.Clean(e.Fault)))
	return joined(": ", strings.TrimSuffix(strings.TrimSpace(seen), ":"), failed)
}

// title says what happened in a few words.
func (m Model) title(e ipc.Entry) string {
	if key := "details.event." + e.Event; e.Event != "tick" && m.words.Has(key) {
		return m.words.Text(key)
	}
	if cause := m.cause(e); cause != "" {
		return cause
	}
	return fault.Clean(e.Event)
}

// cause is what was found, decision what is done about it: by the number of the reason, else in the agent's own words.
func (m Model) cause(e ipc.Entry) string {
	if key := "reason." + strconv.Itoa(e.Code); e.Code != 0 && m.words.Has(key) {
		return capital(m.words.Text(key))
	}
	return capital(fault.Clean(e.Cause()))
}

func (m Model) decision(e ipc.Entry) string {
	if key := "reason." + strconv.Itoa(e.Code) + ".done"; e.Code != 0 && m.words.Has(key) {
		return capital(m.words.Text(key))
	}
	return capital(fault.Clean(e.Decision()))
}

// cost is a time that something took; "" where it took none.
func (m Model) cost(ms float64) string {
	switch {
	case ms <= 0:
		return ""
	case ms < 10_000:
		return m.words.Text("details.milliseconds", locale.With("n", int64(max(ms, 1))))
	}
	return m.words.Duration(time.Duration(ms) * time.Millisecond)
}
