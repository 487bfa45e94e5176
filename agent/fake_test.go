package agent

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/vault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/fake"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
	"github.com/holdfast-vpn/holdfast/profile"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// scripted is a Connector whose answers a test writes, function by function.
type scripted struct {
	open   func(context.Context, protocol.Target, protocol.Prompter) (protocol.Tunnel, error)
	reach  func(context.Context, protocol.SessionRef, protocol.Path) (protocol.Reached, error)
	resume func(context.Context, protocol.SessionRef, protocol.Reached) (protocol.Tunnel, error)
}

func (s *scripted) Open(ctx context.Context, t protocol.Target, p protocol.Prompter) (protocol.Tunnel, error) {
	return s.open(ctx, t, p)
}

func (s *scripted) Reach(ctx context.Context, r protocol.SessionRef, via protocol.Path) (protocol.Reached, error) {
	return s.reach(ctx, r, via)
}

func (s *scripted) Resume(ctx context.Context, ref protocol.SessionRef, r protocol.Reached) (protocol.Tunnel, error) {
	return s.resume(ctx, ref, r)
}

// wire is a Tunnel without packets. Its Probe is answered as long as it is not cut.
type wire struct {
	set       protocol.Settings
	mtu       atomic.Int64 // instead of that in set; 0 none
	notes     chan protocol.Notification
	closed    chan struct{}
	once      sync.Once
	reason    protocol.CloseReason // once closed
	heard     time.Time
	transport atomic.Pointer[protocol.Transport] // nil: tls
	// goodbye is how long Close takes.
	goodbye time.Duration
	asleep  atomic.Bool
}

// Sleep makes it a protocol.Sleeper.
func (w *wire) Sleep(asleep bool) { w.asleep.Store(asleep) }

func newWire() *wire {
	return &wire{
		set: protocol.Settings{
			Addresses: prefixes("10.0.0.5/24"), MTU: 1400, TunnelAll: true, DNS: addrs("10.0.0.1"), Banner: "Welcome",
			Gateway: netip.MustParseAddrPort("192.0.2.1:443"), Cipher: "TLS_AES_128_GCM_SHA256", User: "alice", Group: "staff",
			SessionTimeout: 8 * time.Hour, DisconnectedTimeout: 10 * time.Minute,
		},
		notes: make(chan protocol.Notification, 4), closed: make(chan struct{}), heard: time.Now(),
	}
}

func (w *wire) Settings() *protocol.Settings {
	s := w.set
	if n := int(w.mtu.Load()); n > 0 {
		s.MTU = n
	}
	return &s
}
func (w *wire) Session() protocol.SessionRef {
	return protocol.SessionRef{Target: protocol.Target{Host: "vpn.example.com"}, Token: redact.NewString("a-token"), Gateway: w.set.Gateway}
}
func (w *wire) Carrier() protocol.Carrier                   { return carrier{w} }
func (w *wire) Notifications() <-chan protocol.Notification { return w.notes }
func (w *wire) Probe(context.Context) error                 { return nil }
func (w *wire) Heard() time.Time                            { return w.heard }
func (w *wire) Transport() protocol.Transport {
	if t := w.transport.Load(); t != nil {
		return *t
	}
	return protocol.Transport{Name: "tls"}
}
func (w *wire) Close(r protocol.CloseReason) error {
	w.once.Do(func() { time.Sleep(w.goodbye); w.reason = r; close(w.closed); close(w.notes) })
	return nil
}

type carrier struct{ w *wire }

func (c carrier) ReadBatch(*packet.Batch) error  { <-c.w.closed; return os.ErrClosed }
func (c carrier) WriteBatch(*packet.Batch) error { return nil }
func (c carrier) Overhead() int                  { return 0 }
func (c carrier) Close() error                   { return nil }

// way is a Reached.
type way struct {
	via    protocol.Path
	closed chan struct{}
	once   sync.Once
}

func (w *way) Path() protocol.Path { return w.via }
func (w *way) RTT() time.Duration  { return 10 * time.Millisecond }
func (w *way) Close() error        { w.once.Do(func() { close(w.closed) }); return nil }

var home = platform.NetSnapshot{Uplinks: []platform.Uplink{{Index: 1, Name: "eth0", Local: addrs("198.51.100.7"), NextHop: addrs("198.51.100.1")}}}

