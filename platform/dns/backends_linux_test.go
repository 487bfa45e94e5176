package dns

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/sysbus"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
	"github.com/holdfast-vpn/holdfast/platform/undo"
	"github.com/holdfast-vpn/holdfast/platform/undo/records"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolvconf"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolved"
)

// lab is a machine with a network outside and one inside, each with a name server that writes down what it is asked. One name is known on both sides.
//
//	out  192.0.2.1 --- eth0 [test] holdfast0 --- 10.0.0.53  in
type lab struct {
	t               *testing.T
	self            *testenv.NS
	dir             string
	index           int // of holdfast0
	inside, outside *log
}

const (
	insideNames  = "address=/web.corp.example/10.0.0.80\naddress=/both.corp.example/10.0.0.66\naddress=/www.example/10.0.0.99\n"
	outsideNames = "address=/www.example/198.51.100.80\naddress=/both.corp.example/198.51.100.66\n"
)

func newLab(t *testing.T) *lab {
	t.Helper()
	testenv.Require(t, "dnsmasq")
	l := &lab{t: t, self: testenv.Self(t), dir: t.TempDir()}
	in, out := testenv.NewNS(t, "in"), testenv.NewNS(t, "out")
	testenv.Veth(t, l.self, "eth0", out, "eth0")
	testenv.Veth(t, l.self, platform.Interface, in, "eth0")
	for _, c := range []struct {
		ns   *testenv.NS
		line string
	}{
		{l.self, "address add 192.0.2.2/24 dev eth0"}, {out, "address add 192.0.2.1/24 dev eth0"}, {l.self, "route add default via 192.0.2.1"},
		{l.self, "address add 10.0.0.2/24 dev " + platform.Interface}, {in, "address add 10.0.0.53/24 dev eth0"},
	} {
		c.ns.Run(t, "ip", strings.Fields(c.line)...)
	}
	device, err := net.InterfaceByName(platform.Interface)
	if err == nil {
		l.index = device.Index
		err = os.WriteFile("/etc/nsswitch.conf", []byte("hosts: files dns\n"), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	l.inside, l.outside = l.server(in, "in", "10.0.0.53", insideNames), l.server(out, "out", "192.0.2.1", outsideNames)
	return l
}

// log is what a name server was asked.
type log struct {
	t    *testing.T
	path string
	read int
}

var query = regexp.MustCompile(`query\[A+\] (\S+) from`)

// asked returns the names asked since the last call, once each.
func (l *log) asked() []string {
	l.t.Helper()
	b, err := os.ReadFile(l.path)
	if err != nil {
		l.t.Fatal(err)
	}
	var names []string
	for _, m := range query.FindAllSubmatch(b[l.read:], -1) {
		names = append(names, string(m[1]))
	}
	l.read = len(b)
	slices.Sort(names)
	return slices.Compact(names)
}

// server runs dnsmasq with these names; it knows no others.
func (l *lab) server(n *testenv.NS, name, address, names string) *log {
	l.t.Helper()
	conf, path := filepath.Join(l.dir, name+".conf"), filepath.Join(l.dir, name+".log")
	text := "no-resolv\nno-hosts\nbind-interfaces\nuser=root\nlog-queries\ncache-size=0\nlocal=/example/\nlisten-address=" + address + "\nlog-facility=" + path + "\n" + names
	if err := errors.Join(os.WriteFile(conf, []byte(text), 0o644), os.WriteFile(path, nil, 0o644)); err != nil {
		l.t.Fatal(err)
	}
	cmd := n.Command("dnsmasq", "-k", "-C", conf, "--pid-file=")
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = cmd.Wait() })
	for range 500 {
		if out := n.Run(l.t, "cat", "/proc/net/udp"); strings.Contains(out, ":0035") {
			return &log{t: l.t, path: path}
		}
		time.Sleep(10 * time.Millisecond)
	}
	l.t.Fatal("dnsmasq does not listen")
	return nil
}

