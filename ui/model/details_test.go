package model

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/profile"
	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/statistics"
)

// noon is when the tests of the details window begin.
var noon = time.Date(2026, time.March, 4, 12, 0, 0, 0, time.FixedZone("office", 3600))

// of is a model with an agent of today and the messages that came after it, at noon.
func of(t *testing.T, l locale.Language, msgs ...Msg) Model {
	t.Helper()
	m, _ := New(locale.For(l), Self{Version: ipc.Version{Version: "v1.2.0"}}).Update(AgentHere{ipc.Version{Version: "v1.2.0", API: ipc.API, Features: ipc.Features()}}, noon)
	for _, msg := range msgs {
		m, _ = m.Update(msg, noon)
	}
	return m
}

// inState is an event with a state.
func inState(s ipc.State, at time.Time) Happened {
	return Happened{ipc.Event{Type: "state", At: at, State: &s}}
}

// session is a connected state with everything that the pages show.
func session() ipc.State {
	all, expires := false, noon.Add(2*time.Hour+5*time.Minute+30*time.Second)
	return ipc.State{
		State: "connected", Since: noon.Add(-time.Hour), Target: "Head office", Gateway: "203.0.113.7:443", Profile: "example.xml", Transport: "dtls", Cipher: "AES256-GCM",
		Addresses: []string{"10.20.30.40/32", "2001:db8:30::40/128"}, SplitInclude: []string{"10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"}, SplitExclude: []string{"0.0.0.0/32"}, TunnelAll: &all,
		DNS:     &ipc.DNS{Servers: []string{"10.20.0.53"}, Search: []string{"example.com"}, Split: []string{"example.com"}, Backend: "systemd-resolved"},
		Session: &ipc.Session{Started: noon.Add(-time.Hour), Expires: &expires}, Counters: &ipc.Counters{TxBytes: 1234567, RxBytes: 7654321},
	}
}

// fetched are the questions among commands.
func fetched(commands []Command) []Fetched {
	var list []Fetched
	for _, c := range commands {
		if f, ok := c.(Fetch); ok {
			list = append(list, f.What)
		}
	}
	return list
}

// TestStatisticsRefresh: numbers are asked for once a second while their page is open, one question at a time, and not at all while it is not.
func TestStatisticsRefresh(t *testing.T) {
	m := of(t, locale.English, inState(session(), noon))
	m, todo := m.Update(ShowDetails{TabStatistics}, noon)
	if got := fetched(todo); !slices.Equal(got, []Fetched{FetchStats}) || m.detailsWake(noon) != noon.Add(time.Second) {
		t.Fatalf("opened: %v, wake at %v", todo, m.detailsWake(noon))
	}
	m, todo = m.Update(Tick{}, noon.Add(time.Second))
	if got := fetched(todo); got != nil {
		t.Errorf("asked again while the first question is on its way: %v", got)
	}
	m, _ = m.Update(Measured{ipc.Stats{State: session(), DurationS: 3600}}, noon.Add(1500*time.Millisecond))
	if d := m.details(noon); d.Statistics == nil || d.Empty != "" {
		t.Fatalf("nothing is shown: %q", d.Empty)
	}
	m, todo = m.Update(Tick{}, noon.Add(2*time.Second))
	if got := fetched(todo); !slices.Equal(got, []Fetched{FetchStats}) {
		t.Errorf("after the answer: %v", todo)
	}
	m, _ = m.Update(Measured{ipc.Stats{State: session()}}, noon.Add(2*time.Second))
	m, _ = m.Update(ShowDetails{TabRoutes}, noon.Add(3*time.Second))
	if at := m.detailsWake(noon.Add(3 * time.Second)); !at.IsZero() {
		t.Errorf("another page wants a Tick at %v", at)
	}
	m, _ = m.Update(ShowDetails{TabStatistics}, noon.Add(4*time.Second))
	m, _ = m.Update(HideDetails{}, noon.Add(5*time.Second))
	if at := m.detailsWake(noon.Add(5 * time.Second)); !at.IsZero() || m.details(noon) != nil || m.pages.stats != nil {
		t.Errorf("a closed window wants a Tick at %v", at)
	}
}

