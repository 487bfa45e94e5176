package cstp

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/login"
	"github.com/holdfast-vpn/holdfast/protocol/patience"
)

// stallTime is how long a gateway that took a connection may owe its greeting before that is taken for a sign of a narrow path.
const stallTime = time.Second

// Connector makes CSTP tunnels.
type Connector struct {
	Dialer protocol.Dialer
	Login  login.Options
	Log    *slog.Logger
	Offer  func() ResumeOffer // of DTLS by resumption; nil: NewResumeOffer
	// Patience wakes tunnels from long waits; nil: the runtime does.
	Patience *patience.Clock

	hellos login.Hellos
	places places
	others strangers
}

var _ protocol.Connector = (*Connector)(nil)

// options are the login's, with a Cork below TLS.
func (c *Connector) options() login.Options {
	o := c.Login
	if o.Hellos == nil {
		o.Hellos = &c.hellos
	}
	below := o.Wrap
	o.Wrap = func(conn net.Conn) net.Conn {
		if below != nil {
			conn = below(conn)
		}
		return Wrap(conn)
	}
	return o
}

// Open logs in and sends CONNECT on the connection the login ended on; when the gateway closed that meanwhile, on a fresh one. A banner that comes only now is
// asked through p like any other.
func (c *Connector) Open(ctx context.Context, t protocol.Target, p protocol.Prompter) (protocol.Tunnel, error) {
	o := c.options()
	w, watched := p.(protocol.Watcher)
	if watched {
		o.Answered, o.Waiting = w.Answered, w.Waiting
	}
	res, err := login.Run(ctx, c.Dialer, t, p, o)
	if err != nil {
		return nil, err
	}
	if watched {
		w.LoggedIn()
	}
	ref := protocol.SessionRef{Target: res.Target, Token: res.Token, Gateway: res.Gateway, LeafKey: res.LeafKey, Key: res.Key}
	if res.User != "" {
		ref.Target.User = res.User
	}
	if res.Group != "" {
		ref.Target.Group = res.Group
	}
	conn := res.Conn
	var tun *Tunnel
	if conn != nil {
		tun, err = c.connect(ctx, conn, ref, protocol.Path{})
	}
	if conn == nil || err != nil && fault.As(err).Code == fault.NetLost && ctx.Err() == nil {
		if conn, err = login.DialSession(ctx, c.Dialer, ref, protocol.Path{}, o); err != nil {
			return nil, err
		}
		tun, err = c.connect(ctx, conn, ref, protocol.Path{})
	}
	if err != nil {
		return nil, err
	}
	addConfig(tun.settings, &res.Config)
	if err := askBanner(ctx, tun.settings.Banner, res.Accepted, p); err != nil {
		_ = tun.Close(protocol.CloseUser)
		return nil, err
	}
	if tun.settings.Banner == "" {
		tun.udp.change(func(s *protocol.Settings) { s.Banner = res.Banner })
	}
	return tun, nil
}

// askBanner asks for a banner that was not asked before. Texts are the same when their words are: servers wrap lines differently in XML and in a header.
func askBanner(ctx context.Context, banner string, accepted []string, p protocol.Prompter) error {
	words := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	if banner == "" || slices.ContainsFunc(accepted, func(a string) bool { return words(a) == words(banner) }) {
		return nil
	}
	a, err := p.Ask(ctx, protocol.Form{Kind: protocol.FormBanner, Message: banner})
	if err == nil && !a.Accept {
		err = fault.New(fault.PolBanner, nil)
	}
	return err
}

// Reach makes a verified connection and sends nothing on it. Where a gateway that took the connection owes its greeting until ctx ends, the next one over that path has
// shorter segments: the greeting's are long.
func (c *Connector) Reach(ctx context.Context, s protocol.SessionRef, via protocol.Path) (protocol.Reached, error) {
	o := c.options()
	o.Avoid = c.others.avoid(s)
	if !via.Local.IsValid() {
		conn, err := login.DialSession(ctx, c.Dialer, s, via, o)
		if err != nil {
			return nil, err
		}
		return &reached{conn: conn, path: via}, nil
	}
	at := c.places.at(via.Local, s.Gateway.Addr())
	via.MTU = at.limit()
	var taken atomic.Pointer[time.Time]
	wrap := o.Wrap
	o.Wrap = func(raw net.Conn) net.Conn {
		now := time.Now()
		taken.CompareAndSwap(nil, &now)
		return wrap(raw)
	}
	conn, err := login.DialSession(ctx, c.Dialer, s, via, o)
	if err != nil {
		if t := taken.Load(); t != nil && ctx.Err() != nil && time.Since(*t) >= stallTime {
			at.stuck(via.MTU)
		}
		return nil, err
	}
	return &reached{conn: conn, path: via}, nil
}

