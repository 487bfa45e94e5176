package ipc

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
)

// The identities of the tests.
var (
	root     = localsock.Peer{UID: 0, Root: true, Member: true}
	alice    = localsock.Peer{UID: 1000, Member: true} // owns the session
	bob      = localsock.Peer{UID: 1001, Member: true}
	stranger = localsock.Peer{UID: 1002}
)

var discard = slog.New(slog.DiscardHandler)

// agent is a Backend that says what it is told to and remembers what it was asked.
type agent struct {
	entries []Record // instead of three
	mu      sync.Mutex
	state   State
	owner   string
	err     error
	calls   []string
	answer  Answer
	asked   ConnectRequest
}

func (a *agent) note(what string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, what)
	return a.err
}

func (a *agent) called() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Join(a.calls, " ")
}

func (a *agent) State(context.Context) (State, string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state, a.owner
}

func (a *agent) Connect(_ context.Context, p localsock.Peer, r ConnectRequest) (Accepted, error) {
	a.asked = r
	return Accepted{ID: "a1"}, a.note("connect:" + p.ID())
}

func (a *agent) Disconnect(_ context.Context, p localsock.Peer) error {
	return a.note("disconnect:" + p.ID())
}

func (a *agent) Answer(_ context.Context, p localsock.Peer, id string, ans Answer) error {
	a.answer = ans
	return a.note("answer:" + p.ID() + ":" + id)
}

func (a *agent) Timeline(context.Context) ([]Record, error) {
	if a.entries != nil {
		return a.entries, nil
	}
	return []Record{
		{Owner: alice.ID(), Entry: Entry{Seq: 1, Phase: "connected", Event: "alice's"}},
		{Owner: bob.ID(), Entry: Entry{Seq: 2, Phase: "connected", Event: "bob's"}},
		{Entry: Entry{Seq: 3, Phase: "disconnected", Event: "nobody's"}},
	}, a.note("timeline")
}

func (a *agent) Hosts(context.Context, localsock.Peer) ([]HostEntry, error) {
	return []HostEntry{{Name: "head office", Address: "vpn.example.com"}, {Name: "branch"}}, a.note("hosts")
}

func (a *agent) Stats(context.Context) (Stats, error) {
	st, _ := a.State(context.Background())
	return Stats{State: st, DurationS: 7}, a.note("stats")
}

func (a *agent) Preferences(_ context.Context, p localsock.Peer) (Policy, error) {
	return Policy{Target: "gw", Settings: []Setting{{Name: "LocalLanAccess", Value: "true", Origin: "default", User: true, Status: "honoured"}}}, a.note("preferences:" + p.ID())
}

func (a *agent) Prefer(_ context.Context, p localsock.Peer, r Preference) error {
	return a.note(fmt.Sprintf("prefer:%s:%v:%v:%t", p.ID(), r.Set, r.Reset, r.Global))
}

func (a *agent) Import(_ context.Context, p localsock.Peer, r ImportRequest) (Imported, error) {
	return Imported{Result: "imported", Hosts: len(r.Content)}, a.note(fmt.Sprintf("import:%s:%s:%t", p.ID(), r.Name, r.Replace))
}

func (a *agent) Trusted(_ context.Context, p localsock.Peer) ([]Trusted, error) {
	return []Trusted{{Host: "vpn.example.com:443", Pin: "sha256:" + p.ID()}}, a.note("trusted:" + p.ID())
}

func (a *agent) Distrust(_ context.Context, p localsock.Peer, host string) error {
	return a.note("distrust:" + p.ID() + ":" + host)
}

func (a *agent) Recording(_ context.Context, p localsock.Peer, w io.Writer) error {
	_, _ = io.WriteString(w, "{\"record\":\"holdfast\"}\n{\"of\":\""+p.ID()+"\"}\n")
	return a.note("recording:" + p.ID())
}

func (a *agent) Impair(_ context.Context, p localsock.Peer, r ImpairRequest) (Impaired, error) {
	return Impaired{Impaired: []string{r.Spec}}, a.note("impair:" + p.ID() + ":" + r.Spec)
}

func (a *agent) Version() Version { return Version{Version: "1.0", Agent: "1.0"} }

