package native

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// The host of a machine of its own: whole, alone, and closed without a trace.
func TestHost(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	dir := t.TempDir()
	o := Options{StateDir: filepath.Join(dir, "state"), RuntimeDir: filepath.Join(dir, "run"), Log: slog.New(slog.DiscardHandler)}
	self := testenv.Self(t)
	before := testenv.Dump(t, self)
	for range 2 { // the second finds nothing of the first in its way
		h, err := Host(o)
		if err != nil {
			t.Fatal(err)
		}
		if h.Tun == nil || h.Router == nil || h.Resolver == nil || h.Firewall == nil || h.Monitor == nil || h.Power == nil || h.Dialer == nil || h.Clock == nil {
			t.Fatalf("something is missing: %+v", h)
		}
		if _, err := Host(o); fault.As(err).Code != fault.HostLocked {
			t.Errorf("a second host: %v", err)
		}
		elsewhere := Options{StateDir: filepath.Join(dir, "state2"), RuntimeDir: filepath.Join(dir, "run2"), Log: o.Log}
		if _, err := Host(elsewhere); fault.As(err).Code != fault.HostLocked {
			t.Errorf("a second host with other directories: %v", err)
		}
		if err := h.Undo(t.Context()); err != nil {
			t.Error(err)
		}
		dev, err := h.Tun.Open(t.Context(), 1400)
		if err != nil {
			t.Fatal(err)
		}
		if err := dev.Close(); err != nil {
			t.Error(err)
		}
		if err := h.Undo(t.Context()); err != nil {
			t.Error(err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
	if d := testenv.Diff(before, testenv.Dump(t, self)); d != "" {
		t.Errorf("left behind:\n%s", d)
	}
}