// TestStatisticsRefused: who may not see the numbers is told why, and they are not asked for every second.
func TestStatisticsRefused(t *testing.T) {
	m := of(t, locale.English, inState(session(), noon), ShowDetails{TabStatistics}, Done{Fetch{FetchStats}, fault.New(fault.PolNotOwner, nil)})
	m, todo := m.Update(Tick{}, noon.Add(refresh))
	if got := fetched(todo); !slices.Equal(got, []Fetched{FetchStats}) || !strings.Contains(m.details(noon).Empty, string(fault.PolNotOwner)) {
		t.Fatalf("%v, %q", got, m.details(noon).Empty)
	}
	m, _ = m.Update(Done{Fetch{FetchStats}, fault.New(fault.PolNotOwner, nil)}, noon.Add(refresh))
	if at := m.detailsWake(noon.Add(refresh)); at.Before(noon.Add(slowest)) {
		t.Errorf("asked again at %v", at)
	}
}

// TestStatisticsWords: sections, rows and words of the statistics are those of the command line in English, and all of them have a text in every language.
func TestStatisticsWords(t *testing.T) {
	st := ipc.Stats{State: session(), DurationS: 3600}
	for _, l := range locale.Languages() {
		m := of(t, l, inState(session(), noon), Measured{st})
		page := m.statisticsPage(noon)
		for i, s := range statistics.Of(st, noon) {
			if !m.words.Has("details.section." + s.Key) {
				t.Errorf("%s: no text for section %s", l, s.Key)
			}
			for k, r := range s.Rows {
				if !m.words.Has("details.row." + r.Key) {
					t.Errorf("%s: no text for row %s", l, r.Key)
				}
				if l == locale.English && (page[i].Title != s.Name || page[i].Rows[k].Label != r.Name || page[i].Rows[k].Value != r.Value.String() && r.Key != "left") {
					t.Errorf("%s: %+v, want %+v", s.Name, page[i].Rows[k], r)
				}
			}
		}
		for _, w := range statistics.Words() {
			if w != statistics.Remaining && !m.words.Has("details.word."+string(w)) && !m.words.Has("details.phase."+string(w)) {
				t.Errorf("%s: no text for %s", l, w)
			}
		}
	}
}

// TestNoDNS: a session without name servers is a session, and who has none is told so.
func TestNoDNS(t *testing.T) {
	s := session()
	s.DNS = nil
	m := of(t, locale.English, inState(s, noon), ShowDetails{TabDNS})
	if got := m.details(noon).Empty; got != m.words.Text("details.empty.dns") {
		t.Errorf("connected: %q", got)
	}
	m, _ = m.Update(inState(ipc.State{State: "disconnected"}, noon), noon)
	if got := m.details(noon).Empty; got != m.words.Text("details.empty.session") {
		t.Errorf("disconnected: %q", got)
	}
}

