package simnet

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Net is a network. Its methods, and those of everything made from it, may be called from any goroutine.
type Net struct {
	seed uint64

	mu      sync.Mutex
	closed  bool
	hosts   []*Host
	byAddr  map[netip.Addr]*Link
	names   map[string][]netip.Addr
	dials   map[*attempt]struct{}
	streams map[*stream]struct{}
	events  map[*event]struct{}
	made    uint64 // dials and streams so far: the number that seeds the next one's randomness
	running sync.WaitGroup
}

// New returns an empty network. The same seed and the same calls in the same order give the same losses.
func New(seed uint64) *Net {
	return &Net{
		seed: seed, byAddr: map[netip.Addr]*Link{}, names: map[string][]netip.Addr{},
		dials: map[*attempt]struct{}{}, streams: map[*stream]struct{}{}, events: map[*event]struct{}{},
	}
}

// Name adds a name to the table that every Dialer looks names up in. No addresses removes it.
func (n *Net) Name(host string, addrs ...netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	host = strings.ToLower(host)
	if len(addrs) == 0 {
		delete(n.names, host)
		return
	}
	n.names[host] = append([]netip.Addr(nil), addrs...)
}

// Host adds a host. With addresses it gets a link eth0 that has them; without, it has no link until Uplink gives it one.
func (n *Net) Host(name string, addrs ...netip.Addr) *Host {
	h := &Host{n: n, name: name, listeners: map[uint16]*listener{}, sockets: map[uint16]*Socket{}, port: 49151}
	n.mu.Lock()
	n.hosts = append(n.hosts, h)
	n.mu.Unlock()
	if len(addrs) > 0 {
		h.Uplink("eth0", addrs...)
	}
	return h
}

// Streams is the number of streams that at least one side has not closed.
func (n *Net) Streams() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.streams)
}

// Close ends the network: every stream, dial, listener and socket fails with net.ErrClosed, no timer fires any more. It returns nil.
func (n *Net) Close() error {
	n.mu.Lock()
	n.closed = true
	for e := range n.events {
		e.stop()
	}
	for s := range n.streams {
		for _, e := range s.ends {
			e.fail(net.ErrClosed)
		}
	}
	clear(n.streams)
	for a := range n.dials {
		a.finish(nil, fault.New(fault.NetNoPath, net.ErrClosed))
	}
	for _, h := range n.hosts {
		h.stopListening()
		for _, s := range h.socketsInOrder() {
			s.shut()
		}
	}
	n.mu.Unlock()
	n.running.Wait()
	return nil
}

// event is a function due at a time. It runs with the network's mutex held.
type event struct {
	n    *Net
	t    *time.Timer
	done bool
}

// after runs f in d, at once (before it returns) when d is not positive. n.mu is held here and in f.
func (n *Net) after(d time.Duration, f func()) *event {
	e := &event{n: n}
	if n.closed {
		e.done = true
		return e
	}
	if d <= 0 {
		e.done = true
		f()
		return e
	}
	n.events[e] = struct{}{}
	n.running.Add(1)
	e.t = time.AfterFunc(d, func() {
		defer n.running.Done()
		n.mu.Lock()
		defer n.mu.Unlock()
		if !e.done {
			e.done = true
			delete(n.events, e)
			f()
		}
	})
	return e
}

// stop makes sure that the event does not run any more. n.mu is held; a nil event is none.
func (e *event) stop() {
	if e == nil || e.done {
		return
	}
	e.done = true
	delete(e.n.events, e)
	if e.t.Stop() {
		e.n.running.Done()
	}
}
