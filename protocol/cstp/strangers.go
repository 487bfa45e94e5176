package cstp

import (
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol"
)

const (
	// strangerTime is how long an address that does not know a session is left alone. Where it still is the only one that answers after that, its word counts.
	strangerTime = time.Minute
	// outageTime is how long a refusal is remembered: a later one belongs to another outage.
	outageTime   = 5 * time.Minute
	maxStrangers = 64
)

// strangers are other gateways behind the addresses of one name. Behind a name with several addresses often stand several machines, and each knows its own sessions only: that
// one of them refuses a token says nothing while the session's own is merely out of reach for a moment.
type strangers struct {
	mu  sync.Mutex
	met map[stranger]time.Time
}

type stranger struct {
	session [sha256.Size]byte
	at      netip.Addr
}

// doubt reports whether a refusal of the session's token at an address is to be put aside for now: it was made elsewhere, and there it could be asked by this path, too.
func (s *strangers) doubt(ref protocol.SessionRef, at netip.Addr, via protocol.Path) bool {
	home := ref.Gateway.Addr().Unmap()
	at = at.Unmap()
	if at == home || via.Local.IsValid() && via.Local.Unmap().Is4() != home.Is4() {
		return false
	}
	k, now := stranger{sha256.Sum256(ref.Token.Reveal()), at}, time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if since, ok := s.met[k]; ok && now.Sub(since) >= strangerTime && now.Sub(since) < outageTime {
		delete(s.met, k)
		return false
	}
	if s.met == nil || len(s.met) >= maxStrangers {
		s.met = map[stranger]time.Time{}
	}
	s.met[k] = now
	return true
}

// avoid reports the addresses that a session leaves alone.
func (s *strangers) avoid(ref protocol.SessionRef) func(netip.Addr) bool {
	session := sha256.Sum256(ref.Token.Reveal())
	return func(a netip.Addr) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		since, ok := s.met[stranger{session, a.Unmap()}]
		return ok && time.Since(since) < strangerTime
	}
}
