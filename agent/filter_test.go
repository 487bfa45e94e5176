package agent

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/fake"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// TestFilterComesFirst: nothing passes the tunnel by while the routes come and go, and the filter follows the local networks.
func TestFilterComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		w.set.LocalLAN = true
		con := &scripted{open: func(context.Context, protocol.Target, protocol.Prompter) (protocol.Tunnel, error) { return w, nil }}
		r := start(t, con)
		var order []string
		for p, name := range map[fake.Part]string{fake.Firewall: "filter", fake.Router: "routes", fake.Resolver: "names"} {
			r.m.Intercept(p, func(context.Context) error { order = append(order, name); return nil })
		}
		steps := func(want ...string) {
			t.Helper()
			synctest.Wait()
			if !slices.Equal(order, want) {
				t.Errorf("%v, want %v", order, want)
			}
			order = nil
		}
		r.connect(alice, "vpn.example.com")
		r.want("connected")
		steps("filter", "routes", "names")
		if f := r.m.Filter(); f.Device != platform.Interface || !f.LocalLAN || len(f.Caught) != 2 {
			t.Errorf("%+v", f)
		}
		away := home
		away.Uplinks = slices.Clone(home.Uplinks)
		away.Uplinks[0].Routes = append(slices.Clone(away.Uplinks[0].Routes), platform.Route{To: prefixes("192.168.9.0/24")[0]})
		r.m.SetNetwork(away)
		steps("filter", "routes")
		if err := r.Disconnect(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		r.want("disconnected")
		steps("names", "routes", "filter")
		if !r.m.Clean() {
			t.Error("something is left")
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}
