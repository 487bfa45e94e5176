package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
	"github.com/holdfast-vpn/holdfast/profile"
)

var alice = localsock.Peer{UID: 1000, Member: true}

// step is what the fake agent does next: asks, fails, or is connected where both are nil.
type step struct {
	ask  *ipc.Prompt
	fail *ipc.Error
}

// backend is an agent that plays steps, behind the real server and the real client.
type backend struct {
	hub *ipc.Hub

	mu       sync.Mutex
	st       ipc.State
	owner    string
	steps    []step
	prompts  int
	answers  []string // as they came: "name=value ..." sorted by the form, "accept", "decline", "cancel"
	requests []ipc.ConnectRequest
	ended    int
	newer    int // than this build, by the API it speaks
	entries  []ipc.Entry
	trusted  []ipc.Trusted
	hosts    []ipc.HostEntry
	refuse   error // what Connect and changes of policy return
	root     bool  // who connects is root, not alice
	policy   ipc.Policy
	imported []ipc.ImportRequest
}

func (b *backend) publish() { b.hub.Publish(b.owner, b.st) }

func (b *backend) become(state string) {
	b.st.State, b.st.Since, b.st.Prompt = state, time.Now(), nil
	b.publish()
}

// next plays one step.
func (b *backend) next() {
	if len(b.steps) == 0 {
		return // the gateway says nothing
	}
	s := b.steps[0]
	b.steps = b.steps[1:]
	switch {
	case s.ask != nil:
		p := *s.ask
		b.prompts++
		p.ID, p.Until = fmt.Sprintf("p%d", b.prompts), time.Now().Add(time.Minute)
		b.st.State, b.st.Prompt = "authenticating", &p
		b.publish()
		b.hub.Prompt(p)
	case s.fail != nil:
		b.st.Error = s.fail
		b.become("disconnected")
	default:
		b.st.Addresses, b.st.Transport = []string{"10.11.0.50/24"}, "tls"
		b.become("connected")
	}
}

func (b *backend) State(context.Context) (ipc.State, string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.st, b.owner
}

func (b *backend) Connect(_ context.Context, p localsock.Peer, r ipc.ConnectRequest) (ipc.Accepted, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests = append(b.requests, r)
	if b.refuse != nil {
		return ipc.Accepted{}, b.refuse
	}
	if b.st.State == "connected" || b.st.State == "reconnecting" {
		return ipc.Accepted{ID: b.st.Attempt}, nil
	}
	b.owner = p.ID()
	b.st = ipc.State{Attempt: "c1", Target: r.Target}
	b.become("connecting")
	b.next()
	return ipc.Accepted{ID: "c1"}, nil
}

func (b *backend) Disconnect(context.Context, localsock.Peer) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended++
	b.become("disconnecting")
	b.become("disconnected")
	return nil
}

func (b *backend) Answer(_ context.Context, _ localsock.Peer, id string, a ipc.Answer) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.st.Prompt
	if p == nil || p.ID != id {
		return fault.New(fault.AuthPromptGone, nil)
	}
	switch {
	case a.Cancel:
		b.answers = append(b.answers, "cancel")
	case a.Accept != nil && *a.Accept:
		b.answers = append(b.answers, "accept")
	case a.Accept != nil:
		b.answers = append(b.answers, "decline")
	default:
		var parts []string
		for _, f := range p.Fields {
			if v, ok := a.Fields[f.Name]; ok {
				parts = append(parts, f.Name+"="+string(v.Reveal()))
			}
		}
		b.answers = append(b.answers, strings.Join(parts, " "))
	}
	b.hub.Withdrawn(id)
	b.st.Prompt = nil
	b.next()
	return nil
}

func (b *backend) Timeline(context.Context) ([]ipc.Record, error) {
	var out []ipc.Record
	for _, e := range b.entries {
		out = append(out, ipc.Record{Owner: alice.ID(), Entry: e})
	}
	return out, nil
}

func (b *backend) Hosts(context.Context, localsock.Peer) ([]ipc.HostEntry, error) {
	return b.hosts, nil
}

func (b *backend) Preferences(context.Context, localsock.Peer) (ipc.Policy, error) {
	return b.policy, b.refuse
}

func (b *backend) Prefer(_ context.Context, _ localsock.Peer, r ipc.Preference) error {
	if b.refuse != nil {
		return b.refuse
	}
	for i := range b.policy.Settings {
		s := &b.policy.Settings[i]
		if v, ok := r.Set[s.Name]; ok {
			s.Value, s.Origin = v, "preferences"
		}
		if slices.Contains(r.Reset, s.Name) {
			s.Value, s.Origin = "false", "default"
		}
	}
	return nil
}

func (b *backend) Trusted(context.Context, localsock.Peer) ([]ipc.Trusted, error) {
	return b.trusted, nil
}

