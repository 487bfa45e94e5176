package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/profile"
	"github.com/holdfast-vpn/holdfast/ui/statistics"
)

var update = flag.Bool("update", false, "write the goldens")

func TestMain(m *testing.M) {
	time.Local = time.UTC // goldens show local times
	os.Exit(m.Run())
}

// golden compares with testdata/NAME.golden.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

var now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) *time.Time {
	t := now.Add(-d)
	return &t
}

// full is a session as an administrator meets it.
func full() ipc.State {
	split := false
	return ipc.State{
		State: "connected", Since: *ago(3*time.Hour + 25*time.Minute), Impaired: []string{"dtls=drop,12s", "latency=200ms,5s"}, Target: "Head office", Gateway: "198.51.100.1:443", Protocol: "ssl", User: "alice",
		Group: "Staff network", Profile: "corp.xml", Transport: "dtls", VerifiedAt: ago(2 * time.Second), Cipher: "DTLS 1.2 TLS_PSK_WITH_AES_128_GCM_SHA256", Interface: "holdfast0",
		Addresses: []string{"10.11.0.50/24", "2001:db8:11::50/128"}, MTU: 1390, TunnelAll: &split,
		DNS:          &ipc.DNS{Servers: []string{"10.99.0.2"}, Search: []string{"corp.example"}, Split: []string{"corp.example", "internal.example"}, Backend: "resolv.conf"},
		SplitInclude: []string{"10.99.0.0/16", "192.0.2.0/24", "2001:db8:99::/48"}, SplitExclude: []string{"10.99.7.0/24"}, Banner: "Authorised use only.",
		Session:       &ipc.Session{Started: *ago(26 * time.Hour), Expires: ago(-23*time.Hour - 53*time.Minute), IdleTimeoutS: 1800, Resumable: true},
		Counters:      &ipc.Counters{TxBytes: 7_340_032, RxBytes: 123_456_789_012, TxPackets: 61_440, RxPackets: 90_000_000, Drops: 3},
		Reconnects:    &ipc.Reconnects{Tunnel: 2, Session: 1},
		LastReconnect: &ipc.LastReconnect{Level: "tunnel", Code: 3, Reason: "silence", DetectedMS: 412, OutageMS: 977, At: *ago(time.Hour)},
	}
}

var entries = []ipc.Entry{
	{At: *ago(time.Minute), Seq: 1, Phase: "connected", Event: "silence", Reason: "nothing heard", Evidence: "sent 1240 bytes, 4 SRTT", Effects: []string{"probe", "start-reach"}, TookMS: 0.4},
	{At: *ago(59 * time.Second), Seq: 2, Phase: "reconnecting", Event: "reached", Reason: "the new path answers", Effects: []string{"commit"}, TookMS: 182.3},
	{At: *ago(58 * time.Second), Seq: 3, Phase: "connected", Event: "rebound", TookMS: 0},
	{At: *ago(57 * time.Second), Seq: 4, Phase: "connected", Event: "heard", Evidence: "a hostile\x1b[2Jtext\u202e here"},
}

func TestStateForPeople(t *testing.T) {
	hostile := ipc.State{State: "disconnected", Since: now, Target: "gw\x1b[31m\nerror: faked", Error: &ipc.Error{Code: "NET-004", Message: "the gateway does not answer: on 443"}}
	asked := ipc.State{State: "authenticating", Since: now, Target: "vpn.example.com", Prompt: &ipc.Prompt{ID: "p1"}}
	pushed := ipc.State{State: "connecting", Since: *ago(20 * time.Second), Target: "vpn.example.com", Protocol: "ssl", Step: ipc.StepLogin, Waiting: &ipc.Waiting{Since: *ago(12 * time.Second), Until: *ago(-288 * time.Second)}}
	for name, st := range map[string]ipc.State{"state-full": full(), "state-waiting": pushed, "state-failed": hostile, "state-asked": asked, "state-others": ipc.Reduce(full())} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			writeState(&b, st, now)
			golden(t, name, b.Bytes())
		})
	}
	var b bytes.Buffer
	writeWhy(&b, entries)
	golden(t, "why", b.Bytes())
}

