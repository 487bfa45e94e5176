package clock

import (
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/platform"
)

var _ platform.Clock = System{}

// Both clocks go forward, and at the same pace while nobody sleeps.
func TestNow(t *testing.T) {
	m1, b1 := System{}.Now()
	time.Sleep(50 * time.Millisecond) // the system's clocks are what is tested: there is no bubble they stand still in
	m2, b2 := System{}.Now()
	const step = 16 * time.Millisecond // of the coarsest
	if m1 <= 0 || m2-m1 < 49*time.Millisecond || b2-b1 < 50*time.Millisecond-step {
		t.Errorf("mono %v then %v, boot %v then %v", m1, m2, b1, b2)
	}
	if apart := (b2 - b1) - (m2 - m1); apart.Abs() > time.Second {
		t.Errorf("the clocks are %v apart after 50 ms", apart)
	}
}
