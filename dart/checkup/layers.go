package checkup

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// smallPath is the MTU below which a tunnel's packets have less room than IPv6 must have inside (RFC 8200 section 5), TLS and TCP around them.
const smallPath = 1380

// greeting is what our first message of TLS has at least, with its headers: on a path of that MTU or less it fills a packet.
const greeting = 1500

// link blames the machine's own network where there is no interface in use or no way out of it.
func (o Observations) link() Layer {
	local := len(o.Paths) > 0
	for _, p := range o.Paths {
		local = local && p.Addr.Unmap().IsLoopback()
	}
	reached, _ := o.Best()
	switch {
	case local:
		return open(Link, "not needed: the gateway is on this machine")
	case o.Links.Unknown:
		return open(Link, "this machine does not tell")
	case len(o.Links.Up) == 0:
		return failed(Link, o.Links.Took, fault.New(fault.NetNoPath, nil))
	case o.Names.NoRoute:
		return failed(Link, o.Links.Took, fault.Newf(fault.NetNoRoute, nil, "not even to a name server"))
	case len(o.Paths) > 0 && reached.NoRoute:
		return failed(Link, o.Links.Took, reached.Refused)
	}
	return ok(Link, o.Links.Took, "%s", list(o.Links.Up, 3))
}

// portal looks for a network that answers in the gateway's place. A gateway that proved who it is, is the gateway. A redirect to another host is what portals do;
// a web page is one only where the gateway's port speaks no TLS: many gateways show a page of their own on port 80.
func (o Observations) portal() Layer {
	p, there := o.Best()
	switch {
	case p.believed():
		return ok(Portal, 0, "none: the gateway proved who it is")
	case !there:
		return open(Portal, "not looked at without an address")
	case o.NoWeb:
		return open(Portal, "not looked for: the profile says so")
	case !o.Web.Answered:
		return open(Portal, "port 80 does not answer: cannot tell")
	}
	if why := o.Web.Portal(); why != "" {
		return failed(Portal, o.Web.Took, fault.Newf(fault.NetPortal, nil, "%s", why))
	}
	if o.Web.Page && p.Refused == nil && !p.Secured {
		return failed(Portal, o.Web.Took, fault.Newf(fault.NetPortal, nil, "port 80 shows a web page and port %d speaks no TLS", o.Port))
	}
	return ok(Portal, o.Web.Took, "no sign of one on port 80")
}

// Portal says in which words the answer is a portal's, "" when it need not be. A page by itself is none: whether it is one depends on what else answers there.
func (w Web) Portal() string {
	switch {
	case w.Elsewhere != "":
		return "port 80 sends us to " + w.Elsewhere
	case w.SignIn, w.Status == 511: // Network Authentication Required (RFC 6585 section 6)
		return "port 80 says that the network wants a sign-in"
	}
	return ""
}

func (o Observations) dns() Layer {
	n := o.Names
	switch {
	case n.Fault == nil && n.Fixed != nil: // names resolve, and a session could not have its own resolved
		return failed(DNS, n.Took, n.Fixed)
	case n.Literal:
		return open(DNS, "not needed: the target is an address")
	case n.Fault != nil:
		l := failed(DNS, n.Took, n.Fault)
		if n.Fault.Code == fault.NetSilent { // whose sentence speaks of the gateway
			l.Detail = "no name server answers"
		}
		return l
	}
	l := ok(DNS, n.Took, "%s", list(texts(n.Addrs), 4))
	if n.By != "" {
		l.Detail += "; a session would use " + n.By
	}
	return l
}

// tcp is well when one address accepts; the others are named.
func (o Observations) tcp() Layer {
	p, there := o.Best()
	switch {
	case !there:
		return open(TCP, "not reached")
	case p.Refused != nil:
		return failed(TCP, p.Dialled, p.Refused)
	}
	l := ok(TCP, p.Dialled, "port %d of %s is open", o.Port, p.Addr)
	l.Detail += o.others(func(q Path) *fault.Error { return q.Refused })
	return l
}

func (o Observations) tls() Layer {
	p, there := o.Best()
	switch {
	case !there || p.Refused != nil:
		return open(TLS, "not reached")
	case !p.Secured:
		return failed(TLS, p.Handshake, p.TLS)
	}
	l := ok(TLS, p.Handshake, "%s", p.Cipher)
	if p.Cipher == "" { // a refused certificate ends the handshake before it has one
		l.Detail = "the gateway speaks it"
	}
	l.Detail += o.others(func(q Path) *fault.Error { return q.TLS })
	return l
}

