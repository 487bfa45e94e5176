package agent

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/agent/portal"
	"github.com/holdfast-vpn/holdfast/dart/checkup"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/login"
)

const (
	maxLooks = 2           // addresses of a gateway that are asked in plain HTTP
	askTime  = time.Second // for one of them: a portal is near
)

// search is one look for a captive portal.
type search struct {
	dialer  protocol.Dialer
	via     protocol.Path
	host    string
	gateway netip.Addr // that worked; the zero Addr before a login
	page    bool       // a page by itself is a portal's
}

// startLook sees whether a captive portal answers in the gateway's place on a path. A session's gateway is asked at the address that worked, any other at
// those of its name.
func (l *loop) startLook(fx machine.Effect) {
	ctx := l.begin(fx.Attempt)
	ev := machine.Event{Kind: machine.EvLooked, Attempt: fx.Attempt, Path: fx.Path}
	s := search{dialer: l.cfg.Dialer, via: outer(fx.Path)}
	var hints []string
	switch c, ref := l.status.conn, l.res.ref; {
	case ref != nil:
		s.host, s.gateway, s.page = ref.Target.Host, ref.Gateway.Addr().Unmap(), impostor(fx.Fault.Code)
		if g := l.status.settings; g != nil && g.TunnelAll {
			hints = append(hints, "this tunnel takes all traffic, the sign-in page's too: if no page comes up, run holdfast disconnect, sign in, and connect again")
		}
	case c != nil && fx.Server >= 0 && fx.Server < len(c.servers):
		s.host, s.page = c.servers[fx.Server].Host, speaksNoTLS(fx.Fault.Code)
	}
	l.work(ev, func() report {
		found, evidence := s.run(ctx)
		if !found {
			ev.Evidence = evidence
			return report{ev: ev}
		}
		return failed(ev, fault.Newf(fault.NetPortal, nil, "%s", evidence).Hint(hints...))
	})
}

// run asks until somebody answers. It says what was seen.
func (s search) run(ctx context.Context) (found bool, evidence string) {
	if s.host == "" {
		return false, "no gateway to look for"
	}
	if s.gateway.IsLoopback() {
		return false, "the gateway is on this machine"
	}
	if s.gateway.IsValid() {
		if found, evidence = s.ask(ctx, s.gateway, s.page); found || evidence != "" {
			return found, evidence
		}
		return s.askLiar(ctx)
	}
	addrs, err := s.dialer.Lookup(ctx, s.host)
	if err != nil {
		return false, "no address to look at"
	}
	for _, a := range addrs[:min(len(addrs), maxLooks)] {
		if a.IsLoopback() {
			continue
		}
		if found, evidence = s.ask(ctx, a, s.page); found || evidence != "" {
			return found, evidence
		}
	}
	return false, "port 80 does not answer"
}

// ask looks at one address. No evidence means that nothing answered.
func (s search) ask(ctx context.Context, at netip.Addr, page bool) (found bool, evidence string) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	dial := func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		return s.dialer.DialTCP(ctx, to, s.via)
	}
	w := portal.Probe{Dial: dial, Host: s.host, Agent: login.DefaultUserAgent}.Look(ctx, at)
	return verdict(w, at, page)
}

// verdict puts what answered in words.
func verdict(w checkup.Web, at netip.Addr, page bool) (found bool, evidence string) {
	why := w.Portal()
	switch {
	case !w.Answered:
		return false, ""
	case why != "":
		return true, fmt.Sprintf("%s: %s", at, why)
	case w.Page && page:
		return true, fmt.Sprintf("%s: port 80 shows a web page, and port 443 is not the gateway", at)
	}
	return false, fmt.Sprintf("%s: port 80 answers %d, which is no sign of a sign-in page", at, w.Status)
}

// askLiar asks the address that this network's name server gives for the gateway, where that is a lie.
func (s search) askLiar(ctx context.Context) (found bool, evidence string) {
	if _, err := netip.ParseAddr(s.host); err == nil {
		return false, "port 80 does not answer"
	}
	addrs, err := s.dialer.Lookup(ctx, s.host)
	if err != nil {
		return false, "port 80 does not answer, nor does a name server"
	}
	for _, a := range portal.Hijacked(s.gateway, addrs) {
		if found, why := s.ask(ctx, a, true); found {
			return true, fmt.Sprintf("the name server gives %s for the gateway; %s", a, why)
		}
	}
	return false, "port 80 does not answer"
}

// impostor reports the fault of somebody who answered a session's gateway's port and is not the gateway, which was there before.
func impostor(c fault.Code) bool {
	return slices.Contains([]fault.Code{fault.TLSUntrusted, fault.TLSName, fault.TLSExpired, fault.TLSPin, fault.TLSChanged, fault.TLSHandshake, fault.NetNotVPN, fault.NetMalformed, fault.NetTooMuch}, c)
}

// speaksNoTLS reports the fault of a port that takes connections and is no TLS server: a certificate that is not trusted may be the gateway's own.
func speaksNoTLS(c fault.Code) bool { return c == fault.TLSHandshake || c == fault.NetNotVPN }