// TestRoutesSayWhatTheyMean: each family has its mode in a sentence, networks have their extent, the exclusion that stands for the local network is named.
func TestRoutesSayWhatTheyMean(t *testing.T) {
	m := of(t, locale.English, inState(session(), noon), ShowDetails{TabRoutes})
	page := m.details(noon).Routes
	var b strings.Builder
	for _, s := range page {
		fmt.Fprintf(&b, "%s|%s|", s.Title, s.Note)
		for _, r := range s.Rows {
			fmt.Fprintf(&b, "%s=%s;", r.Label, r.Value)
		}
		b.WriteByte('\n')
	}
	for _, want := range []string{
		"Secured Routes (IPv4)|Only traffic to these networks goes through the tunnel. All other IPv4 traffic goes directly.|10.0.0.0/8=16,777,216 addresses;192.0.2.7/32=1 address;",
		"Non-Secured Routes (IPv4)|These networks are reached directly, beside the tunnel.|0.0.0.0/32=the network you are in;",
		"Secured Routes (IPv6)|", "2001:db8::/32=2⁹⁶ addresses;",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
	for _, mode := range []statistics.Word{statistics.DropAll, statistics.SplitExclude, statistics.TunnelAll, statistics.SplitTunnel, statistics.BypassAll} {
		if !m.words.Has("details.mode." + string(mode)) {
			t.Errorf("no sentence for %s", mode)
		}
	}
}

// TestHostileRoutes: a gateway that sends routes without end, or what is none, is shown with a bound.
func TestHostileRoutes(t *testing.T) {
	s := session()
	s.SplitInclude = nil
	for i := range 5000 {
		s.SplitInclude = append(s.SplitInclude, fmt.Sprintf("10.%d.%d.0/24", i/256, i%256))
	}
	s.DNS.Servers = slices.Repeat([]string{"10.0.0.1\x1b[2J\u202e"}, 3000)
	m := of(t, locale.English, inState(s, noon), ShowDetails{TabRoutes})
	if rows := m.details(noon).Routes[0].Rows; len(rows) != maxRoutes+1 || rows[maxRoutes].Label != "and 4,500 more" {
		t.Errorf("%d rows, the last %v", len(rows), rows[len(rows)-1])
	}
	m, _ = m.Update(ShowDetails{TabDNS}, noon)
	if rows := m.details(noon).DNS[0].Rows; len(rows) != maxRoutes+1 || strings.ContainsAny(rows[0].Label, "\x1b\u202e") {
		t.Errorf("%d rows, the first %q", len(rows), rows[0].Label)
	}
}

// TestHistory: states and notices are kept once each, with time, severity and code, newest first, and never more than so many.
func TestHistory(t *testing.T) {
	broken := session()
	broken.State, broken.Transport = "reconnecting", ""
	m := of(t, locale.English, inState(ipc.State{State: "disconnected"}, noon), inState(session(), noon.Add(time.Second)), inState(session(), noon.Add(2*time.Second)),
		Happened{ipc.Event{Type: "notice", At: noon.Add(3 * time.Second), Notice: &ipc.Error{Code: "ZZZ-999", Message: "something\nnew"}}},
		Happened{ipc.Event{Type: "notice", At: noon.Add(3500 * time.Millisecond), Notice: &ipc.Error{Code: "ZZZ-999", Message: "something\nnew"}}}, // its echo
		inState(broken, noon.Add(4*time.Second)), ShowDetails{TabHistory})
	var got []string
	for _, l := range m.details(noon).History {
		got = append(got, fmt.Sprint(l.At, "|", l.Severity, "|", l.Text, "|", l.Code, "|", l.Tone))
	}
	want := []string{
		"12:00:04|Warning|The connection to Head office broke. Reconnecting.||2",
		"12:00:03|Warning|Something new.|ZZZ-999|2",
		"12:00:01|Information|Data travels by DTLS.||0",
		"12:00:01|Information|Connected to Head office.||1",
	}
	if len(got) != len(want) {
		t.Fatalf("%q", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%q, want %q", got[i], want[i])
		}
	}
	asked := ipc.State{State: "authenticating", Target: "Head office"}
	goes := ipc.State{State: "connecting", Target: "Head office"}
	login := of(t, locale.English, inState(goes, noon), inState(asked, noon), inState(goes, noon), inState(asked, noon), inState(goes, noon), inState(session(), noon), ShowDetails{TabHistory})
	if n := len(login.details(noon).History); n != 5 { // connecting, two questions, connected and how
		t.Errorf("a login of two questions has %d lines: %v", n, login.details(noon).History)
	}
	before := m.pages.history.lines
	first := before[0]
	for i := range 2 * maxHistory {
		m, _ = m.Update(Happened{ipc.Event{Type: "notice", At: noon, Notice: &ipc.Error{Code: "ZZZ-999", Message: fmt.Sprint(i)}}}, noon)
	}
	if n := len(m.pages.history.lines); n != maxHistory || before[0] != first {
		t.Errorf("%d lines", n)
	}
	m, _ = m.Update(HideDetails{}, noon)
	m, _ = m.Update(AgentGone{fault.New(fault.AgentUnreachable, nil)}, noon)
	m, _ = m.Update(ShowDetails{TabHistory}, noon)
	if l := m.details(noon).History; l[0].Code != string(fault.AgentUnreachable) || l[1].Text != "999." {
		t.Errorf("after the agent went: %v", l[:2])
	}
}

// TestPreferences: what can be a user's is listed, what acts first and what is locked with its reason; a change is asked for once and its refusal stands beside the value.
func TestPreferences(t *testing.T) {
	policy := ipc.Policy{Target: "Head office", Profile: "example.xml", Settings: []ipc.Setting{
		{Name: "AllowManualHostInput", Value: "true", Origin: "default", Locked: true, Why: profile.WhyFixed, Status: "honoured"},
		{Name: "PPPExclusion", Value: "Automatic", Origin: "default", User: true, Locked: true, Why: "example.xml" + profile.WhyProfile, Status: "not yet"},
		{Name: "AutoReconnect", Value: "true", Origin: "example.xml", User: true, Locked: true, Why: "example.xml" + profile.WhyProfile, Status: "honoured"},
		{Name: "LocalLanAccess", Value: "true", Origin: profile.OriginUser, User: true, Status: "honoured"},
		{Name: "AutoReconnectBehavior", Value: "DisconnectOnSuspend", Origin: profile.OriginGateway + "vpn.example.com", User: true, Status: "honoured"},
		{Name: "FromTheFuture", Value: "false", Origin: "default", User: true, Status: "honoured"},
	}}
	m := of(t, locale.English)
	m, todo := m.Update(ShowDetails{TabPreferences}, noon)
	if !slices.Equal(fetched(todo), []Fetched{FetchPolicy}) {
		t.Fatalf("%v", todo)
	}
	m, _ = m.Update(Ruled{policy}, noon)
	p := m.details(noon).Preferences
	var names []string
	for _, row := range p.List {
		names = append(names, row.Heading+"/"+row.Name)
	}
	if got := strings.Join(names, " "); got != "Yours to choose/LocalLanAccess /AutoReconnectBehavior /FromTheFuture Locked/AutoReconnect Kept, without effect in this version/PPPExclusion" {
		t.Errorf("%s", got)
	}
	if text := m.details(noon).Text(); !strings.Contains(text, "[ Locked ]\n    AutoReconnect: true  (Profile example.xml)  Locked by the profile example.xml. Ask your administrator.\n") {
		t.Errorf("as text:\n%s", text)
	}
	if r := p.List[0]; !r.Reset || r.Kind != PreferenceSwitch || r.Locked || r.Label == r.Name || r.Help == "" || r.Origin != "Your choice" {
		t.Errorf("%+v", r)
	}
	if r := p.List[1]; r.Kind != PreferenceChoice || len(r.Options) != 2 || r.Options[0].Label != "Disconnect" || r.Origin != "Profile from the gateway vpn.example.com" {
		t.Errorf("%+v", r)
	}
	if r := p.List[3]; r.Why != "Locked by the profile example.xml. Ask your administrator." || r.Reset {
		t.Errorf("%+v", r)
	}
	up, todo := m.Update(inState(session(), noon), noon)
	if d := up.details(noon); !slices.Equal(fetched(todo), []Fetched{FetchPolicy}) || d.Preferences == nil || d.Empty != "" {
		t.Errorf("a session began: %v, %q", todo, d.Empty)
	}
	if _, todo = m.Update(Prefer{Name: "AutoReconnect", Value: "false"}, noon); len(todo) != 0 {
		t.Errorf("what is locked was asked for: %v", todo)
	}
	m, todo = m.Update(Prefer{Name: "LocalLanAccess", Value: "false"}, noon)
	call, ok := todo[0].(CallPrefer)
	if !ok || call.Request.Set["LocalLanAccess"] != "false" || !m.details(noon).Preferences.List[0].Busy {
		t.Fatalf("%v", todo)
	}
	if _, todo = m.Update(Prefer{Name: "LocalLanAccess", Value: "false"}, noon); len(todo) != 0 {
		t.Errorf("asked twice: %v", todo)
	}
	m, todo = m.Update(Done{call, fault.New(fault.PolLocked, nil)}, noon)
	if r := m.details(noon).Preferences.List[0]; r.Busy || !strings.Contains(r.Error, string(fault.PolLocked)) || !slices.Equal(fetched(todo), []Fetched{FetchPolicy}) {
		t.Errorf("%+v, then %v", r, todo)
	}
	_, todo = m.Update(Prefer{Name: "LocalLanAccess", Reset: true}, noon)
	if call, ok := todo[0].(CallPrefer); !ok || !slices.Equal(call.Request.Reset, []string{"LocalLanAccess"}) {
		t.Errorf("%v", todo)
	}
}

// TestPreferenceTexts: every preference that a user can have, and every value to choose, has its words.
func TestPreferenceTexts(t *testing.T) {
	words := locale.For(locale.English)
	for _, e := range profile.Elements() {
		if e.Control == profile.Fixed {
			continue
		}
		if !words.Has("preference."+e.Name()) || !words.Has("preference."+e.Name()+".help") {
			t.Errorf("no words for %s", e.Name())
		}
		for _, v := range e.Allowed {
			if !words.Has("preference." + e.Name() + "." + v) {
				t.Errorf("no words for %s of %s", v, e.Name())
			}
		}
	}
}

// TestPagesWithoutAnAgent: every page says something a person can act on when no agent answers, when an old one does, and when there is no session.
func TestPagesWithoutAnAgent(t *testing.T) {
	for name, m := range map[string]Model{
		"no agent": New(locale.For(locale.German), Self{}), "no session": of(t, locale.German),
		"refused": of(t, locale.German, inState(session(), noon), ShowDetails{TabStatistics}, Done{Fetch{FetchStats}, fault.New(fault.PolNotOwner, nil)}),
	} {
		for tab := range Tab(len(tabs)) {
			m, _ := m.Update(ShowDetails{tab}, noon)
			d := m.details(noon)
			if d.Empty == "" && d.Statistics == nil && d.Routes == nil && d.DNS == nil && d.History == nil && d.Timeline == nil && d.Preferences == nil && d.About == nil {
				t.Errorf("%s: %v shows nothing", name, tab)
			}
			if len(d.Tabs) != len(tabs)-1 || slices.ContainsFunc(d.Tabs, func(l TabLabel) bool { return l.Tab == TabDiagnostics }) {
				t.Errorf("%s: %v", name, d.Tabs)
			}
		}
	}
}

// TestDiagnosticsAppear: the page is there where the agent offers bundles; one is made at a time and its folder can be opened.
func TestDiagnosticsAppear(t *testing.T) {
	m := of(t, locale.English)
	m, _ = m.Update(AgentHere{ipc.Version{Version: "v2", API: ipc.API + 1, Features: []string{ipc.FeatureDart}}}, noon)
	m, _ = m.Update(ShowDetails{TabDiagnostics}, noon)
	m, todo := m.Update(Collect{}, noon)
	if _, ok := todo[0].(Bundle); !ok {
		t.Fatal(todo)
	}
	m, _ = m.Update(Progressed{Part: 0.25, Step: "routes"}, noon)
	if p := m.details(noon).Diagnostics; p.Progress != 0.25 || p.Buttons[0].Msg != nil {
		t.Errorf("%+v", p)
	}
	m, _ = m.Update(Bundled{Path: "/home/alice/bundle.zip"}, noon)
	m, _ = m.Update(Done{Command: Bundle{}}, noon)
	if p := m.details(noon).Diagnostics; p.Progress != -1 || p.Result != "The bundle is here: /home/alice/bundle.zip" || len(p.Buttons) != 2 {
		t.Errorf("%+v", p)
	}
	if _, todo = m.Update(Reveal{}, noon); len(todo) != 1 {
		t.Error(todo)
	}
}

// TestCopy: the page goes to the clipboard as text, and the button says so for a moment.
func TestCopy(t *testing.T) {
	m := of(t, locale.English, inState(session(), noon), Measured{ipc.Stats{State: session(), DurationS: 61}}, ShowDetails{TabStatistics})
	m, todo := m.Update(Copy{}, noon)
	clip, ok := todo[0].(Clip)
	if !ok || !strings.Contains(clip.Text, "[ Connection Information ]\n    Connection State: Connected\n") || !strings.Contains(clip.Text, "    10.0.0.0/8: 16,777,216 addresses\n") {
		t.Fatalf("%v", todo)
	}
	if d := m.details(noon); d.Buttons[0].Label != "Copied" {
		t.Error(d.Buttons)
	}
	if d := m.details(noon.Add(thanks)); d.Buttons[0].Label != "Copy" {
		t.Error(d.Buttons)
	}
	if _, todo = m.Update(Export{}, noon); todo[0].(Save).Name != "holdfast-statistics.txt" {
		t.Error(todo)
	}
}