func TestStatsForPeople(t *testing.T) {
	all := true
	tunnelAll := ipc.State{State: "connected", Addresses: []string{"10.11.0.50/24"}, TunnelAll: &all}
	for name, st := range map[string]ipc.State{"stats-split": full(), "stats-all": tunnelAll} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			writeStats(&b, statistics.Of(ipc.Stats{State: st, DurationS: 93_723, Control: ipc.Frames{Tx: 12, Rx: 13}}, now))
			golden(t, name, b.Bytes())
		})
	}
}

func TestTimelineForPeople(t *testing.T) {
	b := &backend{entries: entries}
	r := play(t, t.Context(), b, nil, "", "timeline")
	golden(t, "timeline", []byte(r.out))
	r = play(t, t.Context(), b, nil, "", "timeline", "--json")
	golden(t, "timeline-json", []byte(r.out))
}

func TestTimelineFollow(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	b := &backend{entries: entries, owner: alice.ID(), st: ipc.State{State: "connected"}}
	dial := serve(t, b)
	var out lines
	out.stop, out.at = interrupt, 5
	next := ipc.Entry{At: now, Seq: 5, Phase: "disconnecting", Event: "disconnect-requested"}
	out.first = func() { // the past is being printed: what happens now is not lost and not printed twice
		b.hub.Timeline(entries[3])
		b.hub.Timeline(next)
	}
	exit := run(ctx, []string{"timeline", "--follow"}, Deps{}, Streams{In: strings.NewReader(""), Out: &out, Err: io.Discard}, dial)
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	if exit != 130 || len(got) != 5 || !strings.Contains(got[4], "disconnect-requested") {
		t.Errorf("exit %d, %q", exit, got)
	}
}

// lines is a writer that counts lines and calls out at the first and at a given one.
type lines struct {
	bytes.Buffer
	n, at int
	first func()
	stop  func()
}

func (l *lines) Write(p []byte) (int, error) {
	if l.n == 0 {
		l.first()
	}
	if l.n += bytes.Count(p, []byte{'\n'}); l.n == l.at {
		defer l.stop()
	}
	return l.Buffer.Write(p)
}

func TestTimelineSave(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lost.holdfast")
	r := play(t, t.Context(), &backend{entries: entries}, nil, "", "timeline", "--save", file)
	data, err := os.ReadFile(file)
	if r.exit != 0 || err != nil || bytes.Count(data, []byte{'\n'}) != 3 || !strings.HasPrefix(r.err, "2 steps written to "+file) {
		t.Errorf("%+v, %v, %q", r, err, data)
	}
	r = play(t, t.Context(), &backend{}, nil, "", "timeline", "--save", filepath.Join(file, "below-a-file"))
	if r.exit != 2 {
		t.Errorf("a place that cannot be written: %+v", r)
	}
}

func TestHosts(t *testing.T) {
	b := &backend{hosts: []ipc.HostEntry{{Name: "Head office", Profile: "a.xml", Address: "vpn.example:443"}, {Name: "Branch", Profile: "a.xml"}, {Name: "Branch", Profile: "b.xml"}}}
	if r := play(t, t.Context(), b, nil, "", "hosts"); r.out != "[hosts]:\n\n    > Head office\n    > Branch (a.xml)\n    > Branch (b.xml)\n" {
		t.Errorf("%+v", r)
	}
	r := play(t, t.Context(), b, nil, "", "--json", "hosts")
	if got := strings.Count(r.out, "\n"); got != 3 || !strings.HasPrefix(r.out, `{"name":"Head office","address":"vpn.example:443","profile":"a.xml"}`) {
		t.Errorf("%+v", r)
	}
}

func TestStateCommand(t *testing.T) {
	b := &backend{st: ipc.State{State: "connected", Target: "vpn.example.com"}, owner: alice.ID(), entries: entries}
	r := play(t, t.Context(), b, nil, "", "status", "--json")
	var st ipc.State
	if err := json.Unmarshal([]byte(r.out), &st); err != nil || st.Target != "vpn.example.com" || strings.Contains(r.out, "why") {
		t.Errorf("%+v, %v", r, err)
	}
	if r := play(t, t.Context(), b, nil, "", "state", "--json", "--why"); r.exit != 0 || !strings.Contains(r.out, `"why":[{"at":`) {
		t.Errorf("%+v", r)
	}
	if r := play(t, t.Context(), b, nil, "", "state", "--wait", "connected"); r.exit != 0 {
		t.Errorf("waiting for what is: %+v", r)
	}
	r = play(t, t.Context(), b, nil, "", "state", "--wait", "disconnected", "--timeout", "1s") // the first look at the state must fit into it on a busy machine
	if r.exit != 8 || !strings.Contains(r.err, "it is connected (USE-004)") {
		t.Errorf("waiting for what never comes: %+v", r)
	}
}

