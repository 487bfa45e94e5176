package resume

import "time"

const (
	firstWait = 500 * time.Millisecond
	longest   = 60 * time.Second // RFC 6347 section 4.2.4.1
)

// timer says when a flight is sent again.
type timer struct {
	wait, due time.Duration // due 0: it does not run
}

// start begins with the shortest wait.
func (t *timer) start(now time.Duration) { *t = timer{firstWait, now + firstWait} }

// expired reports whether it is time, and begins the next wait, twice as long.
func (t *timer) expired(now time.Duration) bool {
	if t.due == 0 || now < t.due {
		return false
	}
	t.wait = min(2*t.wait, longest)
	t.due = now + t.wait
	return true
}