func (o Observations) certificate() Layer {
	p, there := o.Best()
	switch {
	case !there || !p.Secured:
		return open(Certificate, "not reached")
	case p.Untrusted != nil:
		l := failed(Certificate, 0, p.Untrusted)
		if c := l.Code; p.Key != "" && (c == fault.TLSUntrusted || c == fault.TLSPin) { // where it is the key that people compare
			l.Detail += "; its key is " + p.Key
		}
		return l
	case o.Pinned:
		return ok(Certificate, 0, "its key is the one of the pin")
	}
	l := ok(Certificate, 0, "for %s, until %s", o.Host, p.NotAfter.UTC().Format(time.DateOnly))
	l.Detail += o.others(func(q Path) *fault.Error { return q.Untrusted })
	return l
}

// others tells how it went at addresses that are worse off than the best, so that a broken family does not hide behind the one that works.
func (o Observations) others(of func(Path) *fault.Error) string {
	s := ""
	for _, p := range o.Paths {
		if f := of(p); f != nil {
			s += "; " + p.Addr.String() + ": " + fault.Lookup(f.Code).Sentence
		}
	}
	return s
}

func (o Observations) gateway() Layer {
	h := o.Hello
	switch {
	case !h.Asked:
		return open(Gateway, "not asked: nothing is sent to a gateway that is not verified")
	case h.Fault != nil:
		return failed(Gateway, h.Took, h.Fault)
	case h.Elsewhere != "":
		return open(Gateway, "it sends us to %s", h.Elsewhere)
	}
	return ok(Gateway, h.Took, "it speaks AnyConnect; %s", h.Asks)
}

// udp never fails: a tunnel lives without it, and nobody but a session can tell silence from loss.
func (o Observations) udp() Layer {
	u := o.UDP
	switch {
	case !u.Sent:
		return open(UDP443, "not reached")
	case u.Refused != nil:
		l := open(UDP443, "refused on port %d: a tunnel would stay on TLS", o.Port)
		l.Code, l.TookMS = u.Refused.Code, u.Took.Milliseconds()
		return l
	case u.Answered:
		return ok(UDP443, u.Took, "port %d answers a DTLS greeting", o.Port)
	}
	return open(UDP443, "no answer, as usual without a session: cannot tell")
}

func (o Observations) mtu() Layer {
	p, there := o.Best()
	switch {
	case !there || p.Refused != nil:
		return open(MTU, "not reached")
	case p.Secured && p.Small:
		return failed(MTU, p.Handshake, fault.New(fault.NetSize, nil))
	case p.MTU == 0:
		return open(MTU, "this system does not say")
	case !p.Secured:
		return open(MTU, "%d bytes as far as this machine knows", p.MTU)
	case p.MTU < smallPath:
		return ok(MTU, 0, "%d bytes, which is little: the tunnel's packets get smaller", p.MTU)
	case p.MTU > greeting:
		return ok(MTU, 0, "%d bytes", p.MTU)
	}
	return ok(MTU, 0, "%d bytes, and a full packet got there", p.MTU)
}

// clock blames this machine where its time makes the certificate invalid and something says that the certificate is right: the gateway's own clock, or a
// certificate that would not be valid yet, which nobody installs.
func (o Observations) clock() Layer {
	p, _ := o.Best()
	date := o.Hello.Date
	if date.IsZero() {
		date = o.Web.Date
	}
	within := !date.Before(p.NotBefore) && !date.After(p.NotAfter)
	wrong := func(why string) Layer {
		return failed(Clock, 0, fault.Newf(fault.HostClock, nil, "it says %s, %s", minute(o.Now), why))
	}
	switch {
	case p.Untrusted != nil && p.Untrusted.Code == fault.TLSExpired:
		switch {
		case !date.IsZero() && within:
			return wrong("the gateway " + minute(date))
		case date.IsZero() && o.Now.Before(p.NotBefore):
			return wrong("and the certificate begins " + minute(p.NotBefore))
		case date.IsZero():
			return open(Clock, "it says %s; the gateway does not tell the time", minute(o.Now))
		}
	case date.IsZero() && p.believed() && !o.Pinned:
		return ok(Clock, 0, "within the certificate's dates")
	case date.IsZero():
		return open(Clock, "nothing to compare it with")
	}
	if off := o.Now.Sub(date).Abs(); off > drift {
		return ok(Clock, 0, "%s off the gateway's, which does no harm here", strings.TrimSuffix(off.Round(time.Minute).String(), "0s"))
	}
	return ok(Clock, 0, "agrees with the gateway's")
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

func texts(addrs []netip.Addr) []string {
	var out []string
	for _, a := range addrs {
		out = append(out, a.String())
	}
	return out
}

// list joins the first n.
func list(all []string, n int) string {
	if len(all) <= n {
		return strings.Join(all, ", ")
	}
	return strings.Join(all[:n], ", ") + " and " + strconv.Itoa(len(all)-n) + " more"
}