func TestDisconnect(t *testing.T) {
	b := &backend{st: ipc.State{State: "connected"}, owner: alice.ID()}
	if r := play(t, t.Context(), b, nil, "", "disconnect"); r.exit != 0 || r.out != "Disconnected.\n" || b.ended != 1 {
		t.Errorf("%+v", r)
	}
	if r := play(t, t.Context(), &backend{}, nil, "", "disconnect"); r.exit != 0 || r.out != "There is no session.\n" {
		t.Errorf("%+v", r)
	}
	b = &backend{st: ipc.State{State: "connected"}, owner: "uid:4711"}
	if r := play(t, t.Context(), b, nil, "", "disconnect"); r.exit != 7 || !strings.Contains(r.err, "POL-001") {
		t.Errorf("another user's session: %+v", r)
	}
}

func TestAgentDead(t *testing.T) {
	dead := filepath.Join(t.TempDir(), "agent.sock")
	for _, args := range []string{"connect x", "disconnect", "state", "stats", "hosts", "timeline", "timeline -f", "state --wait connected"} {
		r := playWith(t.Context(), ipc.NewClient, Deps{}, nil, "", append([]string{"--socket", dead}, strings.Fields(args)...)...)
		if r.exit != 3 || !strings.HasPrefix(r.err, "error: the Holdfast agent is not reachable (AGENT-001)\nhint: ") {
			t.Errorf("%s: %+v", args, r)
		}
	}
	if r := playWith(t.Context(), ipc.NewClient, Deps{}, nil, "", "--socket", dead, "version"); r.exit != 0 || !strings.Contains(r.out, "not reachable") {
		t.Errorf("version: %+v", r)
	}
	t.Setenv("HOLDFAST_SOCKET", dead)
	if r := playWith(t.Context(), ipc.NewClient, Deps{Socket: "/elsewhere"}, nil, "", "--help"); !strings.Contains(r.out, dead) {
		t.Errorf("HOLDFAST_SOCKET is not the default: %s", r.out)
	}
}

