package forward

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/holdfast-vpn/holdfast/platform"
)

// Addr is where it listens: an address of 127.0.0.0/8 that nobody else has by habit.
var Addr = netip.MustParseAddr("127.72.70.53")

const (
	port       = 53
	maxPending = 512
	maxStreams = 64
	serverTime = 2 * time.Second // for one server to answer
	wholeTime  = 8 * time.Second // for all of them: stub resolvers wait 5 s and ask again
	idleTime   = 10 * time.Second
)

// Server is a running forwarder.
type Server struct {
	out    platform.Dialer
	udp    *net.UDPConn
	tcp    *net.TCPListener
	port   uint16 // of the servers
	cancel context.CancelFunc
	wg     sync.WaitGroup
	slots  chan struct{} // questions under way

	mu    sync.RWMutex
	rules Rules
}

// Listen starts a forwarder at Addr. Outside servers are asked by out, whose sockets never enter the tunnel.
func Listen(out platform.Dialer, r Rules) (*Server, error) {
	return listen(netip.AddrPortFrom(Addr, port), port, out, r)
}

func listen(at netip.AddrPort, servers uint16, out platform.Dialer, r Rules) (*Server, error) {
	udp, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, err
	}
	tcp, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(udp.LocalAddr().(*net.UDPAddr).AddrPort()))
	if err != nil {
		return nil, errors.Join(err, udp.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{out: out, udp: udp, tcp: tcp, port: servers, cancel: cancel, slots: make(chan struct{}, maxPending), rules: r}
	s.wg.Go(func() { s.serveUDP(ctx) })
	s.wg.Go(func() { s.serveTCP(ctx) })
	return s, nil
}

// SetRules changes who is asked, from the next question on.
func (s *Server) SetRules(r Rules) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = r
}

// Close ends it and waits; questions under way are not answered.
func (s *Server) Close() error {
	s.cancel()
	err := errors.Join(s.udp.Close(), s.tcp.Close())
	s.wg.Wait()
	return err
}

func (s *Server) serveUDP(ctx context.Context) {
	b := make([]byte, maxMessage)
	for {
		n, from, err := s.udp.ReadFromUDPAddrPort(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error of an answer that nobody waited for
		}
		select {
		case s.slots <- struct{}{}:
		default:
			continue
		}
		query := append([]byte(nil), b[:n]...)
		s.wg.Go(func() {
			defer func() { <-s.slots }()
			if answer := s.answer(ctx, "udp", query); answer != nil && ctx.Err() == nil {
				_, _ = s.udp.WriteToUDPAddrPort(answer, from)
			}
		})
	}
}

func (s *Server) serveTCP(ctx context.Context) {
	streams := make(chan struct{}, maxStreams)
	for {
		c, err := s.tcp.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			pause(ctx, 100*time.Millisecond) // out of descriptors
			continue
		}
		select {
		case streams <- struct{}{}:
		default:
			_ = c.Close()
			continue
		}
		s.wg.Go(func() {
			defer func() { <-streams }()
			s.stream(ctx, c)
		})
	}
}

// stream answers the questions of one connection, each behind its length (RFC 1035 §4.2.2).
func (s *Server) stream(ctx context.Context, c net.Conn) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	for ctx.Err() == nil {
		_ = c.SetDeadline(time.Now().Add(idleTime))
		query, err := readFramed(c)
		if err != nil {
			return
		}
		answer := s.answer(ctx, "tcp", query)
		if answer == nil || writeFramed(c, answer) != nil {
			return
		}
	}
}

func readFramed(r io.Reader) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}

func writeFramed(w io.Writer, b []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
	return err
}

// answer asks the right servers in their order until one answers; nil means that the query deserves no answer.
func (s *Server) answer(ctx context.Context, network string, query []byte) []byte {
	q, err := question(query)
	switch {
	case errors.Is(err, errNoMessage):
		return nil
	case err != nil:
		return failure(query, dns.RcodeRefused)
	}
	s.mu.RLock()
	r := s.rules
	s.mu.RUnlock()
	ctx, cancel := context.WithTimeout(ctx, wholeTime)
	defer cancel()
	inside := r.inside(q.Name)
	servers := r.Inside
	if !inside {
		servers = r.Outside()
	}
	var refusal []byte
	for _, server := range servers {
		got, err := s.exchange(ctx, network, netip.AddrPortFrom(server, s.port), inside, query, q)
		if err != nil {
			continue
		}
		if rcode := got[3] & 0xf; rcode != dns.RcodeServerFailure && rcode != dns.RcodeRefused {
			return got
		}
		refusal = got // another server may know better
	}
	if refusal != nil {
		return refusal
	}
	return failure(query, dns.RcodeServerFailure)
}

// exchange asks one server by a socket of its own.
func (s *Server) exchange(ctx context.Context, network string, server netip.AddrPort, inside bool, query []byte, q dns.Question) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, serverTime)
	defer cancel()
	c, err := s.dial(ctx, network, server, inside)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	id := dns.Id()
	ask := append([]byte(nil), query...)
	setID(ask, id)
	if network == "tcp" {
		if err := writeFramed(c, ask); err != nil {
			return nil, err
		}
	} else if _, err := c.Write(ask); err != nil {
		return nil, err
	}
	for {
		got, err := read(c, network)
		if err != nil {
			return nil, err
		}
		if answers(got, id, q) {
			setID(got, binary.BigEndian.Uint16(query))
			return got, nil
		}
	}
}

// read reads one message.
func read(c net.Conn, network string) ([]byte, error) {
	if network == "tcp" {
		return readFramed(c)
	}
	b := buffers.Get().(*[maxMessage]byte)
	defer buffers.Put(b)
	n, err := c.Read(b[:])
	return slices.Clone(b[:n]), err
}

var buffers = sync.Pool{New: func() any { return new([maxMessage]byte) }}

// dial opens the way: the routes lead to inside servers, the uplink's dialer past them.
func (s *Server) dial(ctx context.Context, network string, server netip.AddrPort, inside bool) (net.Conn, error) {
	switch {
	case inside:
		var d net.Dialer
		return d.DialContext(ctx, network, server.String())
	case network == "tcp":
		return s.out.DialTCP(ctx, server, 0, "", netip.Addr{})
	}
	return s.out.DialUDP(ctx, server, 0, "", netip.Addr{})
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