// lookup asks as any program does, by libc in a process of its own. "" is a name that does not exist.
func (l *lab) lookup(name string) string {
	out, _ := l.self.Command("getent", "ahostsv4", name).Output()
	address, _, _ := strings.Cut(string(out), " ")
	return address
}

// config is a session on the lab's tunnel.
func (l *lab) config(c platform.DNSConfig) platform.DNSConfig {
	c.Name, c.Index, c.Servers, c.Search = platform.Interface, l.index, addrs("10.0.0.53"), []string{"corp.example"}
	return c
}

// hosts are the machines that are tried, with the back end each must get. prepare leaves a resolv.conf that leads to 192.0.2.1.
var hosts = []struct {
	name    string
	backend string // without split DNS
	prepare func(t *testing.T)
}{
	{"file", "resolv.conf", func(t *testing.T) { put(t, "nameserver 192.0.2.1\n") }},
	{"resolved", "systemd-resolved", func(t *testing.T) { testenv.ResolvedHost(t, "eth0", "192.0.2.1") }},
	{"resolved, by its list of servers", "systemd-resolved", func(t *testing.T) {
		testenv.ResolvedHost(t, "eth0", "192.0.2.1")
		toServerList(t)
	}},
	{"resolved without its stub", "resolv.conf", func(t *testing.T) {
		if err := errors.Join(os.MkdirAll("/etc/systemd/resolved.conf.d", 0o755), os.WriteFile("/etc/systemd/resolved.conf.d/stub.conf", []byte("[Resolve]\nDNSStubListener=no\n"), 0o644)); err != nil {
			t.Fatal(err)
		}
		testenv.ResolvedHost(t, "eth0", "192.0.2.1")
		toServerList(t)
	}},
	{"resolvconf", "resolvconf", func(t *testing.T) { testenv.ResolvconfHost(t, "eth0", "192.0.2.1") }},
	{"openresolv", "openresolv", func(t *testing.T) { testenv.OpenresolvHost(t, "eth0", "192.0.2.1") }},
	{"NetworkManager", "resolv.conf", func(t *testing.T) { networkManager(t, "default") }},
	{"NetworkManager with dnsmasq", "resolv.conf", func(t *testing.T) { networkManager(t, "dnsmasq") }},
	{"NetworkManager with resolved", "systemd-resolved", func(t *testing.T) {
		testenv.ResolvedHost(t, "eth0", "192.0.2.1")
		networkManager(t, "systemd-resolved")
	}},
}

// toServerList makes resolv.conf lead to the servers that systemd-resolved asks itself.
func toServerList(t *testing.T) {
	t.Helper()
	if err := errors.Join(os.Remove(resolvconf.Path), os.Symlink("../run/systemd/resolve/resolv.conf", resolvconf.Path)); err != nil {
		t.Fatal(err)
	}
}

func networkManager(t *testing.T, mode string) {
	t.Helper()
	testenv.NetworkManagerHost(t, mode, "eth0", "192.0.2.2/24", "192.0.2.1", "192.0.2.1", platform.Interface)
}

// TestBackends runs sessions on each machine and asks who was asked what.
func TestBackends(t *testing.T) {
	for _, h := range hosts {
		t.Run(h.name, func(t *testing.T) {
			if !testenv.Namespace(t) {
				return
			}
			l := newLab(t)
			h.prepare(t)
			before := testenv.Dump(t, l.self)
			r, j := newResolver(t)
			if got := l.lookup("www.example"); got != "198.51.100.80" {
				t.Fatalf("before: www.example is %q\n%s", got, content(t))
			}
			l.outside.asked()

			set(t, r, l.config(platform.DNSConfig{Split: []string{"corp.example"}}))
			l.splits(r, h.backend)
			set(t, r, l.config(platform.DNSConfig{All: true}))
			l.keepsInside(r)
			set(t, r, l.config(platform.DNSConfig{}))
			if got := l.lookup("web.corp.example"); got != "10.0.0.80" || r.Backend() != h.backend {
				t.Errorf("without a policy: web.corp.example is %q by %q", got, r.Backend())
			}
			sameServers(t, "Upstream", upstreamNow(t), "192.0.2.1")

			set(t, r, platform.DNSConfig{})
			if d := testenv.Diff(before, testenv.Dump(t, l.self)); d != "" {
				t.Errorf("after the zero value:\n%s", d)
			}
			if left := j.Get(undo.SlotDNS); len(left) != 0 {
				t.Errorf("still listed: %v", left)
			}
			l.forgotten()
		})
	}
}

