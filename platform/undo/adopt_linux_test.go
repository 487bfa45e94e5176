package undo_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/dns"
	"github.com/holdfast-vpn/holdfast/platform/firewall"
	"github.com/holdfast-vpn/holdfast/platform/router"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
	"github.com/holdfast-vpn/holdfast/platform/tunif"
	"github.com/holdfast-vpn/holdfast/platform/undo"
	"github.com/holdfast-vpn/holdfast/platform/uplink"
)

// up makes the host what a session wants, or finds that it is that already, and leaves it so.
func up(j *undo.Journal) error {
	ctx, log := context.Background(), slog.New(slog.DiscardHandler)
	device, err := tunif.New(j, log, nil).Open(ctx, 1400)
	if err != nil {
		return err
	}
	f, r, d := firewall.New(j, log, router.Local), router.New(j, log), dns.New(j, log, uplink.New(nil))
	err = errors.Join(
		f.Set(ctx, platform.FilterConfig{Device: device.Name(), Caught: prefixes("0.0.0.0/0 ::/0"), Direct: prefixes("203.0.113.0/24")}),
		r.Set(ctx, platform.RouteConfig{Name: device.Name(), Index: device.Index(), MTU: 1390, Addresses: prefixes("10.9.0.5/32 2001:db8:9::5/128"),
			Include: prefixes("0.0.0.0/0 ::/0"), Exclude: prefixes("203.0.113.0/24")}),
		d.Set(ctx, platform.DNSConfig{Name: device.Name(), Index: device.Index(), Servers: addrs("10.9.0.1 2001:db8:9::1"), Search: []string{"corp.example"}, All: true}))
	device.(platform.Lasting).Leave()
	return errors.Join(err, d.Close(), device.Close())
}

// TestTakenOverAtEveryStep kills a process at every step of setting a session up, and the one that takes over from it at every step of that: the next one always makes of it what
// one that was not disturbed would have made, and everything can be taken back.
func TestTakenOverAtEveryStep(t *testing.T) {
	for _, c := range resolvConfs {
		switch c.name {
		case "file", "systemd-resolved", "resolvconf": // one of each kind
		default:
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if !testenv.Namespace(t) {
				return
			}
			testenv.Require(t, "tun")
			self := home(t)
			c.make(t)
			before := testenv.Dump(t, self)
			whole := func() {
				t.Helper()
				if killed, at := die(t, "up", 0); killed {
					t.Fatalf("killed at %q", at)
				}
			}
			whole()
			want := testenv.Standing(testenv.Dump(t, self))
			steps := 0
			for step := 1; ; step++ {
				again, at := die(t, "up", step)
				if !again {
					break
				}
				whole()
				if d := testenv.Diff(want, testenv.Standing(testenv.Dump(t, self))); d != "" {
					t.Fatalf("killed at step %d of taking over, %q:\n%s", step, at, d)
				}
				steps++
			}
			if steps == 0 {
				t.Error("taking over has no steps")
			}
			for step := 1; ; step++ {
				recoverAll(t)
				killed, at := die(t, "up", step)
				if !killed {
					break
				}
				_, atAgain := die(t, "up", 1+step%4)
				whole()
				if d := testenv.Diff(want, testenv.Standing(testenv.Dump(t, self))); d != "" {
					t.Fatalf("killed at step %d, %q, and then at %q:\n%s", step, at, atAgain, d)
				}
				steps++
			}
			t.Logf("killed at %d steps", steps)
			recoverAll(t)
			if d := testenv.Diff(before, testenv.Dump(t, self)); d != "" {
				t.Errorf("after everything was taken back:\n%s", d)
			}
		})
	}
}
