package bench

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/interop/lab"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

var (
	quick    = flag.Bool("quick", false, "two short runs of everything: to see that it works, not how fast")
	only     = flag.String("only", "", "measure only parts whose name begins with this: DTLS, TLS, gateway, ping, UDP")
	profiles = flag.String("profiles", "", "folder for a processor profile of the agent in each part")
	svg      = flag.String("svg", "", "file for the picture of the table")
)

// TestMain builds the binaries once, when something is to be measured.
func TestMain(m *testing.M) {
	roles := map[string]func([]string) error{"sink": sink, "flow": flow, "wireguard": wireguard, "gateway": serveGateway}
	os.Exit(lab.Main(m, roles, func() bool { return flag.Lookup("test.bench").Value.String() != "" }))
}

// BenchmarkTunnels measures everything and prints the table.
func BenchmarkTunnels(b *testing.B) {
	testenv.Require(b, "tun", "ocserv", "openconnect", "nft")
	if !testenv.Namespace(b) {
		return
	}
	l := newBed(b)
	r := &report{}
	for _, part := range []struct {
		name string
		run  func(*bed, *report)
	}{
		{"DTLS to ocserv", func(l *bed, r *report) { throughOcserv(l, r, "DTLS", true) }},
		{"TLS to ocserv", func(l *bed, r *report) { throughOcserv(l, r, "TLS", false) }},
		{"gateway of ours", throughGateway},
		{"ping", firstPing},
		{"UDP dropped", firstPingWithoutUDP},
	} {
		if strings.HasPrefix(strings.ToLower(part.name), strings.ToLower(*only)) {
			part.run(l, r)
		}
	}
	fmt.Fprint(os.Stderr, "\n", r)
	if *svg != "" {
		if err := os.WriteFile(*svg, r.picture(), 0o644); err != nil {
			b.Error(err)
		}
	}
}

// rounds is how many pairs of runs are made, and long how long one is.
func rounds() (pairs int, long time.Duration) {
	if *quick {
		return 2, 700 * time.Millisecond
	}
	return 5, 2500 * time.Millisecond
}

func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