func TestVersion(t *testing.T) {
	r := play(t, t.Context(), &backend{}, nil, "", "version", "--json")
	var v ipc.Version
	if err := json.Unmarshal([]byte(r.out), &v); err != nil || v.Agent != "1.2.3" || v.Version == "" || v.Go == "" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestProfileCommands(t *testing.T) {
	const file = "testdata/profile.xml"
	r := playWith(t.Context(), nil, Deps{}, nil, "", "profile", "show", file)
	golden(t, "profile-show", []byte(r.out))
	r = playWith(t.Context(), nil, Deps{}, nil, "", "profile", "check", file)
	golden(t, "profile-check", []byte(r.out))

	r = playWith(t.Context(), nil, Deps{}, nil, "", "profile", "show", "--json", file)
	var rows map[string]struct {
		Value, Origin string
		Locked        bool
	}
	if err := json.Unmarshal([]byte(r.out), &rows); err != nil {
		t.Fatalf("%v in %q", err, r.out)
	}
	if got := rows["AutoReconnectBehavior"]; got.Value != "ReconnectAfterResume" || got.Origin != "profile.xml" || !got.Locked {
		t.Errorf("AutoReconnectBehavior: %+v", got)
	}
	if got := rows["AuthenticationTimeout"]; got.Value != "30" || got.Origin != profile.OriginDefault {
		t.Errorf("AuthenticationTimeout: %+v", got)
	}
	if r := playWith(t.Context(), nil, Deps{}, nil, "", "profile", "check", "render_test.go"); r.exit != 1 || !strings.Contains(r.err, "PROF-001") {
		t.Errorf("no profile at all: %+v", r)
	}
	nobody := func(string) *ipc.Client { return ipc.NewClient(filepath.Join(t.TempDir(), "none.sock")) }
	r = playWith(t.Context(), nobody, Deps{ProfileDirs: []string{filepath.Join(t.TempDir(), "none")}}, nil, "", "profile", "show")
	if r.exit != 0 || !strings.HasPrefix(r.out, "No profile is in force") || !strings.HasPrefix(r.err, "note: the agent does not answer") {
		t.Errorf("without a profile: %+v", r)
	}
}

func TestGivenFunctions(t *testing.T) {
	var got []string
	d := Deps{
		StateDir: "/state", RuntimeDir: "/run",
		Rescue: func(_ context.Context, s, r string, _ io.Writer) error {
			got = append(got, "rescue "+s+" "+r)
			return fault.New(fault.PolRoot, nil)
		},
		Demo: func(_ context.Context, o DemoOptions) error {
			got = append(got, "demo")
			if !o.JSON || o.Colour || o.Out == nil {
				return errors.New("options are lost")
			}
			return nil
		},
		Gateway: func(_ context.Context, o GatewayOptions, _ io.Reader, _ io.Writer) error {
			if o.Browser {
				o.Listen += " in a browser"
			}
			got = append(got, "gateway "+o.Listen)
			return nil
		},
	}
	for _, tc := range []struct {
		args string
		exit int
	}{
		{"rescue --runtime-dir /r", 7}, {"demo --plain --json", 0}, {"gateway --listen [::1]:4443", 0}, {"gateway --listen 127.0.0.1:4443 --browser", 0}, {"gateway", 2}, {"gateway --listen example.com:443", 2},
	} {
		if r := playWith(t.Context(), nil, d, nil, "", strings.Fields(tc.args)...); r.exit != tc.exit {
			t.Errorf("%s: %+v, want %d", tc.args, r, tc.exit)
		}
	}
	if want := "rescue /state /r,demo,gateway [::1]:4443,gateway 127.0.0.1:4443 in a browser"; strings.Join(got, ",") != want {
		t.Errorf("called %q, want %q", got, want)
	}
}

// TestProgressOfALogin: each step has its own line, a person who has to look for a phone too; an older agent tells no steps.
func TestProgressOfALogin(t *testing.T) {
	var errs strings.Builder
	at := &attempt{app: &app{Streams: Streams{Err: &errs, Progress: true}}, handled: map[string]bool{}}
	for _, s := range []ipc.State{{Step: ipc.StepReach}, {Step: ipc.StepLogin}, {Step: ipc.StepLogin, Waiting: &ipc.Waiting{}}, {Step: ipc.StepTunnel}} {
		s.State, s.Target = "connecting", "gw"
		at.progress(s)
	}
	at.handled["p1"] = true
	at.progress(ipc.State{State: "connecting", Target: "gw"})
	const begin = "\r\x1b[K"
	want := begin + "Contacting gw…" + begin + "Logging in to gw…" + begin + "Waiting for gw, which may want a confirmation on your phone…" + begin + "Establishing VPN session…" + begin + "Logging in to gw…"
	if errs.String() != want {
		t.Errorf("%q, want %q", errs.String(), want)
	}
}

func TestProgressLine(t *testing.T) {
	var errs bytes.Buffer
	at := &attempt{app: &app{Streams: Streams{Err: &errs, Progress: true}}, handled: map[string]bool{}}
	for _, state := range []string{"connecting", "connecting", "authenticating", "establishing"} {
		at.progress(ipc.State{State: state, Target: "vpn.example.com"})
	}
	at.clearProgress()
	at.clearProgress()
	if want := "\r\x1b[KContacting vpn.example.com…\r\x1b[KEstablishing VPN session…\r\x1b[K"; errs.String() != want {
		t.Errorf("got %q, want %q", errs.String(), want)
	}
	if r := play(t, t.Context(), &backend{steps: []step{connected}}, nil, "", "connect", "vpn.example.com"); r.err != "" {
		t.Errorf("without a terminal: %q", r.err)
	}
}

// TestSessionNearlyOver: a person is told by the word, not by the sum.
func TestSessionNearlyOver(t *testing.T) {
	s := full()
	s.Session.Expires, s.Session.Ending = ago(-4*time.Minute), true
	var out strings.Builder
	writeState(&out, s, now)
	if !strings.Contains(out.String(), "nearly over: 4 min left") {
		t.Errorf("%s", out.String())
	}
}
