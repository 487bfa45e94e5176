package inside

import (
	"net/netip"

	"github.com/miekg/dns"
)

// ttl is how long answers may be kept, in seconds: short, for a rehearsal.
const ttl = 5

// dns serves the zone over UDP and TCP.
func (n *Network) dns(at netip.Addr) error {
	pc, err := n.stack.ListenUDP(netip.AddrPortFrom(at, 53))
	if err != nil {
		return err
	}
	n.keep(pc)
	l, err := n.stack.ListenTCP(netip.AddrPortFrom(at, 53))
	if err != nil {
		return err
	}
	n.keep(l)
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(n.answer(q)) })
	n.running.Go(func() { _ = (&dns.Server{PacketConn: pc, Handler: handler}).ActivateAndServe() })
	n.running.Go(func() { _ = (&dns.Server{Listener: l, Handler: handler}).ActivateAndServe() })
	return nil
}

// answer looks the question up: the addresses of the family asked for, nothing for a name that has none of it, NXDOMAIN for a name outside the zone.
func (n *Network) answer(q *dns.Msg) *dns.Msg {
	r := new(dns.Msg).SetReply(q)
	r.Authoritative = true
	if len(q.Question) != 1 || q.Opcode != dns.OpcodeQuery {
		r.Rcode = dns.RcodeNotImplemented
		return r
	}
	name := q.Question[0].Name
	addrs, ok := n.zone[dns.CanonicalName(name)]
	if !ok {
		r.Rcode = dns.RcodeNameError
		return r
	}
	for _, a := range addrs {
		switch {
		case a.Is4() && q.Question[0].Qtype == dns.TypeA:
			r.Answer = append(r.Answer, &dns.A{Hdr: header(name, dns.TypeA), A: a.AsSlice()})
		case a.Is6() && q.Question[0].Qtype == dns.TypeAAAA:
			r.Answer = append(r.Answer, &dns.AAAA{Hdr: header(name, dns.TypeAAAA), AAAA: a.AsSlice()})
		}
	}
	return r
}

func header(name string, kind uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: ttl}
}