// full is a state in which everything that must not be seen by others is set.
func full() State {
	yes := true
	now := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	return State{State: "connected", Since: now, Protocol: "ssl", Target: "vpn.example.com", Gateway: "192.0.2.1:443", User: "alice", Group: "staff",
		Profile: "p", CaptivePortal: &yes, Transport: "tls", TransportReason: "r", VerifiedAt: &now, Probing: true, Cipher: "c", Interface: "holdfast0",
		Addresses: []string{"10.0.0.5/24"}, MTU: 1400, DNS: &DNS{Servers: []string{"10.0.0.1"}}, SplitInclude: []string{"10.0.0.0/8"},
		SplitExclude: []string{"10.9.0.0/16"}, TunnelAll: &yes, Banner: "welcome", Prompt: &Prompt{ID: "p1", Kind: "form"}, Session: &Session{Started: now},
		Counters: &Counters{TxBytes: 1}, Reconnects: &Reconnects{Tunnel: 1}, LastReconnect: &LastReconnect{Level: "tunnel"},
		Error: &Error{Code: "NET-005", Message: "to 192.0.2.1", Hint: "h"}, Attempt: "a1", Impaired: []string{"dtls=drop,30s"},
		TransportCode: TransportUDPBlocked, TransportSince: &now, TransportRetryAt: &now, Step: StepLogin, Waiting: &Waiting{Since: now, Until: now}}
}

// TestFullIsFull: what is added to a state is also tried on others.
func TestFullIsFull(t *testing.T) {
	s := reflect.ValueOf(full())
	for i := range s.NumField() {
		if s.Field(i).IsZero() {
			t.Errorf("%s is not set in full", s.Type().Field(i).Name)
		}
	}
	reduced := reflect.ValueOf(Reduce(full()))
	for i := range reduced.NumField() {
		name := reduced.Type().Field(i).Name
		if shown := !reduced.Field(i).IsZero(); shown != slices.Contains([]string{"State", "Since", "Protocol", "Error"}, name) {
			t.Errorf("others see %s: %v", name, shown)
		}
	}
}

// memory is a listener without a system: connections are pipes with the peer the test gives them.
type memory struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

type memoryConn struct {
	net.Conn
	peer localsock.Peer
}

func (c memoryConn) Peer() localsock.Peer { return c.peer }

func newMemory() *memory { return &memory{conns: make(chan net.Conn), done: make(chan struct{})} }

func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.done:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error   { m.once.Do(func() { close(m.done) }); return nil }
func (m *memory) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

// dial connects as p.
func (m *memory) dial(ctx context.Context, p localsock.Peer) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case m.conns <- memoryConn{far, p}:
		return near, nil
	case <-m.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (m *memory) client(p localsock.Peer) *Client {
	return NewClientOver(func(ctx context.Context) (net.Conn, error) { return m.dial(ctx, p) })
}

// raw sends a request as it is written and returns the status and the body.
func (m *memory) raw(t *testing.T, p localsock.Peer, method, path, body string, header ...string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://agent"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := m.client(p).roundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if path == "/v1/events" && resp.StatusCode == http.StatusOK {
		line, err := bufio.NewReader(resp.Body).ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, line
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, b
}

// serve starts a server and stops it with the test.
func serve(t testing.TB, a *agent) (*memory, *Hub) {
	t.Helper()
	m, h := newMemory(), NewHub()
	h.Publish(a.owner, a.state)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- NewServer(a, h, discard).Serve(ctx, m) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return m, h
}

// code is the fault code of a refusal, "" for a success.
func code(status int, b []byte) fault.Code {
	var e ErrorBody
	if status/100 == 2 || json.Unmarshal(b, &e) != nil {
		return ""
	}
	return fault.Code(e.Error.Code)
}