// Resume sends CONNECT with the token. Whatever answers it that is not a gateway's word on the session (GW-002) or settings nobody can use (GW-003) is Retryable:
// this path, or this moment, is not the gateway. NET-006 when ctx ended.
func (c *Connector) Resume(ctx context.Context, s protocol.SessionRef, r protocol.Reached) (protocol.Tunnel, error) {
	at, ok := r.(*reached)
	if !ok {
		_ = r.Close()
		return nil, fault.New(fault.Internal, nil)
	}
	tun, err := c.connect(ctx, at.conn, s, at.path)
	if err == nil {
		return tun, nil
	}
	if ctx.Err() != nil {
		return nil, fault.New(fault.NetTimeout, ctx.Err())
	}
	f := *fault.As(err)
	switch {
	case f.Code == fault.GwSession && c.others.doubt(s, at.conn.Gateway.Addr(), at.path):
		return nil, fault.Newf(fault.NetLost, &f, "the gateway at %s does not know the session, which was made at %s", at.conn.Gateway.Addr(), s.Gateway.Addr())
	case f.Code != fault.GwSession && f.Code != fault.GwSettings:
		f.Kind = fault.Retryable
	}
	return nil, &f
}

// reached is a verified connection.
type reached struct {
	conn *login.Conn
	path protocol.Path
}

func (r *reached) Path() protocol.Path { return r.path }
func (r *reached) RTT() time.Duration  { return r.conn.RTT }
func (r *reached) Close() error        { return r.conn.Close() }

// connect makes a tunnel of a verified connection. It takes the connection over. via is the way the connection took, and datagrams will take.
func (c *Connector) connect(ctx context.Context, conn *login.Conn, ref protocol.SessionRef, via protocol.Path) (*Tunnel, error) {
	cork, ok := conn.Raw.(*Cork)
	if !ok {
		_ = conn.Close()
		return nil, fault.New(fault.Internal, nil)
	}
	at := c.places.at(localAddr(cork.Conn), conn.Gateway.Addr())
	base := at.base(pathMTU(cork.Conn), ref.Prior)
	secrets, dial, not := c.prospect(conn, via)
	req := &Request{
		Host: hostHeader(ref.Target), UserAgent: c.Login.UserAgent, Token: ref.Token, Hostname: ref.Target.Hostname,
		BaseMTU: base, MTU: max(minMTU, base-outerOverhead), IPv6: true, DTLS: !secrets.psk.Empty(), Resume: secrets.resume,
	}
	if req.UserAgent == "" {
		req.UserAgent = login.DefaultUserAgent
	}
	if !ref.Key.Empty() {
		var err error
		if req.Proof, err = ref.Key.Prove(conn.TLS.ConnectionState()); err != nil {
			c.log().Warn("cstp: CONNECT goes unsigned", "err", err) // most gateways do not look
		}
	}
	for _, p := range ref.Prior {
		req.Prior = append(req.Prior, p.Addr())
	}
	resp, residual, err := exchange(ctx, conn.TLS, req)
	if err != nil {
		err = conn.Explain(err)
	} else {
		err = accepted(resp)
	}
	var set *protocol.Settings
	if err == nil {
		set, err = resp.Settings()
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	set.Gateway, set.Local, set.Cipher, set.User, set.Group = conn.Gateway, localAddr(cork.Conn), conn.Cipher, ref.Target.User, ref.Target.Group
	ref.Gateway, ref.Prior, ref.DynDNS = conn.Gateway, set.Addresses, set.DynDNS
	c.log().Info("cstp: tunnel open", "gateway", conn.Gateway, "mtu", set.MTU, "dpd", set.DPD, "keepalive", set.Keepalive, "rekey", set.RekeyMethod)
	udp := newDatagrams(NewStream(conn.TLS, cork, residual), set, c.log(), not, at)
	udp.patience = c.Patience
	if dial != nil {
		udp.ready(resp, ref.MTU, secrets, dial, conn.RTT)
	}
	return newTunnel(udp, cork.Conn, ref, conn.RTT, c.log()), nil
}

// localAddr is the connection's own address, as an interface has it; the zero Addr when it is no IP address.
func localAddr(c net.Conn) netip.Addr {
	a, err := netip.ParseAddrPort(c.LocalAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap().WithZone("")
}

func (c *Connector) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}

// hostHeader is the gateway's name, with its port unless that is 443.
func hostHeader(t protocol.Target) string {
	if t.Port == 0 || t.Port == 443 {
		if a, err := netip.ParseAddr(t.Host); err == nil && a.Is6() {
			return "[" + t.Host + "]"
		}
		return t.Host
	}
	return net.JoinHostPort(t.Host, strconv.Itoa(int(t.Port)))
}
