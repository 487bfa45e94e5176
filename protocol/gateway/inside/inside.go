package inside

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/holdfast-vpn/holdfast/protocol/gateway"
	"github.com/holdfast-vpn/holdfast/protocol/netstack"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// Config says what the network is.
type Config struct {
	MTU       int            // 1400 when 0
	Addresses []netip.Prefix // of the servers, with the length of their network
	Zone      map[string][]netip.Addr
}

// Network is a network with servers. It is a gateway.Inside.
type Network struct {
	stack *netstack.Stack
	zone  map[string][]netip.Addr

	mu      sync.Mutex
	closers []io.Closer
	conns   map[net.Conn]struct{}
	closed  bool
	running sync.WaitGroup
}

var _ gateway.Inside = (*Network)(nil)

// New starts the servers.
func New(cfg Config) (*Network, error) {
	if cfg.MTU == 0 {
		cfg.MTU = 1400
	}
	s, err := netstack.New(cfg.MTU)
	if err != nil {
		return nil, err
	}
	n := &Network{stack: s, zone: map[string][]netip.Addr{}, conns: map[net.Conn]struct{}{}}
	for name, addrs := range cfg.Zone {
		n.zone[dns.CanonicalName(name)] = addrs
	}
	if err := errors.Join(s.SetAddresses(cfg.Addresses), n.start(cfg.Addresses)); err != nil {
		_ = n.Close()
		return nil, fmt.Errorf("inside: %w", err)
	}
	return n, nil
}

// Stack is the network's own stack, for more servers and for dialling clients.
func (n *Network) Stack() *netstack.Stack { return n.stack }

// Read takes packets to clients from the stack.
func (n *Network) Read(b *packet.Batch) error {
	k, err := n.stack.Read(b.Bufs, b.Sizes, packet.Headroom)
	b.SetLen(k)
	return err
}

// Write hands packets from a client to the stack.
func (n *Network) Write(b *packet.Batch) error {
	bufs := make([][]byte, b.Len())
	for i := range bufs {
		bufs[i] = b.WithHeader(i, packet.Headroom)
	}
	_, err := n.stack.Write(bufs, packet.Headroom)
	return err
}

// Close ends all servers and the stack, and waits.
func (n *Network) Close() error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return nil
	}
	n.closed = true
	closers := n.closers
	for c := range n.conns {
		closers = append(closers, c)
	}
	n.mu.Unlock()
	for _, c := range closers {
		_ = c.Close()
	}
	err := n.stack.Close()
	n.running.Wait()
	return err
}

// start starts the servers at each address.
func (n *Network) start(addrs []netip.Prefix) error {
	var errs []error
	for _, a := range addrs {
		at := a.Addr()
		errs = append(errs,
			n.tcp(at, 7, func(c net.Conn) { _, _ = io.Copy(c, c) }),
			n.tcp(at, 9, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }),
			n.tcp(at, 19, func(c net.Conn) { _, _ = io.Copy(c, endless{}) }),
			n.http(at), n.udpEcho(at), n.dns(at),
		)
	}
	return errors.Join(errs...)
}

// keep remembers what Close must close.
func (n *Network) keep(c io.Closer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closers = append(n.closers, c)
}

// tcp serves a port, each connection in a goroutine.
func (n *Network) tcp(at netip.Addr, port uint16, serve func(net.Conn)) error {
	l, err := n.stack.ListenTCP(netip.AddrPortFrom(at, port))
	if err != nil {
		return err
	}
	n.keep(l)
	n.running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n.mu.Lock()
			if n.closed {
				n.mu.Unlock()
				_ = c.Close()
				return
			}
			n.conns[c] = struct{}{}
			n.running.Go(func() {
				serve(c)
				_ = c.Close()
				n.mu.Lock()
				delete(n.conns, c)
				n.mu.Unlock()
			})
			n.mu.Unlock()
		}
	})
	return nil
}

// udpEcho returns datagrams.
func (n *Network) udpEcho(at netip.Addr) error {
	c, err := n.stack.ListenUDP(netip.AddrPortFrom(at, 7))
	if err != nil {
		return err
	}
	n.keep(c)
	n.running.Go(func() {
		b := make([]byte, 65535)
		for {
			k, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = c.WriteTo(b[:k], from)
		}
	})
	return nil
}

// maxBody is the longest page and the longest body that is echoed.
const maxBody = 1 << 30

// http serves the pages.
func (n *Network) http(at netip.Addr) error {
	l, err := n.stack.ListenTCP(netip.AddrPortFrom(at, 80))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, q *http.Request) {
		_, _ = fmt.Fprintf(w, "You are %s, inside.\n", q.RemoteAddr)
	})
	mux.HandleFunc("GET /bytes/{n}", func(w http.ResponseWriter, q *http.Request) {
		size, err := strconv.ParseInt(q.PathValue("n"), 10, 64)
		if err != nil || size < 0 || size > maxBody {
			http.Error(w, "how many?", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		_, _ = io.CopyN(w, endless{}, size)
	})
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(w, io.LimitReader(q.Body, maxBody))
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	n.keep(server)
	n.running.Go(func() { _ = server.Serve(l) })
	return nil
}

// endless is a text without an end.
type endless struct{}

const sentence = "All that is sent comes through. "

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = sentence[i%len(sentence)]
	}
	return len(b), nil
}
