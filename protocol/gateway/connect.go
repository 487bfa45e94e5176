package gateway

import (
	"bufio"
	"crypto/tls"
	"net/http"
	"net/netip"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
	"github.com/holdfast-vpn/holdfast/protocol/strap"
)

// connect answers CONNECT and, when the token is good, runs the tunnel to its end. r holds what the client sent after the request's head.
func (c *conn) connect(q *http.Request, r *bufio.Reader) {
	if m := c.g.misdeed(StageConnect); m != nil && !c.misbehave(m) {
		return
	}
	req, err := cstp.ParseRequest(q)
	if err != nil {
		c.refuse(http.StatusNotFound, "")
		return
	}
	t := newTunnel(c)
	older, offer, status, reason := c.g.attach(t, req)
	if status != 0 {
		c.refuse(status, reason)
		return
	}
	if older != nil {
		// The client hears of it on the old connection, as with ocserv. The new one does not wait for that: the old path may be dead.
		c.g.running.Go(func() { older.say(cstp.TypeDisconnect, nil) })
	}
	if _, err := c.tls.Write(cstp.AppendResponse(nil, t.settings, req.BaseMTU, offer...)); err != nil {
		t.endChannels()
		c.g.detach(t, err)
		return
	}
	_ = c.valve.SetDeadline(time.Time{})
	c.g.detach(t, t.run(cstp.Residual(r)))
}

// refuse answers with a status and closes.
func (c *conn) refuse(status int, reason string) {
	_, _ = c.tls.Write(cstp.AppendRefusal(nil, status, reason))
	_ = c.tls.Close()
}

// attach makes t the tunnel of the session that the token names. older is the tunnel it replaces, offer what the client is told of DTLS. A status other than 0 is a refusal.
func (g *Gateway) attach(t *tunnel, req *cstp.Request) (older *tunnel, offer []protocol.Header, status int, reason string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expire()
	s := g.sessions[string(req.Token.Reveal())]
	if s == nil {
		return nil, nil, http.StatusUnauthorized, "Cookie is not acceptable"
	}
	if g.cfg.Bound && s.key != "" {
		next, err := strap.Check(s.key, t.conn.tls.ConnectionState(), req.Proof)
		if err != nil {
			s.refused++
			return nil, nil, http.StatusUnauthorized, "Session token is bound to another client"
		}
		s.key = next
	}
	if err := g.addresses(s); err != nil {
		s.refused++
		return nil, nil, http.StatusServiceUnavailable, "No address available for the connection"
	}
	var given []netip.Prefix
	for _, a := range s.addrs {
		if a.Addr().Is4() || req.IPv6 {
			given = append(given, a)
		}
	}
	if len(given) == 0 {
		s.refused++
		return nil, nil, http.StatusServiceUnavailable, "No address of a family that the client has"
	}
	set := g.cfg.Settings
	set.Addresses = given
	if req.MTU >= 576 {
		set.MTU = min(set.MTU, req.MTU)
	}
	if left, limited := g.left(s); limited {
		set.SessionTimeout = max(time.Second, left)
	}
	older = s.tunnel
	s.tunnel, s.since, s.client, s.host = t, time.Now(), t.conn.valve.RemoteAddr().String(), req.Hostname
	s.connects++
	t.session, t.settings, t.number = s, &set, s.tunnels.Add(1)
	cs := t.conn.tls.ConnectionState()
	t.cipher = tls.VersionName(cs.Version) + " " + tls.CipherSuiteName(cs.CipherSuite)
	if offer = t.offer(req, g.port); offer != nil {
		g.byHello[t.udp.id] = t
	}
	g.rewire()
	g.cfg.Log.Info("tunnel up", "session", s.id, "connect", s.connects)
	return older, offer, 0, ""
}

// detach ends the tunnel's part in its session. The error says whether the session ends too: a DISCONNECT for good does that, a loss does not.
func (g *Gateway) detach(t *tunnel, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := t.session
	g.cfg.Log.Info("tunnel down", "session", s.id, "why", err)
	if g.byHello[t.udp.id] == t {
		delete(g.byHello, t.udp.id)
	}
	if s.tunnel == t {
		s.tunnel, s.since = nil, time.Now()
		g.rewire()
	} else {
		return // a newer tunnel has the session: what the old one said does not count
	}
	if farewell(err) {
		g.forget(s, "the client ended it")
	}
}
