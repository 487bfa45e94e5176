package gateway

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// session is the parent of tunnels: what a token stands for. Its counters are atomic, all else is under the gateway's mutex.
type session struct {
	id          uint32
	token       string
	user, group string
	begun       time.Time
	addrs       []netip.Prefix // given at the first CONNECT, kept to the end
	client      string         // outer address of the last tunnel
	host        string         // what the client calls itself
	tunnel      *tunnel        // nil while inactive
	since       time.Time      // of the tunnel, or of the inactivity
	connects    int
	rx, tx      counter
}

// counter counts one direction.
type counter struct{ packets, bytes, drops atomic.Uint64 }

func (c *counter) addVolume(packets, bytes uint64) {
	c.packets.Add(packets)
	c.bytes.Add(bytes)
}

func (c *counter) addBatch(b *packet.Batch) { c.addVolume(volume(b)) }

// volume is what a batch holds.
func volume(b *packet.Batch) (packets, bytes uint64) {
	for i := range b.Len() {
		bytes += uint64(b.Sizes[i])
	}
	return uint64(b.Len()), bytes
}

// Counter is one direction of a session: Drops are packets that found no room or had a foreign source.
type Counter struct{ Packets, Bytes, Drops uint64 }

func (c *counter) value() Counter {
	return Counter{c.packets.Load(), c.bytes.Load(), c.drops.Load()}
}

// Session is what administrators see of a session. Rx is from the client.
type Session struct {
	ID         uint32
	User       string
	Group      string
	Client     string // outer address and port of the last tunnel
	Hostname   string
	Addresses  []netip.Prefix
	Active     bool
	Transport  string    // what packets to the client go by: dtls, tls, "" when not active
	Begun      time.Time // of the login
	Since      time.Time // of the tunnel when active, of its loss when not
	Reconnects int
	Rx, Tx     Counter
}

// String is the session's counter line.
func (s Session) String() string {
	state := "inactive"
	if s.Active {
		state = "active"
	}
	addrs := make([]string, len(s.Addresses))
	for i, a := range s.Addresses {
		addrs[i] = a.Addr().String()
	}
	return fmt.Sprintf("session %d user=%s group=%s state=%s transport=%s address=%s client=%s reconnects=%d rx=%d/%dB tx=%d/%dB drops=%d",
		s.ID, s.User, cmp.Or(s.Group, "-"), state, cmp.Or(s.Transport, "-"), cmp.Or(strings.Join(addrs, ","), "-"), cmp.Or(s.Client, "-"), s.Reconnects,
		s.Rx.Packets, s.Rx.Bytes, s.Tx.Packets, s.Tx.Bytes, s.Rx.Drops+s.Tx.Drops)
}

// Sessions lists the sessions by number.
func (g *Gateway) Sessions() []Session {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expire()
	list := make([]Session, 0, len(g.sessions))
	for _, s := range g.sessions {
		list = append(list, Session{
			ID: s.id, User: s.user, Group: s.group, Client: s.client, Hostname: s.host, Addresses: slices.Clone(s.addrs), Active: s.tunnel != nil, Transport: s.tunnel.transport(),
			Begun: s.begun, Since: s.since, Reconnects: max(0, s.connects-1), Rx: s.rx.value(), Tx: s.tx.value(),
		})
	}
	slices.SortFunc(list, func(a, b Session) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// newSession makes a session with a token of the shape an ASA's have.
func (g *Gateway) newSession(user, group string) *session {
	var b [25]byte
	_, _ = rand.Read(b[:])
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expire()
	g.lastID += 1 + binary.BigEndian.Uint32(b[:])%7
	s := &session{id: g.lastID, user: user, group: group, begun: time.Now(), since: time.Now()}
	s.token = fmt.Sprintf("%X@%d@%X@%X", b[:3], s.id, b[3:5], b[5:])
	g.sessions[s.token] = s
	g.cfg.Log.Info("session begun", "session", s.id)
	return s
}

// expire forgets sessions whose time is over. A session without a tunnel has the disconnected timeout; one with a tunnel is its control's affair. g.mu is held.
func (g *Gateway) expire() {
	for _, s := range g.sessions {
		if s.tunnel != nil {
			continue
		}
		if lost := g.cfg.Settings.DisconnectedTimeout; lost > 0 && time.Since(s.since) >= lost {
			g.forget(s, "disconnected timeout")
		} else if left, limited := g.left(s); limited && left <= 0 {
			g.forget(s, "session timeout")
		}
	}
}

// left is what remains of the session's time, if it is limited.
func (g *Gateway) left(s *session) (time.Duration, bool) {
	limit := g.cfg.Settings.SessionTimeout
	return limit - time.Since(s.begun), limit > 0
}

// forget takes a session out of the tables and frees its addresses. g.mu is held.
func (g *Gateway) forget(s *session, why string) {
	if g.sessions[s.token] != s {
		return
	}
	delete(g.sessions, s.token)
	for _, a := range s.addrs {
		delete(g.byAddr, a.Addr())
	}
	g.rewire()
	g.cfg.Log.Info("session ended", "session", s.id, "why", why)
}

// end forgets a session and closes its tunnel without a word. A nil session is none.
func (g *Gateway) end(s *session, why string) {
	if s == nil {
		return
	}
	g.mu.Lock()
	g.forget(s, why)
	t := s.tunnel
	g.mu.Unlock()
	if t != nil {
		t.drop()
	}
}

// errNoAddress says that a pool is used up.
var errNoAddress = errors.New("no address available")

// addresses gives the session an address of each pool, once. g.mu is held.
func (g *Gateway) addresses(s *session) error {
	if len(s.addrs) > 0 {
		return nil
	}
	var got []netip.Prefix
	for _, pool := range g.cfg.Pools {
		a, ok := g.free(pool)
		if !ok {
			return errNoAddress
		}
		got = append(got, a)
	}
	s.addrs = got
	for _, a := range got {
		g.byAddr[a.Addr()] = s
	}
	return nil
}

// free finds the lowest address of a pool that nobody has: not the network's, not the gateway's (the first), not IPv4's last. g.mu is held.
func (g *Gateway) free(pool netip.Prefix) (netip.Prefix, bool) {
	a := pool.Masked().Addr().Next().Next()
	for ; pool.Contains(a); a = a.Next() {
		if a.Is4() && !pool.Contains(a.Next()) {
			break
		}
		if g.byAddr[a] == nil {
			return netip.PrefixFrom(a, pool.Bits()), true
		}
	}
	return netip.Prefix{}, false
}
