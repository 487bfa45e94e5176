package bench

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

var (
	quick    = flag.Bool("quick", false, "two short runs of everything: to see that it works, not how fast")
	only     = flag.String("only", "", "measure only parts whose name begins with this: DTLS, TLS, gateway, ping, UDP")
	profiles = flag.String("profiles", "", "folder for a processor profile of the agent in each part")
	svg      = flag.String("svg", "", "file for the picture of the table")
)

// binEnv hands the built binaries to the child that testenv.Namespace starts.
const binEnv = "HOLDFAST_BENCH_BIN"

// TestMain builds the binaries once; as a child with a role it is one end of something that is measured.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "role" {
		os.Exit(role(os.Args[2], os.Args[3:]))
	}
	flag.Parse()
	if os.Getenv(binEnv) != "" || flag.Lookup("test.bench").Value.String() == "" {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "holdfast-bench")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err == nil {
		build := exec.Command("go", "build", "-trimpath", "-o", dir, "../../cmd/holdfastd", "../../../ui/cmd/holdfast")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		build.Stderr = os.Stderr
		err = build.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "building the binaries:", err)
		os.Exit(1)
	}
	_ = os.Setenv(binEnv, dir)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// role runs one of the children.
func role(name string, args []string) int {
	run, ok := map[string]func([]string) error{"sink": sink, "flow": flow, "wireguard": wireguard, "gateway": serveGateway}[name]
	if !ok {
		return 2
	}
	if err := run(args); err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		return 1
	}
	return 0
}

// BenchmarkTunnels measures everything and prints the table.
func BenchmarkTunnels(b *testing.B) {
	testenv.Require(b, "tun", "ocserv", "openconnect", "nft")
	if !testenv.Namespace(b) {
		return
	}
	l := newLab(b)
	r := &report{}
	for _, part := range []struct {
		name string
		run  func(*lab, *report)
	}{
		{"DTLS to ocserv", func(l *lab, r *report) { throughOcserv(l, r, "DTLS", true) }},
		{"TLS to ocserv", func(l *lab, r *report) { throughOcserv(l, r, "TLS", false) }},
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

// bin is one of the built binaries.
func bin(name string) string { return filepath.Join(os.Getenv(binEnv), name) }
