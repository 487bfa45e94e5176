package fake

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	"github.com/holdfast-vpn/holdfast/platform"
)

// Part names what Intercept can get between.
type Part int

// The parts that change the machine.
const (
	Tun Part = iota
	Router
	Resolver
	Firewall
	Undo
)

// Options of New.
type Options struct {
	Device  func(mtu int) (platform.Device, error) // makes the TUN device; nil: Open fails
	Routes  func(platform.RouteConfig) error       // carries routes out on a device that can; may be nil
	Dialer  platform.Dialer                        // outer connections; may be nil where nothing dials through the host
	Network platform.NetSnapshot                   // what the monitor sees at first
}

var errDevice = errors.New("fake: there is a device already, or no way to make one")

// Machine is the machine. Its methods may be called from any goroutine.
type Machine struct {
	options Options
	began   time.Time

	mu      sync.Mutex
	before  map[Part]func(context.Context) error
	device  platform.Device
	left    bool // a device stands that nobody has open
	routes  platform.RouteConfig
	lost    []string // of them
	dns     platform.DNSConfig
	filter  platform.FilterConfig
	network platform.NetSnapshot
	changes chan platform.NetSnapshot // holds the newest
	closed  bool                      // the monitor is
	power   chan platform.PowerEvent  // holds the newest
	still   bool                      // nobody is told of sleep any more
	slept   time.Duration
	dark    bool          // it is night
	dusk    time.Duration // since when
	stood   time.Duration // for how long nights have been
}

// New returns a machine on which nothing of ours is.
func New(o Options) *Machine {
	return &Machine{
		options: o, began: time.Now(), network: o.Network,
		before: map[Part]func(context.Context) error{}, changes: make(chan platform.NetSnapshot, 1), power: make(chan platform.PowerEvent, 1),
	}
}

// Host is the machine as the agent sees it. Its Undo removes everything, its Close ends what watches.
func (m *Machine) Host() *platform.Host {
	return &platform.Host{
		Tun: tun{m}, Router: router{m}, Resolver: resolver{m}, Firewall: firewall{m}, Monitor: monitor{m}, Power: power{m}, Dialer: m.options.Dialer, Clock: clock{m},
		Undo: m.undo, Close: func() error { return errors.Join(monitor{m}.Close(), power{m}.Close()) },
	}
}

// Intercept makes f run before the part does anything; an error of f is the part's answer. nil ends it.
func (m *Machine) Intercept(p Part, f func(context.Context) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.before[p] = f
}

// SetNetwork changes what the monitor sees. A reader who is slow finds the newest.
func (m *Machine) SetNetwork(s platform.NetSnapshot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || reflect.DeepEqual(s, m.network) {
		return
	}
	m.network = s
	select {
	case <-m.changes:
	default:
	}
	m.changes <- s // there is room: all who send hold the lock
}

// Lose takes away what the words stand for of what the router made, as others on a machine do; without words it is only said that something went.
func (m *Machine) Lose(what ...string) {
	m.mu.Lock()
	m.lost = append(m.lost, what...)
	s := m.network
	m.mu.Unlock()
	s.Removals++
	m.SetNetwork(s)
}

// Suspend announces sleep, and returns what is closed when the agent is ready for it. Nobody hurries him.
func (m *Machine) Suspend() <-chan struct{} {
	ready := make(chan struct{})
	m.announce(platform.PowerEvent{Sleep: true, Ready: sync.OnceFunc(func() { close(ready) })})
	return ready
}

// Wake announces the end of sleep.
func (m *Machine) Wake() { m.announce(platform.PowerEvent{}) }

func (m *Machine) announce(e platform.PowerEvent) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.still {
		return
	}
	select {
	case <-m.power:
	default:
	}
	m.power <- e // there is room: all who send hold the lock
}

// Sleep suspends the machine for d: the boot clock goes on, the monotonic one stood still.
func (m *Machine) Sleep(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.slept += d
}

// Night suspends the machine while f runs, however long that takes: both clocks stand still, and after it the boot clock has gone on and the monotonic one has not. What else is in the world goes
// on, and so do the agent's goroutines: they only see no time pass.
func (m *Machine) Night(f func()) {
	m.mu.Lock()
	m.dark, m.dusk = true, time.Since(m.began)
	m.mu.Unlock()
	f()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dark = false
	m.stood += time.Since(m.began) - m.dusk
}

// Routes is what the router was last set to.
func (m *Machine) Routes() platform.RouteConfig {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.routes
}

// DNS is what the resolver was last set to.
func (m *Machine) DNS() platform.DNSConfig {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dns
}

// Filter is what the firewall was last set to.
func (m *Machine) Filter() platform.FilterConfig {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.filter
}

// Clean reports whether nothing of ours is on the machine.
func (m *Machine) Clean() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.device == nil && !m.left && m.routes.Empty() && m.dns.Empty() && m.filter.Empty()
}

// change does what a part does, unless it was intercepted or ctx has ended.
func (m *Machine) change(ctx context.Context, p Part, do func() error) error {
	m.mu.Lock()
	f := m.before[p]
	m.mu.Unlock()
	if f != nil {
		if err := f(ctx); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return do()
}

func (m *Machine) undo(ctx context.Context) error {
	return m.change(ctx, Undo, func() error {
		m.routes, m.dns, m.filter, m.left = platform.RouteConfig{}, platform.DNSConfig{}, platform.FilterConfig{}, false
		return nil
	})
}