// splits expects names of the session's domains to be asked inside alone, and all others outside alone.
func (l *lab) splits(r *Resolver, backend string) {
	l.t.Helper()
	want := backend
	if backend != "systemd-resolved" {
		want += " and a forwarder of ours"
	}
	if got := r.Backend(); got != want {
		l.t.Errorf("split: by %q, want %q", got, want)
	}
	for name, address := range map[string]string{"web.corp.example": "10.0.0.80", "both.corp.example": "10.0.0.66", "none.corp.example": "", "www.example": "198.51.100.80"} {
		if got := l.lookup(name); got != address {
			l.t.Errorf("split: %s is %q, want %q\n%s", name, got, address, content(l.t))
		}
	}
	sameServers(l.t, "Upstream", upstreamNow(l.t), "192.0.2.1")
	for _, name := range l.inside.asked() {
		if !strings.HasSuffix(name, ".corp.example") {
			l.t.Errorf("split: %s was asked inside", name)
		}
	}
	for _, name := range l.outside.asked() {
		if strings.Contains(name, "corp.example") {
			l.t.Errorf("split: %s was asked outside", name)
		}
	}
}

// keepsInside expects nothing to be asked outside.
func (l *lab) keepsInside(r *Resolver) {
	l.t.Helper()
	for name, address := range map[string]string{"web.corp.example": "10.0.0.80", "www.example": "10.0.0.99", "none.example": ""} {
		if got := l.lookup(name); got != address {
			l.t.Errorf("all by %s: %s is %q, want %q\n%s", r.Backend(), name, got, address, content(l.t))
		}
	}
	if asked := l.outside.asked(); len(asked) != 0 {
		l.t.Errorf("all by %s: outside was asked for %q", r.Backend(), asked)
	}
	sameServers(l.t, "Upstream", upstreamNow(l.t), "192.0.2.1")
}

// forgotten expects no service to hold anything of ours.
func (l *lab) forgotten() {
	l.t.Helper()
	if got := l.lookup("www.example"); got != "198.51.100.80" {
		l.t.Errorf("afterwards: www.example is %q\n%s", got, content(l.t))
	}
	if _, there := records.Ours(); there {
		l.t.Error("our record is left in resolvconf")
	}
	if out, err := l.self.Command("resolvectl", "dns").Output(); err == nil && (strings.Contains(string(out), "10.0.0.53") || strings.Contains(string(out), "127.72")) {
		l.t.Errorf("resolved still has %s", out)
	}
}

// TestResolvedRestarts kills systemd-resolved and its memory of links: it must be told again.
func TestResolvedRestarts(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	l := newLab(t)
	daemon := testenv.ResolvedHost(t, "eth0", "192.0.2.1")
	r, _ := newResolver(t)
	set(t, r, l.config(platform.DNSConfig{Split: []string{"corp.example"}}))
	daemon.Kill()
	time.Sleep(2 * settle)
	put(t, content(t)) // a look while it is away: through the link, for the file must not be replaced
	time.Sleep(2 * settle)
	if now, err := resolvconf.Read(); err != nil || now.Kind != resolvconf.Link {
		t.Errorf("while resolved was away resolv.conf became a %s, %v", now.Kind, err)
	}
	if err := os.RemoveAll("/run/systemd/resolve/netif"); err != nil {
		t.Fatal(err)
	}
	daemon.Start()
	l.await("web.corp.example", "10.0.0.80")
	l.self.Run(t, "resolvectl", "revert", platform.Interface) // as NetworkManager does to links that are not its own
	l.await("both.corp.example", "10.0.0.66")
	set(t, r, platform.DNSConfig{})
	if out := l.self.Run(t, "resolvectl", "dns", platform.Interface); strings.Contains(out, "10.0.0.53") {
		t.Errorf("resolved still has %s", out)
	}
}

