package uplink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
)

const (
	serverTime = 2 * time.Second        // for one server to answer
	rounds     = 2                      // over the servers
	maxServers = 4                      // of those named
	udpSize    = 1232                   // bytes of an answer over UDP: fits every path without fragments
	otherTime  = 300 * time.Millisecond // for the second family, once the first has addresses
)

var (
	errNoName  = errors.New("uplink: there is no such name")
	errNoAddr  = errors.New("uplink: the name has no address of this family")
	errServers = errors.New("uplink: no name server answers")
)

// Lookup returns the addresses of host in the order they should be tried.
func (d *Dialer) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	return d.LookupOn(ctx, host, "")
}

// LookupOn is Lookup by way of one uplink, "" for any: the questions leave by it. It asks the same servers, those that the machine has now.
func (d *Dialer) LookupOn(ctx context.Context, host, ifName string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap()}, nil
	}
	if !valid(host) {
		return nil, fault.Newf(fault.NetNoName, nil, "%s", host)
	}
	if a := fromHosts(d.hosts, host); len(a) > 0 {
		return d.order(a, ifName), nil
	}
	servers, err := d.outside()
	if err != nil {
		return nil, fault.Newf(fault.NetSilent, err, "this machine has no name server")
	}
	addrs, err := d.resolve(ctx, dns.Fqdn(host), servers, ifName)
	switch {
	case len(addrs) > 0:
		return d.order(addrs, ifName), nil
	case errors.Is(err, errMark):
		return nil, classify(err, netip.AddrPortFrom(servers[0], d.port))
	case errors.Is(err, errNoName), errors.Is(err, errNoAddr):
		return nil, fault.Newf(fault.NetNoName, err, "%s", host)
	}
	return nil, fault.Newf(fault.NetSilent, err, "no name server answers for %s", host)
}

// outside lists the servers to ask: those that do not lie in the tunnel's own networks.
func (d *Dialer) outside() ([]netip.Addr, error) {
	servers, err := d.servers()
	if err != nil {
		return nil, err
	}
	inside := networks(platform.Interface)
	servers = slices.DeleteFunc(slices.Clone(servers), func(a netip.Addr) bool {
		return slices.ContainsFunc(inside, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
	})
	if len(servers) == 0 {
		return nil, errServers
	}
	return servers[:min(len(servers), maxServers)], nil
}

// networks lists the networks on an interface, none if there is no such interface.
func networks(name string) []netip.Prefix {
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return nil
	}
	addrs, err := ifi.Addrs()
	if err != nil {
		return nil
	}
	var out []netip.Prefix
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// resolve asks for both families at once. It returns what it got; the error is that of the family that says most, if nothing was got.
func (d *Dialer) resolve(ctx context.Context, name string, servers []netip.Addr, ifName string) ([]netip.Addr, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		addrs []netip.Addr
		err   error
	}
	answers := make(chan answer, 2)
	for _, qtype := range []uint16{dns.TypeAAAA, dns.TypeA} {
		go func() {
			a, err := d.ask(ctx, name, qtype, servers, ifName)
			answers <- answer{a, err}
		}()
	}
	first := <-answers
	if len(first.addrs) > 0 {
		patience := time.AfterFunc(otherTime, cancel)
		defer patience.Stop()
	}
	second := <-answers
	addrs := append(first.addrs, second.addrs...)
	if len(addrs) > 0 {
		return addrs, nil
	}
	// A name without addresses is known not to have them only if both families say so; silence of one leaves it open. NXDOMAIN speaks for both.
	for _, e := range []error{errMark, errNoName} {
		if errors.Is(first.err, e) || errors.Is(second.err, e) {
			return nil, e
		}
	}
	if errors.Is(first.err, errNoAddr) {
		return nil, second.err
	}
	return nil, first.err
}