func TestIdentitiesTimesVerbs(t *testing.T) {
	const ok = fault.Code("")
	peers := []localsock.Peer{root, alice, bob, stranger}
	tests := []struct {
		verb, body string
		want       [4]fault.Code // root, owner, another member, no member
		down       [4]fault.Code // the same while there is no session
	}{
		{"GET /v1/state", "", [4]fault.Code{ok, ok, ok, fault.PolGroup}, [4]fault.Code{ok, ok, ok, fault.PolGroup}},
		{"GET /v1/events", "", [4]fault.Code{ok, ok, ok, fault.PolGroup}, [4]fault.Code{ok, ok, ok, fault.PolGroup}},
		{"GET /v1/hosts", "", [4]fault.Code{ok, ok, ok, fault.PolGroup}, [4]fault.Code{ok, ok, ok, fault.PolGroup}},
		{"GET /v1/version", "", [4]fault.Code{ok, ok, ok, fault.PolGroup}, [4]fault.Code{ok, ok, ok, fault.PolGroup}},
		{"POST /v1/connect", "{}", [4]fault.Code{ok, ok, ok, fault.PolGroup}, [4]fault.Code{ok, ok, ok, fault.PolGroup}},
		{"POST /v1/disconnect", "", [4]fault.Code{ok, ok, fault.PolNotOwner, fault.PolGroup}, [4]fault.Code{ok, ok, ok, fault.PolGroup}},
		{"GET /v1/timeline", "", [4]fault.Code{ok, ok, fault.PolNotOwner, fault.PolGroup}, [4]fault.Code{ok, ok, ok, fault.PolGroup}},
		{"GET /v1/record", "", [4]fault.Code{ok, ok, fault.PolNotOwner, fault.PolGroup}, [4]fault.Code{ok, ok, ok, fault.PolGroup}},
		{"GET /v1/stats", "", [4]fault.Code{ok, ok, fault.PolNotOwner, fault.PolGroup},
			[4]fault.Code{fault.UseNotConnected, fault.UseNotConnected, fault.UseNotConnected, fault.PolGroup}},
		{"POST /v1/prompts/p1", `{"cancel":true}`, [4]fault.Code{ok, ok, fault.PolNotOwner, fault.PolGroup},
			[4]fault.Code{fault.AuthPromptGone, fault.AuthPromptGone, fault.AuthPromptGone, fault.PolGroup}},
		{"GET /v1/preferences", "", [4]fault.Code{ok, ok, ok, fault.PolGroup}, [4]fault.Code{ok, ok, ok, fault.PolGroup}},
		{"POST /v1/preferences", `{"set":{"a":"b"}}`, [4]fault.Code{ok, ok, ok, fault.PolGroup}, [4]fault.Code{ok, ok, ok, fault.PolGroup}},
		{"GET /v1/trust", "", [4]fault.Code{ok, ok, ok, fault.PolGroup}, [4]fault.Code{ok, ok, ok, fault.PolGroup}},
		{"POST /v1/trust", `{"forget":"vpn.example.com:443"}`, [4]fault.Code{ok, ok, ok, fault.PolGroup}, [4]fault.Code{ok, ok, ok, fault.PolGroup}},
		{"POST /v1/profiles", `{"name":"a.xml"}`, [4]fault.Code{ok, fault.PolRoot, fault.PolRoot, fault.PolGroup},
			[4]fault.Code{ok, fault.PolRoot, fault.PolRoot, fault.PolGroup}},
		{"POST /v1/debug/profile", `{"seconds":1}`, [4]fault.Code{ok, fault.PolRoot, fault.PolRoot, fault.PolGroup},
			[4]fault.Code{ok, fault.PolRoot, fault.PolRoot, fault.PolGroup}},
		{"POST /v1/debug/impair", `{"spec":"off"}`, [4]fault.Code{ok, fault.PolRoot, fault.PolRoot, fault.PolGroup},
			[4]fault.Code{ok, fault.PolRoot, fault.PolRoot, fault.PolGroup}},
	}
	if len(tests) != len(verbs) {
		t.Fatalf("%d verbs are tested, the table has %d", len(tests), len(verbs))
	}
	for _, down := range []bool{false, true} {
		a := &agent{state: full(), owner: alice.ID()}
		if down {
			a.state.State = stateDown
		}
		m, _ := serve(t, a)
		for _, tt := range tests {
			method, path, _ := strings.Cut(tt.verb, " ")
			for i, p := range peers {
				want := tt.want[i]
				if down {
					want = tt.down[i]
				}
				st, body := m.raw(t, p, method, path, tt.body)
				if got := code(st, body); got != want || (st/100 == 2) != (want == ok) {
					t.Errorf("%s by uid %d, down %v: %d %q, want %q", tt.verb, p.UID, down, st, got, want)
				}
			}
		}
		if strings.Contains(a.called(), ":"+stranger.ID()) {
			t.Errorf("the stranger got through: %s", a.called())
		}
	}
}

func TestUnknownRuleRefuses(t *testing.T) {
	if rule(0).allows(root, "", true) {
		t.Error("a verb without a rule is open")
	}
}

func TestOthersSeeTheReducedState(t *testing.T) {
	m, _ := serve(t, &agent{state: full(), owner: alice.ID()})
	for _, path := range []string{"/v1/state", "/v1/events"} {
		_, b := m.raw(t, bob, http.MethodGet, path, "")
		if path == "/v1/events" {
			var e struct{ State json.RawMessage }
			if err := json.Unmarshal(b, &e); err != nil {
				t.Fatal(err)
			}
			b = e.State
		}
		want := `{"state":"connected","since":"2026-05-04T03:02:01Z","protocol":"ssl","error":{"code":"NET-005"}}`
		if got := string(bytes.TrimSpace(b)); got != want {
			t.Errorf("%s for another user:\n got %s\nwant %s", path, got, want)
		}
	}
	for _, p := range []localsock.Peer{root, alice} {
		s, err := m.client(p).State(t.Context())
		if err != nil || s.User != "alice" || s.Prompt == nil {
			t.Errorf("uid %d sees %+v, %v", p.UID, s, err)
		}
	}
}