func (b *backend) Distrust(_ context.Context, _ localsock.Peer, host string) error {
	n := len(b.trusted)
	b.trusted = slices.DeleteFunc(b.trusted, func(t ipc.Trusted) bool { return t.Host == host })
	if len(b.trusted) == n {
		return fault.Newf(fault.UseTarget, nil, "no key of it was accepted")
	}
	return nil
}

func (b *backend) Import(_ context.Context, _ localsock.Peer, r ipc.ImportRequest) (ipc.Imported, error) {
	p, warnings, err := profile.Parse(r.Content)
	if err != nil || b.refuse != nil {
		return ipc.Imported{}, errors.Join(err, b.refuse)
	}
	b.imported = append(b.imported, r)
	return ipc.Imported{Result: "imported", Hosts: len(p.Hosts), Warnings: make([]string, len(warnings))}, nil
}

func (b *backend) Stats(ctx context.Context) (ipc.Stats, error) {
	st, _ := b.State(ctx)
	if st.State != "connected" {
		return ipc.Stats{}, fault.New(fault.UseNotConnected, nil)
	}
	return ipc.Stats{State: st, DurationS: 3725, Control: ipc.Frames{Tx: 4, Rx: 5}}, nil
}

func (b *backend) Recording(_ context.Context, _ localsock.Peer, w io.Writer) error {
	_, err := io.WriteString(w, "{\"record\":\"holdfast\",\"version\":1}\n{\"step\":1}\n{\"step\":2}\n")
	return err
}

func (b *backend) Impair(ctx context.Context, _ localsock.Peer, r ipc.ImpairRequest) (ipc.Impaired, error) {
	switch st, _ := b.State(ctx); {
	case st.State == "disconnected":
		return ipc.Impaired{}, fault.New(fault.UseNotConnected, nil)
	case r.Spec == "off":
		return ipc.Impaired{}, nil
	}
	return ipc.Impaired{Impaired: []string{r.Spec}}, nil
}

func (b *backend) Version() ipc.Version {
	return ipc.Version{Version: "1.2.3", Agent: "1.2.3", API: ipc.API + b.newer, Features: ipc.Features()}
}

// pipes is a listener in memory; every connection is one user's.
type pipes struct {
	peer  localsock.Peer
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

type pipeConn struct {
	net.Conn
	peer localsock.Peer
}

func (c pipeConn) Peer() localsock.Peer { return c.peer }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- pipeConn{far, p.peer}:
		return near, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve runs the backend until the test ends and returns the way to it.
func serve(t *testing.T, b *backend) func(string) *ipc.Client {
	t.Helper()
	b.hub = ipc.NewHub()
	if b.st.State == "" {
		b.st.State = "disconnected"
	}
	b.publish()
	l := &pipes{peer: alice, conns: make(chan net.Conn), done: make(chan struct{})}
	if b.root {
		l.peer = localsock.Peer{Root: true}
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	server := ipc.NewServer(b, b.hub, slog.New(slog.DiscardHandler)) // here: the next call has another hub
	go func() { served <- server.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error("Serve:", err)
		}
	})
	return func(string) *ipc.Client { return ipc.NewClientOver(l.dial) }
}

// person answers from a script; what is not in it is never answered.
type person struct {
	replies []string
	labels  []string
	asked   chan struct{} // gets one when the script is at its end, if not nil
}

func (p *person) Line(ctx context.Context, label string) (string, error) {
	p.labels = append(p.labels, label)
	if len(p.replies) == 0 {
		if p.asked != nil {
			p.asked <- struct{}{}
		}
		<-ctx.Done()
		return "", ctx.Err()
	}
	r := p.replies[0]
	p.replies = p.replies[1:]
	if r == "EOF" {
		return "", io.EOF
	}
	return r, nil
}

func (p *person) Secret(ctx context.Context, label string) (redact.Secret, error) {
	text, err := p.Line(ctx, label+"(hidden)")
	return redact.NewString(text), err
}

// result is what a run left behind.
type result struct {
	exit     int
	out, err string
}

// play runs a command line against a backend; who is nil where there is no terminal.
func play(t *testing.T, ctx context.Context, b *backend, who *person, stdin string, args ...string) result {
	t.Helper()
	return playWith(ctx, serve(t, b), Deps{}, who, stdin, args...)
}

func playWith(ctx context.Context, dial func(string) *ipc.Client, d Deps, who *person, stdin string, args ...string) result {
	var out, errs bytes.Buffer
	s := Streams{In: strings.NewReader(stdin), Out: &out, Err: &errs}
	if who != nil {
		s.Person, s.Progress = who, true
	}
	exit := run(ctx, args, d, s, dial)
	return result{exit, out.String(), errs.String()}
}
