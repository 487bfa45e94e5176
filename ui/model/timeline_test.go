package model

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/ui/locale"
)

// ago is an entry so long before noon.
func ago(d time.Duration, phase, event string, code int) ipc.Entry {
	return ipc.Entry{At: noon.Add(-d), Seq: uint64(time.Hour*24-d) / 1e6, Phase: phase, Event: event, Code: code, Reason: "found: done", Evidence: "eth0"} // #nosec G115 -- less than a day
}

// past is a session with an outage, after another session.
func past() []ipc.Entry {
	return []ipc.Entry{
		ago(8*time.Hour, "connecting", "connect-requested", 100), ago(8*time.Hour-2*time.Second, "connected", "network-applied", 107),
		ago(7*time.Hour, "disconnected", "disconnect-requested", 160),
		ago(50*time.Minute, "connecting", "connect-requested", 100), ago(50*time.Minute-3*time.Second, "connected", "network-applied", 107),
		ago(20*time.Minute, "reconnecting", "carrier-down", 6), ago(18*time.Minute, "connected", "rebound", 142),
	}
}

// drawn is the picture of entries at noon.
func drawn(t *testing.T, entries []ipc.Entry, span ShowSpan) *Timeline {
	t.Helper()
	m := of(t, locale.English, ShowDetails{TabTimeline}, Past{entries}, span)
	d := m.details(noon)
	if d.Timeline == nil {
		t.Fatalf("no picture: %q", d.Empty)
	}
	return d.Timeline
}

// whole fails unless the bands fill the picture without a gap.
func whole(t *testing.T, p *Timeline) {
	t.Helper()
	if len(p.Bands) == 0 || !p.Bands[0].From.Equal(p.From) || !p.Bands[len(p.Bands)-1].To.Equal(p.To) {
		t.Fatalf("bands from %v to %v in a picture from %v to %v", p.Bands[0].From, p.Bands[len(p.Bands)-1].To, p.From, p.To)
	}
	for i, b := range p.Bands {
		if !b.From.Before(b.To) || i > 0 && !p.Bands[i-1].To.Equal(b.From) {
			t.Fatalf("band %d of %d: %v to %v after one that ends at %v", i, len(p.Bands), b.From, b.To, p.Bands[max(i, 1)-1].To)
		}
	}
	for i, k := range p.Marks {
		if k.At.Before(p.From) || k.At.After(p.To) || i > 0 && k.At.Before(p.Marks[i-1].At) || k.Title == "" {
			t.Fatalf("mark %d: %v", i, k)
		}
	}
}

// TestTimelineSpans: each choice begins where it should and has the states and events of that time.
func TestTimelineSpans(t *testing.T) {
	for name, tc := range map[string]struct {
		span  ShowSpan
		from  time.Duration // before noon
		bands string
		marks int
	}{
		"five minutes": {ShowSpan{Span: 5 * time.Minute}, 5 * time.Minute, "Connected", 0},
		"an hour":      {ShowSpan{Span: time.Hour}, time.Hour, "Disconnected, Connecting, Connected, Reconnecting, Connected", 4},
		"the session":  {ShowSpan{Session: true}, 50 * time.Minute, "Connecting, Connected, Reconnecting, Connected", 4},
		"all":          {ShowSpan{}, 8 * time.Hour, "Connecting, Connected, Disconnected, Connecting, Connected, Reconnecting, Connected", 7},
	} {
		p := drawn(t, past(), tc.span)
		whole(t, p)
		var labels []string
		for _, b := range p.Bands {
			labels = append(labels, b.Label)
		}
		if !p.From.Equal(noon.Add(-tc.from)) || strings.Join(labels, ", ") != tc.bands || len(p.Marks) != tc.marks {
			t.Errorf("%s: from %v: %v, %d marks", name, p.From, labels, len(p.Marks))
		}
		if i := slices.IndexFunc(p.Spans, func(s SpanChoice) bool { return s.Chosen }); i < 0 || p.Spans[i].Msg != tc.span {
			t.Errorf("%s: %v", name, p.Spans)
		}
		if len(p.Axis) < 2 || len(p.Axis) > axisLabels+1 {
			t.Errorf("%s: %d labels", name, len(p.Axis))
		}
	}
}

