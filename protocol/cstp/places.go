package cstp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"
)

const (
	// maxPlaces bounds the memory; the one that was met longest ago makes room.
	maxPlaces = 32
	// placeTime is how long a place is remembered that is not met again.
	placeTime = 24 * time.Hour
	// doubtTime is how long a suspicion counts that nobody has measured.
	doubtTime = 10 * time.Minute
)

// guesses are what a path may carry that is suspected of carrying less than it says: what IPv6 has everywhere (RFC 8200 section 5), and less.
var guesses = [...]int{1280, 1006, 642}

// places is what was learned of the networks that a Connector's tunnels have crossed: a hint for the next tunnel there, proven anew by it.
//
// It is kept in memory alone and forgotten with the process. A place is the pair of our address and the gateway's, under a hash whose key is made at the start: whoever
// gets hold of the memory learns no list of networks from it.
type places struct {
	mu    sync.Mutex
	key   [32]byte
	known map[[16]byte]*place
}

// place is one such network. Its fields are the places' mutex's.
type place struct {
	all      *places
	met      time.Time
	failures int       // of DTLS in a row, without one that has held
	why      why       // the last of them
	since    time.Time // since when they have all been for that reason
	failedAt time.Time // when that was
	answers  int       // for how many seconds DTLS has answered since, on trial
	path     int       // the longest outer packet that passes, bytes, where longer ones were found not to; 0: as the system says
	was      int       // what had passed, or was expected to, before that
	proven   time.Time // when path was last measured, be it 0; zero: never
	doubts   int       // how many of the guesses at what a TCP connection may send were too much, the first being full size; 0: full size is all right
	doubted  time.Time // when the last of them was
}

// at is what is known of the way between two addresses.
func (p *places) at(local, gateway netip.Addr) *place {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.known == nil {
		_, _ = rand.Read(p.key[:])
		p.known = map[[16]byte]*place{}
	}
	h := hmac.New(sha256.New, p.key[:])
	for _, a := range []netip.Addr{local.WithZone(""), gateway} {
		b := a.As16()
		h.Write(b[:])
	}
	id := [16]byte(h.Sum(nil))
	pl := p.known[id]
	if pl == nil || now.Sub(pl.met) > placeTime {
		pl = &place{all: p}
		p.known[id] = pl
	}
	pl.met = now
	p.forget(now)
	return pl
}

// forget drops what is too old or too much. p.mu is held.
func (p *places) forget(now time.Time) {
	for len(p.known) > 0 {
		var oldest [16]byte
		first := true
		for id, pl := range p.known {
			if first || pl.met.Before(p.known[oldest].met) {
				oldest, first = id, false
			}
		}
		if len(p.known) <= maxPlaces && now.Sub(p.known[oldest].met) <= placeTime {
			return
		}
		delete(p.known, oldest)
	}
}

// failed counts a failure of DTLS and returns how many there are in a row, and since when they have been of this kind.
func (pl *place) failed(not why) (failures int, since time.Time) {
	pl.all.mu.Lock()
	defer pl.all.mu.Unlock()
	now := time.Now()
	if pl.failures == 0 || pl.why.code != not.code {
		pl.since = now
	}
	pl.failures, pl.why, pl.failedAt, pl.answers = pl.failures+1, not, now, 0
	return pl.failures, pl.since
}

// held ends the row: DTLS has worked for long enough to be trusted.
func (pl *place) held() {
	pl.all.mu.Lock()
	defer pl.all.mu.Unlock()
	pl.failures, pl.why, pl.since = 0, why{}, time.Time{}
}

// record is the row of failures so far, what the last one was, and since when they have been of its kind.
func (pl *place) record() (failures int, last why, since time.Time) {
	pl.all.mu.Lock()
	defer pl.all.mu.Unlock()
	return pl.failures, pl.why, pl.since
}

// answered notes that DTLS on trial has answered for another second.
func (pl *place) answered() {
	pl.all.mu.Lock()
	defer pl.all.mu.Unlock()
	pl.answers++
}

// onTrial reports whether DTLS has to answer for longer before it is used again: the longer the more often it failed, and over more than one tunnel if need be.
func (pl *place) onTrial() bool {
	pl.all.mu.Lock()
	defer pl.all.mu.Unlock()
	return pl.answers < min(pl.failures, retries)-1
}

// ago is how long ago the last failure was.
func (pl *place) ago() time.Duration {
	pl.all.mu.Lock()
	defer pl.all.mu.Unlock()
	return time.Since(pl.failedAt)
}

// narrow notes the longest outer packet that was found to pass, of was bytes that were asked for, and reports whether that is news.
func (pl *place) narrow(path, was int) (news bool) {
	pl.all.mu.Lock()
	defer pl.all.mu.Unlock()
	news = pl.path == 0 || path < pl.path
	pl.path, pl.was, pl.proven = path, max(was, pl.was), time.Now()
	return news
}

// passed notes that outer packets of that length pass.
func (pl *place) passed(size int) {
	pl.all.mu.Lock()
	defer pl.all.mu.Unlock()
	pl.proven = time.Now()
	if size > pl.path {
		pl.path, pl.was, pl.doubts = 0, 0, 0
	}
}

// doubt notes, or takes back, that long packets by TLS may be what is not answered. What was measured is better than such a guess.
func (pl *place) doubt(on bool) {
	pl.all.mu.Lock()
	defer pl.all.mu.Unlock()
	switch {
	case !on && pl.doubts == 1:
		pl.doubts = 0
	case on && pl.path == 0 && !pl.doubtful():
		pl.doubts, pl.doubted = 1, time.Now()
	}
}

// doubtful reports whether there is a doubt that still counts. The mutex is held.
func (pl *place) doubtful() bool { return pl.doubts > 0 && time.Since(pl.doubted) < doubtTime }

// stuck notes that a gateway that was there did not get its greeting through, whose packets are long, within a limit; 0 was none.
func (pl *place) stuck(limit int) {
	pl.all.mu.Lock()
	defer pl.all.mu.Unlock()
	for i, guess := range guesses {
		if limit == 0 || guess < limit {
			pl.doubts, pl.doubted = i+1, time.Now()
			return
		}
	}
}

// limit is the longest outer packet that a TCP connection should send and ask for; 0 as the system has it.
func (pl *place) limit() int {
	pl.all.mu.Lock()
	defer pl.all.mu.Unlock()
	switch {
	case !pl.doubtful():
		return pl.path
	case pl.path == 0:
		return guesses[pl.doubts-1]
	}
	return min(pl.path, guesses[pl.doubts-1])
}

// measured is the longest outer packet that passes, 0 as the system has it, and what had passed before that was found. at is when that was, zero for never.
func (pl *place) measured() (path, was int, at time.Time) {
	pl.all.mu.Lock()
	defer pl.all.mu.Unlock()
	return pl.path, pl.was, pl.proven
}

// base is what the gateway is told of the path, of which the system says mtu. It takes IPv6 away from a session whose packets by DTLS would be too short for it, and
// by TLS they need not be: with an inside address of IPv6 it is told of enough for that.
func (pl *place) base(mtu int, inside []netip.Prefix) int {
	path, _, _ := pl.measured()
	if path == 0 || path >= mtu {
		return mtu
	}
	for _, a := range inside {
		if a.Addr().Is6() {
			return max(path, min(mtu, minMTU6+outerOverhead))
		}
	}
	return path
}
