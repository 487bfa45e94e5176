package gateway

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// session is the parent of tunnels: what a token stands for. Its counters are atomic, all else is under the gateway's mutex.
type session struct {
	id          uint32
	token       string
	user, group string
	key         string // that has to sign the next CONNECT; "" when the client announced none
	begun       time.Time
	addrs       []netip.Prefix // given at the first CONNECT, kept to the end
	renumber    bool           // but others at the next one
	client      string         // outer address of the last tunnel
	host        string         // what the client calls itself
	tunnel      *tunnel        // nil while inactive
	since       time.Time      // of the tunnel, or of the inactivity
	connects    int
	refused     int          // how often the token was presented and could not be taken
	tunnels     atomic.Int32 // of all kinds that there were, the parent included
	rechannels  atomic.Int32 // of DTLS, beyond the first of an SSL tunnel
	rx, tx      counter
}

// parentNumber is the parent's among the session's tunnels.
const parentNumber = 1

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

func (c *counter) value() Counter {
	return Counter{c.packets.Load(), c.bytes.Load(), c.drops.Load()}
}

// newSession makes a session with a token of the shape an ASA's have.
func (g *Gateway) newSession(user, group, key string) *session {
	var b [25]byte
	_, _ = rand.Read(b[:])
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expire()
	g.lastID += 1 + binary.BigEndian.Uint32(b[:])%7
	s := &session{id: g.lastID, user: user, group: group, key: key, begun: time.Now(), since: time.Now()}
	s.tunnels.Store(parentNumber)
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
	if len(s.addrs) > 0 && !s.renumber {
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
	for _, a := range s.addrs {
		delete(g.byAddr, a.Addr())
	}
	s.addrs, s.renumber = got, false
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