// TestMarkTellsAll: a mark has its time, cause, evidence, decision and cost; a reason that is not known here is told in the agent's words.
func TestMarkTellsAll(t *testing.T) {
	e := ago(time.Minute, "reconnecting", "carrier-down", 6)
	e.TookMS, e.Code = 321.4, 250
	p := drawn(t, []ipc.Entry{ago(time.Hour, "connected", "network-applied", 107), e}, ShowSpan{})
	k := p.Marks[1]
	if got := fmt.Sprint(k.Title, k.Facts); got != "Connection broke[{Time 11:59:00 0 false} {Cause Found 0 false} {Evidence eth0 0 false} {Decision Done 0 false} {Took 321 ms 0 false}]" {
		t.Error(got)
	}
	if p.Marks[0].Tone != ToneGood {
		t.Error(p.Marks[0].Tone)
	}
	if tip := strings.ReplaceAll(p.Bands[0].Tip, "\u00a0", " "); tip != "Connected, 11:00:00 to 11:59:00, 59 minutes" {
		t.Error(tip)
	}
}

// TestTimelineBounded: thousands of entries of a bad day, out of order and of phases that nobody knows, make a picture with a bound, without gaps, that still shows the worst.
func TestTimelineBounded(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- a test
	phases := []string{"connected", "reconnecting", "connecting", "disconnected", "paused", "dreaming"}
	for range 20 {
		var list []ipc.Entry
		at := noon.Add(-time.Duration(rnd.IntN(40)+1) * time.Hour)
		for i := range rnd.IntN(6000) + 1 {
			at = at.Add(time.Duration(rnd.IntN(40_000)-2000) * time.Millisecond)
			list = append(list, ipc.Entry{At: at, Seq: uint64(i), Phase: phases[rnd.IntN(len(phases))], Event: "tick", Code: rnd.IntN(200), Reason: "x: y"}) // #nosec G115 -- small
		}
		slices.SortFunc(list, func(a, b ipc.Entry) int { return a.At.Compare(b.At) })
		for _, span := range []ShowSpan{{}, {Session: true}, {Span: time.Hour}, {Span: 5 * time.Minute}} {
			p := drawn(t, list, span)
			whole(t, p)
			if len(p.Bands) > 4*maxMarks || len(p.Marks) > maxMarks+1 {
				t.Fatalf("%d bands, %d marks", len(p.Bands), len(p.Marks))
			}
		}
	}
}

// TestShortOutageStays: a second of reconnecting in a day is not lost among long bands.
func TestShortOutageStays(t *testing.T) {
	p := drawn(t, []ipc.Entry{
		ago(23*time.Hour, "connected", "network-applied", 107), ago(time.Hour, "reconnecting", "carrier-down", 6), ago(time.Hour-time.Second, "connected", "rebound", 142),
	}, ShowSpan{})
	if len(p.Bands) != 3 || p.Bands[1].Shape != ShapeReconnecting {
		t.Error(p.Bands)
	}
}

// TestTimelineFollows: what happens is added to what was fetched, each entry once, and the list that another Model has is not touched.
func TestTimelineFollows(t *testing.T) {
	m := of(t, locale.English, ShowDetails{TabTimeline})
	live := ago(time.Minute, "reconnecting", "carrier-down", 6)
	m, _ = m.Update(Happened{ipc.Event{Type: "timeline", Timeline: &live}}, noon) // before the answer: it is in the answer
	m, _ = m.Update(Past{append(past(), live)}, noon)
	n := len(m.pages.past)
	again, _ := m.Update(Happened{ipc.Event{Type: "timeline", Timeline: &live}}, noon)
	next := ago(time.Second, "connected", "rebound", 142)
	one, _ := m.Update(Happened{ipc.Event{Type: "timeline", Timeline: &next}}, noon)
	other := ago(2*time.Second, "blocked", "silence", 121)
	two, _ := m.Update(Happened{ipc.Event{Type: "timeline", Timeline: &other}}, noon)
	if len(again.pages.past) != n || len(one.pages.past) != n+1 || one.pages.past[n].Phase != "connected" || two.pages.past[n].Phase != "blocked" {
		t.Errorf("%d, then %v and %v", n, one.pages.past[n:], two.pages.past[n:])
	}
}

// TestLasted: a band lasts as long as its ends say that are shown with it.
func TestLasted(t *testing.T) {
	m := New(locale.For(locale.English), Self{})
	for _, c := range []struct {
		from, to time.Duration
		want     string
	}{
		{5900 * time.Millisecond, 10100 * time.Millisecond, "5 seconds"}, {5100 * time.Millisecond, 10900 * time.Millisecond, "5 seconds"},
		{4800 * time.Millisecond, 5500 * time.Millisecond, "700 ms"}, {0, 59*time.Minute + 900*time.Millisecond, "59 minutes"},
	} {
		got := strings.ReplaceAll(m.lasted(Band{From: noon.Add(c.from), To: noon.Add(c.to)}), "\u00a0", " ")
		if got != c.want {
			t.Errorf("%v to %v: %q, want %q", c.from, c.to, got, c.want)
		}
	}
}