// await waits until a name has the address.
func (l *lab) await(name, address string) {
	l.t.Helper()
	var got string
	for range 100 {
		if got = l.lookup(name); got == address {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	l.t.Errorf("%s is %q, want %q\n%s", name, got, address, content(l.t))
}

// TestResolvedHangs: a resolved that does not answer costs a second, and the file does its work. When it answers again nothing is left in it.
func TestResolvedHangs(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	l := newLab(t)
	daemon := testenv.ResolvedHost(t, "eth0", "192.0.2.1")
	before := testenv.Dump(t, l.self)
	r, _ := newResolver(t)
	daemon.Signal(syscall.SIGSTOP)
	start := time.Now()
	set(t, r, l.config(platform.DNSConfig{All: true}))
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("it took %v", d)
	}
	if got := l.lookup("web.corp.example"); got != "10.0.0.80" || r.Backend() != "resolv.conf" {
		t.Errorf("by %s web.corp.example is %q", r.Backend(), got)
	}
	daemon.Signal(syscall.SIGCONT)
	set(t, r, platform.DNSConfig{})
	if d := testenv.Diff(before, testenv.Dump(t, l.self)); d != "" {
		t.Errorf("after the zero value:\n%s", d)
	}
	l.forgotten()
}

// TestRecordThatDoesNotCount: a resolvconf that makes no file is left again, and the file does its work.
func TestRecordThatDoesNotCount(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	l := newLab(t)
	testenv.ResolvconfHost(t, "eth0", "192.0.2.1")
	l.self.Run(t, "/sbin/resolvconf", "--disable-updates")
	before := testenv.Dump(t, l.self)
	r, _ := newResolver(t)
	set(t, r, l.config(platform.DNSConfig{Split: []string{"corp.example"}}))
	l.splits(r, "resolv.conf")
	put(t, content(t)) // another look
	time.Sleep(4 * settle)
	l.splits(r, "resolv.conf")
	if _, there := records.Ours(); there {
		t.Error("the record that does not count is still there")
	}
	set(t, r, platform.DNSConfig{})
	if d := testenv.Diff(before, testenv.Dump(t, l.self)); d != "" {
		t.Errorf("after the zero value:\n%s", d)
	}
	l.forgotten()
}

// TestBusOfTheHost: a network namespace shares the bus with its host, and a link's number there is another link's here. The host's resolved must not be told.
func TestBusOfTheHost(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	l := newLab(t)
	testenv.Install(t, "systemd-resolved")
	testenv.SystemBus(t)
	put(t, "nameserver 127.0.0.53\n") // the host's file, too
	host := testenv.NewNS(t, "host")
	if err := errors.Join(os.MkdirAll("/run/systemd/resolve", 0o755), os.Chown("/run/systemd/resolve", 64998, 64998)); err != nil {
		t.Fatal(err)
	}
	daemon := host.Command("/usr/lib/systemd/systemd-resolved")
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = daemon.Wait() })
	bus, err := sysbus.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	for end := time.Now().Add(5 * time.Second); bus.Of(t.Context(), resolved.Name) == sysbus.Nowhere && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if got := bus.Of(t.Context(), resolved.Name); got != sysbus.Another {
		t.Fatalf("the host's resolved is %s", got)
	}
	r, _ := newResolver(t)
	set(t, r, l.config(platform.DNSConfig{All: true}))
	if r.Backend() != "resolv.conf" || l.lookup("web.corp.example") != "10.0.0.80" {
		t.Errorf("by %s web.corp.example is %q", r.Backend(), l.lookup("web.corp.example"))
	}
	if out := host.Run(t, "resolvectl", "dns"); strings.Contains(out, "10.0.0.53") {
		t.Errorf("the host's resolved was told: %s", out)
	}
}

