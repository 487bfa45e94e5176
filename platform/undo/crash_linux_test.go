package undo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/dns"
	"github.com/holdfast-vpn/holdfast/platform/router"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
	"github.com/holdfast-vpn/holdfast/platform/tunif"
	"github.com/holdfast-vpn/holdfast/platform/undo"
	"github.com/holdfast-vpn/holdfast/platform/undo/records"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolvconf"
	"github.com/holdfast-vpn/holdfast/platform/uplink"
)

const (
	stateDir   = "/run/hf-state"
	runtimeDir = "/run/hf-runtime"
	victimEnv  = "HOLDFAST_UNDO_VICTIM" // of this test binary alone: what to do, and at which step to die
)

// TestMain is also the program that the crash tests kill.
func TestMain(m *testing.M) {
	if spec := os.Getenv(victimEnv); spec != "" {
		os.Exit(victim(spec))
	}
	os.Exit(m.Run())
}

// victim does its work and kills itself at the given step; exit status 0 says that the work has fewer steps.
func victim(spec string) int {
	work, at, _ := strings.Cut(spec, " ")
	left, _ := strconv.Atoi(at)
	j, err := undo.Open(stateDir, runtimeDir, undo.Options{Step: func(name string) {
		fmt.Println(name)
		if left--; left == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}})
	if err == nil {
		switch work {
		case "session":
			err = session(j)
		case "up":
			err = up(j)
		case "recover":
			_, err = j.Recover(context.Background())
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func prefixes(s string) (out []netip.Prefix) {
	for _, f := range strings.Fields(s) {
		out = append(out, netip.MustParsePrefix(f))
	}
	return out
}

func addrs(s string) (out []netip.Addr) {
	for _, f := range strings.Fields(s) {
		out = append(out, netip.MustParseAddr(f))
	}
	return out
}

// session is a session's worth of changes: tunnel-all, a change to split include, the end.
func session(j *undo.Journal) error {
	ctx, log := context.Background(), slog.New(slog.DiscardHandler)
	device, err := tunif.New(j, log, nil).Open(ctx, 1400)
	if err != nil {
		return err
	}
	r, d := router.New(j, log), dns.New(j, log, uplink.New(nil))
	all := platform.RouteConfig{Name: device.Name(), Index: device.Index(), MTU: 1390, Addresses: prefixes("10.9.0.5/24 2001:db8:9::5/64"),
		Include: prefixes("0.0.0.0/0 ::/0"), Exclude: prefixes("203.0.113.0/24"), LocalLAN: true}
	split := platform.RouteConfig{Name: device.Name(), Index: device.Index(), MTU: 1390, Addresses: prefixes("10.9.0.6/24"),
		Include: prefixes("10.0.0.0/8"), Unreach: prefixes("2001:db8:9::/48")}
	return errors.Join(
		r.Set(ctx, all),
		d.Set(ctx, platform.DNSConfig{Name: device.Name(), Index: device.Index(), Servers: addrs("10.9.0.1 2001:db8:9::1"), Search: []string{"corp.example"}, All: true}),
		r.Set(ctx, split),
		d.Set(ctx, platform.DNSConfig{Name: device.Name(), Index: device.Index(), Servers: addrs("10.9.0.1"), Search: []string{"corp.example"}, Split: []string{"other.example"}}),
		d.Set(ctx, platform.DNSConfig{}),
		r.Set(ctx, platform.RouteConfig{}),
		device.Close())
}

// home gives the test's namespace a network like that of a machine: two families, a default route, a strict reverse path filter.
func home(t *testing.T) *testenv.NS {
	self := testenv.Self(t)
	gw := testenv.NewNS(t, "gw")
	testenv.Veth(t, self, "eth0", gw, "eth0")
	self.Sysctl(t, "ipv4.conf.eth0.rp_filter", "1")
	for _, cmd := range []string{"ip address add 192.168.7.2/24 dev eth0", "ip address add 2001:db8:7::2/64 dev eth0 nodad",
		"ip route add default via 192.168.7.1", "ip route add default via 2001:db8:7::1"} {
		args := strings.Fields(cmd)
		self.Run(t, args[0], args[1:]...)
	}
	return self
}

// resolvConfs are the ways a resolv.conf stands in /etc.
var resolvConfs = []struct {
	name string
	make func(t *testing.T)
}{
	{"file", func(t *testing.T) { write(t, resolvconf.Path, "nameserver 192.168.7.1\n", 0o640) }},
	{"mount point", func(t *testing.T) {
		write(t, "/run/mounted-resolv.conf", "# a longer file, so that a rewrite in place is torn between bytes and length\n"+
			strings.Repeat("# padding that goes on for some time\n", 10)+"nameserver 192.168.7.1\nnameserver 2001:db8:7::1\n", 0o644)
		if err := syscall.Mount("/run/mounted-resolv.conf", resolvconf.Path, "", syscall.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
	}},
	{"link", func(t *testing.T) {
		write(t, "/run/systemd-stub-resolv.conf", "nameserver 127.0.0.53\n", 0o644)
		if err := errors.Join(os.Remove(resolvconf.Path), os.Symlink("../run/systemd-stub-resolv.conf", resolvconf.Path)); err != nil {
			t.Fatal(err)
		}
	}},
	{"dangling link", func(t *testing.T) {
		if err := errors.Join(os.Remove(resolvconf.Path), os.Symlink("/run/nowhere", resolvconf.Path)); err != nil {
			t.Fatal(err)
		}
	}},
	{"absent", func(t *testing.T) {
		if err := os.Remove(resolvconf.Path); err != nil {
			t.Fatal(err)
		}
	}},
	{"systemd-resolved", func(t *testing.T) { testenv.ResolvedHost(t, "eth0", "192.168.7.1") }},
	{"systemd-resolved, by its list of servers", func(t *testing.T) {
		testenv.ResolvedHost(t, "eth0", "192.168.7.1")
		if err := errors.Join(os.Remove(resolvconf.Path), os.Symlink("../run/systemd/resolve/resolv.conf", resolvconf.Path)); err != nil {
			t.Fatal(err)
		}
	}},
	{"resolvconf", func(t *testing.T) { testenv.ResolvconfHost(t, "eth0", "192.168.7.1") }},
	{"openresolv", func(t *testing.T) { testenv.OpenresolvHost(t, "eth0", "192.168.7.1") }},
}

func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := errors.Join(os.WriteFile(path, []byte(content), mode), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
}

// die runs the victim to the given step and reports whether it was killed there, and the name of the step.
func die(t *testing.T, work string, step int) (killed bool, at string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", victimEnv, work, step))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
			return true, lines[len(lines)-1]
		}
	}
	if err != nil {
		t.Fatalf("%s: %v %s", work, err, errs.String())
	}
	return false, ""
}

func recoverAll(t *testing.T) []string {
	t.Helper()
	j, err := undo.Open(stateDir, runtimeDir, undo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	undone, err := j.Recover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return undone
}

// TestKilledAtEveryStep kills the process at every step of a session, and the recovery from it at one of its own steps, and compares everything.
func TestKilledAtEveryStep(t *testing.T) {
	for _, c := range resolvConfs {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if !testenv.Namespace(t) {
				return
			}
			testenv.Require(t, "tun")
			self := home(t)
			c.make(t)
			before := testenv.Dump(t, self)
			step, undone := 1, 0
			for ; ; step++ {
				killed, at := die(t, "session", step)
				if !killed {
					break
				}
				again, atAgain := die(t, "recover", 1+step%7)
				undone += len(recoverAll(t))
				if d := testenv.Diff(before, testenv.Dump(t, self)); d != "" {
					t.Fatalf("killed at step %d, %q, and (%v) in the recovery at %q:\n%s", step, at, again, atAgain, d)
				}
				if _, there := records.Ours(); there {
					t.Fatalf("step %d, %q: resolvconf has a record of ours", step, at)
				}
				if undone := recoverAll(t); len(undone) != 0 {
					t.Fatalf("step %d, %q: a second recovery undid %q", step, at, undone)
				}
			}
			if step < 40 || undone < 40 {
				t.Errorf("a session had %d steps, %d changes were undone: the crashes missed it", step, undone)
			}
			if d := testenv.Diff(before, testenv.Dump(t, self)); d != "" {
				t.Errorf("after a whole session:\n%s", d)
			}
		})
	}
}