// device is a TUN whose other side is two channels.
type device struct {
	closed chan struct{}
	once   sync.Once
	gone   chan struct{} // closed when somebody else takes the link away
	out    chan []byte   // from this machine into the tunnel
	in     chan []byte   // from the tunnel
}

func newDevice() *device {
	return &device{closed: make(chan struct{}), gone: make(chan struct{}), out: make(chan []byte, 16), in: make(chan []byte, 16)}
}

func (d *device) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	select {
	case p := <-d.out:
		sizes[0] = copy(bufs[0][offset:], p)
		return 1, nil
	case <-d.closed:
		return 0, os.ErrClosed
	case <-d.gone:
		return 0, os.ErrClosed
	}
}

func (d *device) Write(bufs [][]byte, offset int) (int, error) {
	for _, b := range bufs {
		select {
		case d.in <- slices.Clone(b[offset:]):
		default: // nobody takes them
		}
	}
	return len(bufs), nil
}

func (d *device) BatchSize() int { return 1 }
func (d *device) Name() string   { return platform.Interface }
func (d *device) Index() int     { return 9 }
func (d *device) Close() error   { d.once.Do(func() { close(d.closed) }); return nil }

var (
	alice = localsock.Peer{UID: 1000, Member: true}
	bob   = localsock.Peer{UID: 1001, Member: true}
	root  = localsock.Peer{UID: 0, Root: true}
)

// running is an agent under test inside a bubble.
type running struct {
	*Agent
	t    *testing.T
	m    *fake.Machine
	dev  *device // the last that was opened; read it once everything has settled
	stop func() error
	// leave ends it as stop does, for an agent that begins at once.
	leave  func() error
	config Config
	vault  *vault.Vault
	dir    string
	log    bytes.Buffer // at level info; complete when everything has settled
}

func start(t *testing.T, con protocol.Connector) *running {
	t.Helper()
	return startOn(t, home, nil, func(protocol.Dialer) protocol.Connector { return con })
}

// startOn is start with a network outside, and what the machine knows of it.
func startOn(t *testing.T, network platform.NetSnapshot, outside protocol.Dialer, connect func(protocol.Dialer) protocol.Connector) *running {
	t.Helper()
	r := &running{t: t, dir: t.TempDir()}
	r.vault = vault.New(r.dir, t.TempDir())
	r.m = fake.New(fake.Options{Network: network, Device: func(int) (platform.Device, error) { r.dev = newDevice(); return r.dev, nil }})
	r.config = Config{
		Host: r.m.Host(), Dialer: outside, Connect: connect,
		Profiles: func() *profile.Store { return nil }, StateDir: r.dir, Seed: 1, Vault: r.vault,
		Log: slog.New(slog.NewTextHandler(&r.log, nil)),
	}
	r.begin()
	return r
}

// begin starts an agent, which takes up what is in the vault.
func (r *running) begin() {
	r.t.Helper()
	c := r.config
	c.Hub = ipc.NewHub()
	if s, err := r.vault.Load(); err == nil {
		c.Saved = &s
	}
	a, err := New(c)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Agent = a
	ctx, cancel := context.WithCancelCause(r.t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	r.stop = func() error { cancel(nil); return <-done }
	r.leave = func() error { cancel(ErrRestarting); return <-done }
	synctest.Wait()
}

// state is what the owner sees once everything has settled.
func (r *running) state() ipc.State {
	synctest.Wait()
	s, _ := r.State(r.t.Context())
	return s
}

func (r *running) connect(p localsock.Peer, target string) string {
	r.t.Helper()
	got, err := r.Connect(r.t.Context(), p, ipc.ConnectRequest{Target: target})
	if err != nil {
		r.t.Fatalf("connect: %v", err)
	}
	return got.ID
}

// want fails unless the state is as named.
func (r *running) want(state string) ipc.State {
	r.t.Helper()
	s := r.state()
	if s.State != state {
		r.t.Fatalf("state is %s (%+v), want %s", s.State, s.Error, state)
	}
	return s
}

// events lists the timeline's events.
func (r *running) events() []string {
	list, err := r.Timeline(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, e := range list {
		out = append(out, e.Entry.Event)
	}
	return slices.Compact(out)
}
