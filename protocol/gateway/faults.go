package gateway

import (
	"net/netip"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/cstp"
)

// Stage is where in a conversation a gateway misbehaves.
type Stage uint8

const (
	StageLogin   Stage = iota + 1 // requests before the tunnel
	StageConnect                  // CONNECT
	StageProfile                  // the fetch of the client profile
	StageSignIn                   // the pages at which people sign in
	StageSeal                     // the token that a sign-in hands over: whatever the Kind, it is sealed to a key that nobody has
)

// Kind is a wrong answer.
type Kind uint8

const (
	Late         Kind = iota // the right answer, after Delay
	Unavailable              // 503 with X-Reason
	Unauthorized             // 401, although the session is there
	Garbage                  // bytes that are no HTTP
	HTML                     // a web page, as a portal shows; for a profile, a document that is not the one announced
	Endless                  // a body that does not end
)

// Misdeed is what a gateway does instead of answering as it should.
type Misdeed struct {
	Kind   Kind
	Delay  time.Duration // before the answer, whatever its kind
	Reason string        // of Unavailable
	Times  int           // how many requests; 0 is all until the next Misbehave
}

// Misbehave makes the gateway answer wrongly from now on; nil ends that.
func (g *Gateway) Misbehave(at Stage, m *Misdeed) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.wrong, at)
	if m != nil {
		own := *m
		g.wrong[at] = &own
	}
}

// misdeed is what this request gets, nil for the right answer.
func (g *Gateway) misdeed(at Stage) *Misdeed {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.wrong[at]
	if m == nil {
		return nil
	}
	own := *m
	if m.Times > 0 {
		if m.Times--; m.Times == 0 {
			delete(g.wrong, at)
		}
	}
	return &own
}

// DropConnections closes every connection without a word. Sessions are kept.
func (g *Gateway) DropConnections() {
	g.mu.Lock()
	conns := make([]*conn, 0, len(g.conns))
	for c := range g.conns {
		conns = append(conns, c)
	}
	g.mu.Unlock()
	for _, c := range conns {
		_ = c.valve.Close()
	}
}

// Refuse closes new connections as soon as they are accepted, for a time. Those that exist stay.
func (g *Gateway) Refuse(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refuse = time.Now().Add(d)
}

// Restart closes the listeners and UDP sockets, so that the ports refuse, and all connections. Serve and ServeDatagrams return nil; the gateway is back when they are called again. keep says whether sessions
// survive, as they do where another process holds them.
func (g *Gateway) Restart(keep bool) {
	g.stopListening()
	g.RefuseUDP()
	g.mu.Lock()
	clear(g.logins)
	if !keep {
		clear(g.sessions)
		g.byAddr = map[netip.Addr]*session{}
		g.rewire()
	}
	g.mu.Unlock()
	g.DropConnections()
}

// Hang makes every tunnel that exists go dumb: its connection and DTLS channel stay, what the client sends is taken, and nothing comes back, not even an answer to
// DPD. New connections work.
func (g *Gateway) Hang() {
	g.HangDTLS()
	g.HangTLS()
}

// HangTLS makes the TLS connection of every tunnel go dumb, and leaves its DTLS as it is.
func (g *Gateway) HangTLS() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.sessions {
		if s.tunnel != nil {
			s.tunnel.conn.valve.hung.Store(true)
		}
	}
}

// Revoke forgets the session of that number and drops its tunnel: its token gets 401 from now on. It reports whether there was one.
func (g *Gateway) Revoke(id uint32) bool {
	s := g.byID(id)
	g.end(s, "revoked")
	return s != nil
}

// Renumber gives every session other inside addresses from its next CONNECT on. The tunnels that are there go on with those they have.
func (g *Gateway) Renumber() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.sessions {
		s.renumber = len(s.addrs) > 0
	}
}

// Kick ends the session of that number as an administrator does at an ocserv: the client gets an empty DISCONNECT. It reports whether there was one.
func (g *Gateway) Kick(id uint32) bool {
	s := g.byID(id)
	if s == nil {
		return false
	}
	g.mu.Lock()
	g.forget(s, "kicked")
	t := s.tunnel
	g.mu.Unlock()
	if t != nil {
		t.say(cstp.TypeDisconnect, nil)
	}
	return true
}

func (g *Gateway) byID(id uint32) *session {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.sessions {
		if s.id == id {
			return s
		}
	}
	return nil
}
