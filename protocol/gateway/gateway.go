package gateway

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// Gateway is a running gateway. Its methods may be called from any goroutine.
type Gateway struct {
	cfg Config
	tls *tls.Config

	mu        sync.Mutex
	closed    bool
	listeners map[net.Listener]struct{}
	conns     map[*conn]struct{}
	logins    map[string]*login // by handle
	sessions  map[string]*session
	byAddr    map[netip.Addr]*session
	byHello   map[[helloLen]byte]*tunnel // by what a DTLS hello has as its session id
	outlets   map[*outlet]struct{}
	port      uint16 // where DTLS is served, 0 nowhere
	lastID    uint32
	passwords map[string]redact.Secret // that users have chosen since the start, by name
	refuse    time.Time                // connections are refused until then
	wrong     map[Stage]*Misdeed       // what the next answers are instead

	udp  udpState
	ways atomic.Pointer[map[netip.Addr]*tunnel] // by inside address, for the router: never changed, only replaced

	done    chan struct{}
	running sync.WaitGroup
}

// New returns a gateway that serves nothing yet. It owns cfg.Inside, also when it fails.
func New(cfg Config) (*Gateway, error) {
	if err := cfg.check(); err != nil {
		if cfg.Inside != nil {
			_ = cfg.Inside.Close()
		}
		return nil, err
	}
	g := &Gateway{
		cfg: cfg,
		tls: &tls.Config{
			Certificates: []tls.Certificate{cfg.Certificate}, MinVersion: tls.VersionTLS12,
			SessionTicketsDisabled: true, DynamicRecordSizingDisabled: true, // one frame per record: clients rely on it
		},
		listeners: map[net.Listener]struct{}{}, conns: map[*conn]struct{}{}, logins: map[string]*login{}, passwords: map[string]redact.Secret{},
		sessions: map[string]*session{}, byAddr: map[netip.Addr]*session{}, wrong: map[Stage]*Misdeed{}, done: make(chan struct{}),
		byHello: map[[helloLen]byte]*tunnel{}, outlets: map[*outlet]struct{}{},
	}
	g.ways.Store(&map[netip.Addr]*tunnel{})
	g.running.Go(g.route)
	return g, nil
}

// Serve accepts connections until the listener fails, Restart or Close; after the latter two it returns nil. It closes the listener. It may run for several
// listeners, and again after Restart.
func (g *Gateway) Serve(l net.Listener) error {
	defer func() { _ = l.Close() }()
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return net.ErrClosed
	}
	g.listeners[l] = struct{}{}
	g.mu.Unlock()
	for {
		raw, err := l.Accept()
		g.mu.Lock()
		_, ours := g.listeners[l]
		if err != nil || !ours {
			delete(g.listeners, l)
			g.mu.Unlock()
			if err == nil {
				_ = raw.Close()
			}
			if !ours {
				return nil
			}
			return err
		}
		if time.Now().Before(g.refuse) || len(g.conns) >= maxConns {
			g.mu.Unlock()
			_ = raw.Close()
			continue
		}
		c := &conn{g: g, valve: newValve(raw)}
		g.conns[c] = struct{}{}
		g.running.Go(c.serve)
		g.mu.Unlock()
	}
}

// Close ends everything and waits, but not for Serve and ServeDatagrams, which return. It returns the Inside's error.
func (g *Gateway) Close() error {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return nil
	}
	g.closed = true
	close(g.done)
	g.mu.Unlock()
	g.stopListening()
	g.RefuseUDP()
	g.DropConnections()
	err := g.cfg.Inside.Close()
	g.running.Wait()
	return err
}

// stopListening closes the listeners; Serve returns nil.
func (g *Gateway) stopListening() {
	g.mu.Lock()
	ls := g.listeners
	g.listeners = map[net.Listener]struct{}{}
	g.mu.Unlock()
	for l := range ls {
		_ = l.Close()
	}
}

// route finds the tunnel of each packet from the inside. It takes no lock, and copies nothing while all packets of a batch go the same way.
func (g *Gateway) route() {
	b, part := packet.New(packet.MaxBatch, maxDatagram), packet.New(packet.MaxBatch, maxDatagram)
	for {
		b.Reset()
		if err := g.cfg.Inside.Read(b); err != nil {
			return
		}
		ways := *g.ways.Load()
		for i := 0; i < b.Len(); {
			t, j := ways[target(b.Packet(i))], i+1
			for j < b.Len() && ways[target(b.Packet(j))] == t {
				j++
			}
			switch {
			case t == nil:
			case j-i == b.Len():
				t.deliver(b)
			default:
				part.Reset()
				for k := i; k < j; k++ {
					part.Append(b.Packet(k))
				}
				t.deliver(part)
			}
			i = j
		}
	}
}

// target is a packet's destination, the zero Addr when it is no packet.
func target(p []byte) netip.Addr {
	_, to, _ := endpoints(p)
	return to
}

// rewire makes the router's table anew. g.mu is held.
func (g *Gateway) rewire() {
	ways := map[netip.Addr]*tunnel{}
	for a, s := range g.byAddr {
		if s.tunnel != nil {
			ways[a] = s.tunnel
		}
	}
	g.ways.Store(&ways)
}

// conn is one connection of a client, until it ends or as long as its tunnel lives.
type conn struct {
	g     *Gateway
	valve *valve
	cork  *cstp.Cork
	tls   *tls.Conn
}

// serve runs the connection: handshake, requests, at last perhaps a tunnel.
func (c *conn) serve() {
	defer func() {
		_ = c.valve.Close()
		c.g.mu.Lock()
		delete(c.g.conns, c)
		c.g.mu.Unlock()
	}()
	c.cork = cstp.Wrap(c.valve)
	c.tls = tls.Server(c.cork, c.g.tls)
	_ = c.valve.SetDeadline(time.Now().Add(handshakeFor))
	if err := c.tls.Handshake(); err != nil {
		c.g.cfg.Log.Debug("handshake failed", "client", c.valve.RemoteAddr(), "err", err)
		return
	}
	limit := &io.LimitedReader{R: c.tls}
	r := bufio.NewReader(limit)
	for {
		_ = c.valve.SetDeadline(time.Now().Add(loginFor))
		limit.N = maxRequest
		q, err := http.ReadRequest(r)
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				c.g.cfg.Log.Debug("bad request", "client", c.valve.RemoteAddr(), "err", err)
			}
			return
		}
		if q.Method == http.MethodConnect {
			c.connect(q, r)
			return
		}
		body, err := io.ReadAll(q.Body)
		if err != nil || !c.answer(q, body) {
			break
		}
	}
	_ = c.tls.Close()
}
