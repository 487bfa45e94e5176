package ipc

import (
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// TestImpair: root's text goes to the agent as it is, and only a short one does; the session's owner gets nowhere.
func TestImpair(t *testing.T) {
	a := &agent{state: State{State: "connected"}, owner: alice.ID()}
	m, _ := serve(t, a)
	got, err := m.client(root).Impair(t.Context(), ImpairRequest{Spec: "tls=stall,10s"})
	if err != nil || len(got.Impaired) != 1 || a.called() != "impair:"+root.ID()+":tls=stall,10s" {
		t.Errorf("%v, %v, %s", got, err, a.called())
	}
	if _, err := m.client(alice).Impair(t.Context(), ImpairRequest{Spec: "off"}); fault.As(err).Code != fault.PolRoot {
		t.Errorf("the owner: %v", err)
	}
	for _, spec := range []string{"", strings.Repeat("x", maxImpair+1), "tls=\nclose"} {
		if _, err := m.client(root).Impair(t.Context(), ImpairRequest{Spec: spec}); fault.As(err).Exit() != 2 {
			t.Errorf("%q: %v", spec, err)
		}
	}
}
