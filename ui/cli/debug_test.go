package cli

import (
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// TestDebugImpair: root impairs a session and nobody else does; without a session it is exit 9.
func TestDebugImpair(t *testing.T) {
	up := ipc.State{State: "connected"}
	for _, c := range []struct {
		name string
		b    *backend
		args string
		exit int
		out  string
		err  string
	}{
		{"a fault", &backend{root: true, st: up}, "debug impair dtls=drop,30s", 0, "impaired: dtls=drop,30s\n", ""},
		{"its end", &backend{root: true, st: up}, "debug impair off", 0, "nothing is impaired\n", ""},
		{"for scripts", &backend{root: true, st: up}, "--json debug impair tls=stall,10s", 0, `{"impaired":["tls=stall,10s"]}` + "\n", ""},
		{"no session", &backend{root: true}, "debug impair tls=close", 9, "", "USE-003"},
		{"not root", &backend{st: up}, "debug impair tls=close", 7, "", "POL-003"},
		{"nothing said", &backend{root: true, st: up}, "debug impair", 2, "", "USE-001"},
		{"too much", &backend{root: true, st: up}, "debug impair " + strings.Repeat("x", 100), 2, "", "USE-008"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := play(t, t.Context(), c.b, nil, "", strings.Fields(c.args)...)
			if r.exit != c.exit || r.out != c.out || !strings.Contains(r.err, c.err) {
				t.Errorf("exit %d, %q, %q", r.exit, r.out, r.err)
			}
		})
	}
}
