package netmon

import (
	"log/slog"
	"net/netip"
	"slices"
	"testing"

	"github.com/holdfast-vpn/holdfast/platform"
)

// The machine the test runs on, whatever it is: it can be looked at, and no uplink is ours or without an address.
func TestThisMachine(t *testing.T) {
	s, err := look()
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range s.Uplinks {
		if u.Name == platform.Interface || u.Index == 0 || len(u.Local) == 0 || slices.ContainsFunc(u.Local, func(a netip.Addr) bool { return a.Is4In6() }) {
			t.Errorf("%+v", u)
		}
	}
}

// It can be watched too, on every system, and that ends when it is told to.
func TestOpen(t *testing.T) {
	m, err := Open(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", m.Snapshot())
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	for range m.Changes() { // what was on its way, then the end
	}
}
