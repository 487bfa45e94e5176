package agent

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/profile"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// over reports whether c is closed once everything has settled.
func over(c <-chan struct{}) bool {
	synctest.Wait()
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// TestSleepEndsTheSession: where the profile wants it so, the machine waits until the gateway and the host have been told, and no longer than a disconnect takes.
func TestSleepEndsTheSession(t *testing.T) {
	for name, tt := range map[string]struct{ goodbye, wait time.Duration }{
		"at once":               {0, 0},
		"after the goodbye":     {time.Second, time.Second},
		"before a deaf gateway": {10 * time.Second, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := storeOf(t, `<AutoReconnect>true</AutoReconnect>`, "") // silent: as with Cisco's client
				w := newWire()
				w.goodbye = tt.goodbye
				r := start(t, &scripted{open: opens(w), reach: reaches})
				r.cfg.Profiles = func() *profile.Store { return store }
				r.connect(alice, "Head Office")
				r.want("connected")
				ready := r.m.Suspend()
				if tt.wait > 0 {
					time.Sleep(tt.wait - time.Millisecond)
					if over(ready) {
						t.Error("the machine sleeps, and the session is not ended")
					}
					time.Sleep(time.Millisecond)
				}
				if !over(ready) {
					t.Error("the machine is kept awake")
				}
				r.want("disconnected")
				if !r.m.Clean() {
					t.Error("the host is not as it was")
				}
				r.m.Sleep(time.Hour)
				r.m.Wake()
				r.want("disconnected")
				time.Sleep(tt.goodbye)
				if !over(w.closed) || w.reason != protocol.CloseUser {
					t.Errorf("the gateway was told %v", w.reason)
				}
				if err := r.stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestSleepKeepsTheSession: otherwise nothing is sent before sleep, and on waking the search begins at once, and once, whoever says first that the machine woke.
func TestSleepKeepsTheSession(t *testing.T) {
	elsewhere := platform.NetSnapshot{Uplinks: []platform.Uplink{{Index: 2, Name: "wlan0", Local: addrs("203.0.113.9"), NextHop: addrs("203.0.113.1")}}}
	for name, tt := range map[string]struct {
		wake    func(*running)
		resumed int
	}{
		"told":                      {func(r *running) { r.m.Sleep(time.Hour); r.m.Wake() }, 1},
		"too short for the clocks":  {func(r *running) { r.m.Sleep(time.Second); r.m.Wake() }, 1},
		"the network came first":    {func(r *running) { r.m.Sleep(time.Hour); r.m.SetNetwork(elsewhere); synctest.Wait(); r.m.Wake() }, 1},
		"never told of the waking":  {func(r *running) { r.m.Sleep(time.Hour); time.Sleep(watchTime) }, 1},
		"the sleep that never came": {func(*running) { time.Sleep(time.Minute) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWire()
				var tries atomic.Int64
				r := start(t, &scripted{open: opens(w), reach: func(ctx context.Context, ref protocol.SessionRef, via protocol.Path) (protocol.Reached, error) {
					tries.Add(1)
					return reaches(ctx, ref, via)
				}, resume: func(context.Context, protocol.SessionRef, protocol.Reached) (protocol.Tunnel, error) {
					return newWire(), nil
				}})
				r.connect(alice, "vpn.example.com")
				r.want("connected")
				if !over(r.m.Suspend()) {
					t.Error("the machine is kept awake")
				}
				r.want("connected")
				if !w.asleep.Load() {
					t.Error("the tunnel was not told")
				}
				if n := tries.Load(); n != 0 || over(w.closed) {
					t.Errorf("before sleep: %d tries, closed %v", n, over(w.closed))
				}
				tt.wake(r)
				r.want("connected")
				if w.asleep.Load() {
					t.Error("the tunnel was not woken")
				}
				if resumed, reason := r.resumed(); resumed != tt.resumed || resumed > 0 && (tries.Load() == 0 || reason != machine.ReasonResume.String()) {
					t.Errorf("resumed %d times, for %q, %d tries", resumed, reason, tries.Load())
				}
				if err := r.stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// resumed counts the wakings in the timeline. The reason is that of the last.
func (r *running) resumed() (n int, reason string) {
	list, err := r.Timeline(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range list {
		if e.Entry.Event == machine.EvResumed.String() {
			n, reason = n+1, e.Entry.Reason
		}
	}
	return n, reason
}

// TestSleepWithoutASession keeps nobody awake, whatever the phase.
func TestSleepWithoutASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &scripted{open: asksPassword(newWire())})
		for _, state := range []string{"disconnected", "authenticating"} {
			r.want(state)
			if !over(r.m.Suspend()) {
				t.Errorf("%s: the machine is kept awake", state)
			}
			r.m.Wake()
			r.want(state)
			if state == "disconnected" {
				r.connect(alice, "vpn.example.com")
			}
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}