func TestTimelineHoldsOwnEntries(t *testing.T) {
	a := &agent{state: State{State: stateDown}, owner: alice.ID()}
	m, _ := serve(t, a)
	for p, want := range map[localsock.Peer]int{root: 3, alice: 1, bob: 1} {
		n := 0
		for e, err := range m.client(p).Timeline(t.Context(), false) {
			if err != nil {
				t.Fatal(err)
			}
			if p == bob && e.Event != "bob's" {
				t.Errorf("bob sees %q", e.Event)
			}
			n++
		}
		if n != want {
			t.Errorf("uid %d sees %d entries, want %d", p.UID, n, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	big := `{"target":"` + strings.Repeat("x", maxBody) + `"}`
	tests := []struct {
		name, method, path, body string
		header                   []string
		status                   int
		code                     fault.Code
	}{
		{"unknown verb", "GET", "/v1/secrets", "", nil, 404, fault.UseVerb},
		{"no version", "GET", "/state", "", nil, 404, fault.UseVerb},
		{"dots in the path", "GET", "/v1/../v1/state", "", nil, 404, fault.UseVerb},
		{"slash at the end", "GET", "/v1/state/", "", nil, 404, fault.UseVerb},
		{"no prompt id", "POST", "/v1/prompts/", "{}", nil, 404, fault.UseVerb},
		{"path as prompt id", "POST", "/v1/prompts/a/b", "{}", nil, 404, fault.UseVerb},
		{"wrong method", "POST", "/v1/state", "", nil, 405, fault.UseVerb},
		{"connect by GET", "GET", "/v1/connect", "", nil, 405, fault.UseVerb},
		{"query", "GET", "/v1/state?as=root", "", nil, 400, fault.UseRequest},
		{"web page", "GET", "/v1/state", "", []string{"Origin", "https://evil.example"}, 403, fault.PolBrowser},
		{"web page without a name", "POST", "/v1/disconnect", "", []string{"Origin", "null"}, 403, fault.PolBrowser},
		{"another host is no matter", "GET", "/v1/state", "", []string{"Host", "evil.example"}, 200, ""},
		{"too large", "POST", "/v1/connect", big, nil, 413, fault.UseRequest},
		{"unknown field", "POST", "/v1/connect", `{"target":"a","script":"/bin/sh"}`, nil, 400, fault.UseRequest},
		{"unknown field of disconnect", "POST", "/v1/disconnect", `{"force":true}`, nil, 400, fault.UseRequest},
		{"no JSON", "POST", "/v1/connect", "target=a", nil, 400, fault.UseRequest},
		{"an array", "POST", "/v1/connect", "[]", nil, 400, fault.UseRequest},
		{"null", "POST", "/v1/connect", "null", nil, 400, fault.UseRequest},
		{"two objects", "POST", "/v1/connect", "{}{}", nil, 400, fault.UseRequest},
		{"control character", "POST", "/v1/connect", `{"target":"a\u0000b"}`, nil, 400, fault.UseRequest},
		{"8-bit control character", "POST", "/v1/connect", `{"target":"a","user":"a\u009b2J"}`, nil, 400, fault.UseRequest},
		{"text that runs backwards", "POST", "/v1/connect", `{"target":"a","group":"a\u202eb"}`, nil, 400, fault.UseRequest},
		{"text nobody sees", "POST", "/v1/connect", `{"target":"a\u200bb"}`, nil, 400, fault.UseRequest},
		{"a path", "POST", "/v1/connect", `{"target":"a","ca_file":"/etc/shadow"}`, nil, 400, fault.UseRequest},
		{"a certificate's path", "POST", "/v1/connect", `{"target":"a","cert":"/etc/shadow","key":"/etc/shadow"}`, nil, 400, fault.UseRequest},
		{"deep JSON", "POST", "/v1/connect", strings.Repeat(`{"target":`, 100_000), nil, 400, fault.UseRequest},
		{"long target", "POST", "/v1/connect", `{"target":"` + strings.Repeat("a", maxTarget+1) + `"}`, nil, 400, fault.UseRequest},
		{"unknown protocol", "POST", "/v1/connect", `{"protocol":"pptp"}`, nil, 400, fault.UseRequest},
		{"negative time", "POST", "/v1/connect", `{"timeout_ms":-1}`, nil, 400, fault.UseRequest},
		{"many pins", "POST", "/v1/connect", `{"pins":[` + strings.Repeat(`"a",`, maxPins) + `"a"]}`, nil, 400, fault.UseRequest},
		{"empty answer", "POST", "/v1/prompts/p1", `{}`, nil, 400, fault.UseRequest},
		{"two answers", "POST", "/v1/prompts/p1", `{"accept":true,"cancel":true}`, nil, 400, fault.UseRequest},
		{"nameless field", "POST", "/v1/prompts/p1", `{"fields":{"":"x"}}`, nil, 400, fault.UseRequest},
		{"long value", "POST", "/v1/prompts/p1", `{"fields":{"a":"` + strings.Repeat("x", maxValue+1) + `"}}`, nil, 400, fault.UseRequest},
		{"a number for a text", "POST", "/v1/prompts/p1", `{"fields":{"a":1}}`, nil, 400, fault.UseRequest},
	}
	m, _ := serve(t, &agent{state: full(), owner: alice.ID()})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st, body := m.raw(t, alice, tt.method, tt.path, tt.body, tt.header...)
			if st != tt.status || code(st, body) != tt.code {
				t.Errorf("%d %s, want %d %q", st, body, tt.status, tt.code)
			}
		})
	}
}