// TestFileIsAssertedAgain has somebody else write the file, as a DHCP client and NetworkManager do; ours comes back, and in the end what they wrote last.
func TestFileIsAssertedAgain(t *testing.T) {
	for _, c := range []struct {
		name  string
		mount bool
	}{{"file", false}, {"mount point", true}} {
		t.Run(c.name, func(t *testing.T) {
			if !testenv.Namespace(t) {
				return
			}
			l := newLab(t)
			put(t, "nameserver 192.0.2.1\n")
			path := resolvconf.Path
			if c.mount {
				path = "/run/mounted"
				if err := errors.Join(os.WriteFile(path, []byte("nameserver 192.0.2.1\n"), 0o644), syscall.Mount(path, resolvconf.Path, "", syscall.MS_BIND, "")); err != nil {
					t.Fatal(err)
				}
			}
			r, _ := newResolver(t)
			set(t, r, l.config(platform.DNSConfig{All: true}))
			for _, theirs := range []string{"nameserver 192.0.2.7\n", "nameserver 192.0.2.8\n"} {
				if err := os.WriteFile(path, []byte(theirs), 0o644); err != nil {
					t.Fatal(err)
				}
				for end := time.Now().Add(3 * time.Second); !strings.Contains(content(t), "10.0.0.53") && time.Now().Before(end); {
					time.Sleep(5 * time.Millisecond)
				}
			}
			if got := l.lookup("www.example"); got != "10.0.0.99" {
				t.Errorf("www.example is %q\n%s", got, content(t))
			}
			set(t, r, platform.DNSConfig{})
			if got := content(t); got != "nameserver 192.0.2.8\n" {
				t.Errorf("in the end resolv.conf is %q", got)
			}
		})
	}
}

// TestNetworkManagerWritesAgain: when a connection comes up NetworkManager writes its file over ours. Ours comes back, and in the end its own.
func TestNetworkManagerWritesAgain(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	l := newLab(t)
	networkManager(t, "default")
	before := content(t)
	r, _ := newResolver(t)
	set(t, r, l.config(platform.DNSConfig{Split: []string{"corp.example"}}))
	r.mu.Lock()
	d := r.chosen
	r.mu.Unlock()
	if !strings.Contains(d.Why, "NetworkManager writes it") {
		t.Errorf("the reason is %q", d.Why)
	}
	for range 3 {
		l.self.Run(t, "nmcli", "--wait", "10", "connection", "up", "wired")
		l.await("web.corp.example", "10.0.0.80")
	}
	set(t, r, platform.DNSConfig{})
	if got := content(t); got != before || !strings.Contains(got, "Generated by NetworkManager") {
		t.Errorf("in the end resolv.conf is %q", got)
	}
}

// TestForwarderNeedsItsPort: where somebody has the forwarder's address there is no split DNS, and the file names the servers themselves.
func TestForwarderNeedsItsPort(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	l := newLab(t)
	put(t, "nameserver 192.0.2.1\n")
	c, err := net.ListenPacket("udp4", "0.0.0.0:53")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r, _ := newResolver(t)
	set(t, r, l.config(platform.DNSConfig{Split: []string{"corp.example"}}))
	if got := l.lookup("web.corp.example"); got != "10.0.0.80" || r.Backend() != "resolv.conf" {
		t.Errorf("web.corp.example is %q by %q", got, r.Backend())
	}
}