// ask goes through the servers until one gives a definite answer.
func (d *Dialer) ask(ctx context.Context, name string, qtype uint16, servers []netip.Addr, ifName string) ([]netip.Addr, error) {
	failed := errServers
	for range rounds {
		for _, s := range servers {
			if ctx.Err() != nil {
				return nil, fmt.Errorf("%w: %w", failed, ctx.Err())
			}
			addrs, err := d.exchange(ctx, name, qtype, netip.AddrPortFrom(s, d.port), ifName)
			if err == nil || errors.Is(err, errNoName) || errors.Is(err, errNoAddr) || errors.Is(err, errMark) {
				return addrs, err
			}
			failed = fmt.Errorf("%w: %s: %w", errServers, s, err)
		}
	}
	return nil, failed
}

// exchange asks one server, over UDP and, if the answer does not fit, TCP.
func (d *Dialer) exchange(ctx context.Context, name string, qtype uint16, server netip.AddrPort, ifName string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, serverTime)
	defer cancel()
	q := new(dns.Msg)
	q.SetQuestion(name, qtype)
	q.SetEdns0(udpSize, false)
	m, err := d.roundTrip(ctx, "udp", q, server, ifName)
	if err == nil && m.Truncated {
		m, err = d.roundTrip(ctx, "tcp", q, server, ifName)
	}
	if err != nil {
		return nil, err
	}
	return read(m, name, qtype)
}

// roundTrip sends q and waits for the answer with its id. Unlike dns.Client it ends at once with ctx.
func (d *Dialer) roundTrip(ctx context.Context, network string, q *dns.Msg, server netip.AddrPort, ifName string) (*dns.Msg, error) {
	if server.Addr().Unmap().IsLoopback() {
		ifName = "" // on no uplink
	}
	via, err := find(0, ifName)
	if err != nil {
		return nil, err
	}
	c, err := d.dialer(via, 0).DialContext(ctx, network, server.String())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	dc := &dns.Conn{Conn: c, UDPSize: udpSize}
	if err := dc.WriteMsg(q); err != nil {
		return nil, err
	}
	for {
		m, err := dc.ReadMsg()
		if err != nil || m.Id == q.Id {
			return m, err
		}
	}
}

// read takes the addresses out of an answer.
func read(m *dns.Msg, name string, qtype uint16) ([]netip.Addr, error) {
	if !m.Response || len(m.Question) != 1 || m.Question[0].Qtype != qtype || !strings.EqualFold(m.Question[0].Name, name) {
		return nil, errors.New("uplink: the answer is to another question")
	}
	switch m.Rcode {
	case dns.RcodeSuccess:
	case dns.RcodeNameError:
		return nil, errNoName
	default:
		return nil, fmt.Errorf("uplink: the server says %s", dns.RcodeToString[m.Rcode])
	}
	var out []netip.Addr
	for hops := 0; hops <= 8; hops++ {
		alias := ""
		for _, rr := range m.Answer {
			if !strings.EqualFold(rr.Header().Name, name) {
				continue
			}
			switch rr := rr.(type) {
			case *dns.A:
				out = take(out, rr.A, qtype == dns.TypeA)
			case *dns.AAAA:
				out = take(out, rr.AAAA, qtype == dns.TypeAAAA)
			case *dns.CNAME:
				alias = rr.Target
			}
		}
		if len(out) > 0 || alias == "" {
			break
		}
		name = alias
	}
	if len(out) == 0 {
		return nil, errNoAddr
	}
	return out, nil
}

// take adds an address that can be one of a gateway.
func take(out []netip.Addr, ip net.IP, asked bool) []netip.Addr {
	a, ok := netip.AddrFromSlice(ip)
	a = a.Unmap()
	if !ok || !asked || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() || len(out) >= maxAddresses || slices.Contains(out, a) {
		return out
	}
	return append(out, a)
}

// valid reports whether s can be the name of a host: letters, digits, - and _ in labels of 1 to 63, 253 in all (RFC 1035 §2.3.4).
func valid(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if len(s) == 0 || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if len(label) == 0 || len(label) > 63 {
			return false
		}
		for _, c := range []byte(label) {
			if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	return true
}
