package login

import (
	"bufio"
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/strap"
)

// Examine makes a connected socket a Conn as Dial would, for a caller that looks at the layers one by one. leaf is the certificate that was shown, also where it
// was refused; nil where none was. It takes over conn: on error it is closed. Errors are Dial's.
func Examine(ctx context.Context, conn net.Conn, at netip.AddrPort, host string, trust protocol.Trust) (c *Conn, leaf *x509.Certificate, err error) {
	v, err := newVerifier(host, trust, nil)
	if err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	c, err = v.upgrade(ctx, connected{to: at, conn: conn}, Options{})
	if err != nil {
		return nil, v.leaf, netFault(ctx, err, fault.NetLost, fault.NetSilent)
	}
	return c, v.leaf, nil
}

// Greeting is what a gateway answered to the first request of a login.
type Greeting struct {
	Asks      string    // what it wants next, in plain words: a form, a client certificate
	Elsewhere string    // host[:port]/path that it sends us to; "" when it answers itself
	Date      time.Time // its clock by the header Date, zero when it has none
}

// Greet sends the first request of a login on c, and the older one where the gateway knows no other, and answers nothing: no name, no password, no group. It
// follows no redirect. It takes over c and closes it.
// The error is a *fault.Error that says why what answers is no gateway (NET-009 and others) or cannot serve (GW-001).
func Greet(ctx context.Context, c *Conn, t protocol.Target, o Options) (Greeting, error) {
	t.User, t.Group = "", ""
	keys, err := strap.New()
	if err != nil {
		_ = c.Close()
		return Greeting{}, fault.New(fault.Internal, err)
	}
	conv := NewConversation(t)
	conv.Bind(keys) // as a login does: the gateway may ask something else without
	l := &link{opts: o, keys: keys, conn: c, at: conv.at, fresh: true, gateway: c.Gateway, leaf: c.LeafKey}
	l.limit = io.LimitedReader{R: c.TLS}
	l.in = bufio.NewReader(&l.limit)
	defer l.close()
	act, err := conv.Start()
	if err != nil {
		return Greeting{}, err
	}
	r, err := l.do(ctx, conv.Target(), act.Send)
	switch {
	case err != nil && fault.As(err).Code == fault.AuthCertNeeded:
		return Greeting{Asks: asksCertificate}, nil
	case err != nil:
		return Greeting{}, fault.As(err)
	}
	defer r.wipe()
	var g Greeting
	if at, err := http.ParseTime(r.Date); err == nil {
		g.Date = at
	}
	before := conv.at
	if act, err = conv.Reply(r); err == nil && conv.older && !conv.spoke && l.conn != nil && conv.at == before {
		if r, err = l.do(ctx, conv.Target(), act.Send); err != nil {
			return g, fault.As(err)
		}
		defer r.wipe()
		act, err = conv.Reply(r)
	}
	switch f := fault.As(err); {
	case err == nil && conv.older && !conv.spoke && conv.at == before: // it closed the connection on what it did not know
		return g, fault.Newf(fault.NetNotVPN, nil, "it does not know the request")
	case err == nil && !conv.spoke: // a redirect, whose query may hold anything
		path, _, _ := strings.Cut(conv.at.path, "?")
		g.Elsewhere = conv.at.authority() + path
	case err == nil && conv.resp.CertRequest, err != nil && f.Code == fault.AuthCertNeeded:
		g.Asks = asksCertificate
	case err == nil:
		g.Asks = asks(act)
	case conv.spoke && (f.Code == fault.AuthUnsupported || f.Code == fault.AuthRefused):
		g.Asks = "it asks for " + f.Detail
		if f.Code == fault.AuthRefused {
			g.Asks = "it says: " + f.Detail
		}
	case f.Code == fault.AuthRefused: // 401 or 403 before a word of this protocol: no login was tried
		return g, fault.Newf(fault.NetHTTPRefused, err, "%s", f.Detail)
	default:
		return g, f
	}
	return g, nil
}

const asksCertificate = "it asks for a client certificate"

// asks says what a gateway wants next.
func asks(act Action) string {
	switch {
	case act.Ask == nil:
		return "it goes on without a question"
	case act.Ask.Kind == protocol.FormBanner:
		return "it shows a banner first"
	case act.Ask.Kind == protocol.FormBrowser:
		return "it asks for a sign-in in a browser at " + act.Ask.Browser.Host
	}
	return "it asks for a login"
}
