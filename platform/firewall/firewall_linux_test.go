package firewall

import (
	"errors"
	"flag"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
	"github.com/holdfast-vpn/holdfast/platform/undo"
)

// machine is a namespace with an uplink and a device of the tunnel's name.
func machine(t *testing.T) (*testenv.NS, *undo.Journal) {
	t.Helper()
	testenv.Require(t, "tun", "nft")
	if !testenv.Namespace(t) {
		return nil, nil
	}
	self := testenv.Self(t)
	far := testenv.NewNS(t, "far")
	testenv.Veth(t, self, "wan0", far, "wan0")
	for _, line := range []string{
		"tuntap add dev holdfast0 mode tun", "link set holdfast0 up", "addr add 192.168.7.2/24 dev wan0", "-6 addr add 2001:db8::2/64 dev wan0 nodad",
		"route add default via 192.168.7.1", "-6 route add default via 2001:db8::1",
	} {
		self.Run(t, "ip", strings.Fields(line)...)
	}
	dir := t.TempDir()
	j, err := undo.Open(filepath.Join(dir, "state"), filepath.Join(dir, "run"), undo.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return self, j
}

// send tries to send one datagram by the uplink, as a program does that chooses it.
func send(t *testing.T, to string, mark int, source int) error {
	t.Helper()
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		_ = c.Control(func(fd uintptr) {
			err = errors.Join(unix.BindToDevice(int(fd), "wan0"), unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK, mark))
		})
		return err
	}}
	if source != 0 {
		d.LocalAddr = &net.UDPAddr{Port: source}
	}
	c, err := d.Dial("udp", to)
	if err != nil {
		t.Fatalf("%s: %v", to, err)
	}
	defer c.Close()
	_, err = c.Write([]byte("x"))
	return err
}

// TestSet: what is caught leaves by the device only, with the exceptions that doc.go lists; nothing of it stays.
func TestSet(t *testing.T) {
	ns, j := machine(t)
	if ns == nil {
		return
	}
	before := testenv.Dump(t, ns)
	lan := func() ([]netip.Prefix, error) { return prefixes("192.168.7.0/24"), nil }
	f := New(j, slog.New(slog.DiscardHandler), lan)
	type packet struct {
		to     string
		mark   int
		source int
	}
	out4, out6, near := packet{to: "203.0.113.9:9"}, packet{to: "[2001:db8:ff::1]:9"}, packet{to: "192.168.7.9:9"}
	for _, tt := range []struct {
		name    string
		c       platform.FilterConfig
		passes  []packet
		refused []packet
	}{
		{"tunnel-all", platform.FilterConfig{Caught: prefixes("0.0.0.0/0 ::/0")},
			[]packet{{to: out4.to, mark: platform.Mark}, {to: out6.to, mark: platform.Mark}, {to: "192.168.7.1:67", source: 68}, {to: "[2001:db8::1]:547", source: 546}},
			[]packet{out4, out6, near, {to: "203.0.113.9:67", source: 69}, {to: out4.to, mark: 7}}},
		{"local network", platform.FilterConfig{Caught: prefixes("0.0.0.0/0 ::/0"), LocalLAN: true}, []packet{near, {to: "224.0.0.251:5353"}}, []packet{out4, out6}},
		{"split include", platform.FilterConfig{Caught: prefixes("10.0.0.0/8 203.0.113.0/24 2001:db8:ff::/48")}, []packet{near, {to: "[2001:db8:fe::1]:9"}, {to: "203.0.112.255:9"}, {to: "203.0.114.0:9"}},
			[]packet{out4, out6, {to: "203.0.113.0:9"}, {to: "203.0.113.255:9"}, {to: "10.0.0.0:9"}, {to: "10.255.255.255:9"}}},
		{"names outside", platform.FilterConfig{Caught: prefixes("0.0.0.0/0 ::/0"), Names: true}, []packet{{to: "192.168.7.1:53"}, {to: "[2001:db8::1]:53"}}, []packet{out4, out6, near}},
		{"split exclude", platform.FilterConfig{Caught: prefixes("0.0.0.0/0"), Direct: prefixes("203.0.113.9/32")}, []packet{out4, out6}, []packet{near, {to: "203.0.113.8:9"}, {to: "203.0.113.10:9"}}},
	} {
		tt.c.Device = platform.Interface
		if err := f.Set(t.Context(), tt.c); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if err := f.Set(t.Context(), tt.c); err != nil { // again, in place of itself
			t.Fatalf("%s: %v", tt.name, err)
		}
		golden(t, tt.name, ns.Run(t, "nft", "list", "table", "inet", "holdfast"))
		for _, p := range tt.passes {
			if err := send(t, p.to, p.mark, p.source); err != nil {
				t.Errorf("%s: %+v: %v", tt.name, p, err)
			}
		}
		for _, p := range tt.refused {
			if err := send(t, p.to, p.mark, p.source); !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EHOSTUNREACH) && !errors.Is(err, unix.EACCES) {
				t.Errorf("%s: %+v left: %v", tt.name, p, err)
			}
		}
	}
	if err := f.Set(t.Context(), platform.FilterConfig{}); err != nil {
		t.Fatal(err)
	}
	if d := testenv.Diff(before, testenv.Dump(t, ns)); d != "" {
		t.Errorf("left behind:\n%s", d)
	}
}

var update = flag.Bool("update", false, "rewrite the goldens")

// golden compares the table as an administrator sees it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", strings.ReplaceAll(name, " ", "-")+".nft")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("%s (%v):\n%s", path, err, got)
	}
}

// TestRecover: a table whose agent is gone is removed by the next one, listed or not.
func TestRecover(t *testing.T) {
	ns, j := machine(t)
	if ns == nil {
		return
	}
	before := testenv.Dump(t, ns)
	f := New(j, slog.New(slog.DiscardHandler), nil)
	for _, forget := range []bool{false, true} {
		if err := f.Set(t.Context(), platform.FilterConfig{Device: platform.Interface, Caught: prefixes("10.0.0.0/8")}); err != nil {
			t.Fatal(err)
		}
		if testenv.Diff(before, testenv.Dump(t, ns)) == "" {
			t.Fatal("the dump does not show the table")
		}
		if forget {
			if err := j.Put(undo.SlotFilter); err != nil {
				t.Fatal(err)
			}
		}
		undone, err := j.Recover(t.Context())
		if err != nil || !strings.Contains(strings.Join(undone, "; "), "nftables table") {
			t.Errorf("undone %v, %v", undone, err)
		}
		if d := ns.Run(t, "nft", "list", "ruleset"); d != "" {
			t.Errorf("left behind:\n%s", d)
		}
		ns.Run(t, "ip", "tuntap", "add", "dev", "holdfast0", "mode", "tun") // it was ours by its name
		ns.Run(t, "ip", "link", "set", "holdfast0", "up")
	}
}
