package dns

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolvconf"
)

// TestLastWordOfAnother has somebody write the file, by a rename, while sessions come and go. Whatever the order of events, what he wrote last is what is left: an earlier
// state of his would be a machine with the servers of a network that it has left.
func TestLastWordOfAnother(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	put(t, "nameserver 192.0.2.1\n")
	r, _ := newResolver(t)
	for round := range 30 {
		var wg sync.WaitGroup
		last := ""
		wg.Go(func() {
			for i := range 5 {
				last = fmt.Sprintf("nameserver 192.0.2.%d\noptions attempts:%d\n", round+2, i+1)
				if err := errors.Join(os.WriteFile("/etc/.theirs", []byte(last), 0o644), os.Rename("/etc/.theirs", resolvconf.Path)); err != nil {
					t.Error(err)
				}
			}
		})
		if err := r.Set(t.Context(), inside); err != nil && !errors.Is(err, errContest) {
			t.Fatal(err)
		}
		wg.Wait()
		set(t, r, platform.DNSConfig{})
		if got := content(t); got != last {
			t.Fatalf("round %d: resolv.conf is %q, he wrote %q last", round, got, last)
		}
	}
}