func TestSecretsAreNotQuoted(t *testing.T) {
	m, _ := serve(t, &agent{state: full(), owner: alice.ID()})
	for _, body := range []string{`{"fields":{"password":"hunter2"},"x":1}`, `{"fields":{"password":["hunter2"]}}`, `{"fields":{"password":"hunter2"`} {
		_, b := m.raw(t, alice, "POST", "/v1/prompts/p1", body)
		if bytes.Contains(b, []byte("hunter2")) {
			t.Errorf("the refusal quotes the body: %s", b)
		}
	}
}

func TestUnknownPeerIsClosed(t *testing.T) {
	m, _ := serve(t, &agent{state: full(), owner: alice.ID()})
	near, far := net.Pipe()
	m.conns <- far // says nothing of its peer
	if _, err := near.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("read: %v", err)
	}
}

func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := serve(t, &agent{state: full(), owner: alice.ID()})
		open := func(p localsock.Peer) *Stream {
			t.Helper()
			s, err := m.client(p).Events(t.Context())
			if err != nil {
				t.Fatalf("uid %d: %v", p.UID, err)
			}
			t.Cleanup(func() { s.Close() })
			return s
		}
		ask := func(p localsock.Peer, want fault.Code) {
			t.Helper()
			_, err := m.client(p).State(t.Context())
			if (want == "") != (err == nil) || err != nil && fault.As(err).Code != want {
				t.Errorf("uid %d: %v, want %q", p.UID, err, want)
			}
			synctest.Wait() // the server has seen the end of it
		}
		var last *Stream
		for range maxPerUser {
			last = open(alice)
		}
		ask(alice, fault.PolBusy)
		ask(bob, "")
		for i := range maxClients - forRoot - maxPerUser {
			open(localsock.Peer{UID: uint32(2000 + i/maxPerUser), Member: true})
		}
		ask(bob, fault.PolBusy)
		ask(root, "")
		last.Close()
		synctest.Wait()
		ask(alice, "")
		ask(bob, "")
	})
}

func TestTurnedAwayAreFewToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := serve(t, &agent{state: full(), owner: alice.ID()})
		closed := 0
		for range maxPerUser + maxTurned + 5 {
			c, err := m.dial(t.Context(), alice)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			synctest.Wait()
			_ = c.SetReadDeadline(time.Now().Add(time.Millisecond)) // fails where the other end is closed
			if _, err := c.Read(make([]byte, 1)); errors.Is(err, io.EOF) {
				closed++
			}
		}
		if closed != 5 {
			t.Errorf("%d connections were closed at once, want 5", closed)
		}
	})
}

func TestSilentClientIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := serve(t, &agent{state: full(), owner: alice.ID()})
		c, err := m.dial(t.Context(), alice)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		start := time.Now()
		_, _ = c.Read(make([]byte, 1024))
		if d := time.Since(start); d > headerTime {
			t.Errorf("closed after %v, want %v", d, headerTime)
		}
	})
}
