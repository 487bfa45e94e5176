package dns

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
	"github.com/holdfast-vpn/holdfast/platform/undo"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolvconf"
	"github.com/holdfast-vpn/holdfast/platform/uplink"
)

const stateDir, runtimeDir = "/run/hf-state", "/run/hf-runtime"

var inside = platform.DNSConfig{Name: platform.Interface, Index: 7, Servers: addrs("10.0.0.53 2001:db8::53"), Search: []string{"corp.example"}, All: true}

func newResolver(t *testing.T) (*Resolver, *undo.Journal) {
	t.Helper()
	j, err := undo.Open(stateDir, runtimeDir, undo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	r := New(j, slog.New(slog.NewTextHandler(t.Output(), nil)), uplink.New(nil))
	t.Cleanup(func() { _ = r.Close() })
	return r, j
}

func put(t *testing.T, content string) {
	t.Helper()
	if err := os.WriteFile(resolvconf.Path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(resolvconf.Path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func set(t *testing.T, r *Resolver, c platform.DNSConfig) {
	t.Helper()
	if err := r.Set(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// unwatched ends the watch that would put ours back at once.
func unwatched(t *testing.T, r *Resolver) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func sameServers(t *testing.T, what string, got []netip.Addr, want string) {
	t.Helper()
	if !slices.Equal(got, addrs(want)) {
		t.Errorf("%s = %v, want %s", what, got, want)
	}
}

func upstreamNow(t *testing.T) []netip.Addr {
	t.Helper()
	got, err := Upstream(stateDir)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// layouts are the ways a resolv.conf stands in /etc; each leads to the server 192.0.2.1.
var layouts = []struct {
	name    string
	backend string
	prepare func() error
}{
	{"file", "resolv.conf", func() error {
		return errors.Join(os.WriteFile(resolvconf.Path, []byte("nameserver 192.0.2.1"), 0o600), os.Chmod(resolvconf.Path, 0o604), os.Chown(resolvconf.Path, 7, 8))
	}},
	{"mount point", "resolv.conf", func() error {
		return errors.Join(os.WriteFile("/run/r", []byte("nameserver 192.0.2.1\n"), 0o644), syscall.Mount("/run/r", resolvconf.Path, "", syscall.MS_BIND, ""))
	}},
	{"link", "resolv.conf", func() error {
		return errors.Join(os.WriteFile("/run/r", []byte("nameserver 192.0.2.1\n"), 0o644), os.Remove(resolvconf.Path), os.Symlink("../run/r", resolvconf.Path))
	}},
	{"link to resolved's stub", "resolv.conf", func() error {
		return errors.Join(os.MkdirAll("/run/systemd/resolve", 0o755),
			os.WriteFile("/run/systemd/resolve/stub-resolv.conf", []byte("nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n"), 0o644),
			os.WriteFile("/run/systemd/resolve/resolv.conf", []byte("nameserver 192.0.2.1\n"), 0o644),
			os.Remove(resolvconf.Path), os.Symlink("../run/systemd/resolve/stub-resolv.conf", resolvconf.Path))
	}},
}

func TestSetAndUnset(t *testing.T) {
	for _, c := range layouts {
		t.Run(c.name, func(t *testing.T) {
			if !testenv.Namespace(t) {
				return
			}
			if err := c.prepare(); err != nil {
				t.Fatal(err)
			}
			self := testenv.Self(t)
			before := testenv.Dump(t, self)
			r, j := newResolver(t)
			sameServers(t, "Upstream before", upstreamNow(t), "192.0.2.1")
			for range 2 {
				set(t, r, inside)
				if got, want := content(t), string(resolvconf.Compose(inside.Servers, inside.Search)); got != want {
					t.Errorf("resolv.conf is\n%s", got)
				}
				sameServers(t, "Upstream", upstreamNow(t), "192.0.2.1")
				if listed, err := Listed(); err != nil || !slices.Equal(listed, inside.Servers) {
					t.Errorf("Listed = %v, %v", listed, err)
				}
				if got := r.Backend(); got != c.backend {
					t.Errorf("Backend = %q, want %q", got, c.backend)
				}
			}
			another := inside
			another.Servers, another.Search = addrs("10.0.0.54"), nil
			set(t, r, another)
			if got := content(t); !strings.Contains(got, "10.0.0.54") || strings.Contains(got, "10.0.0.53") || strings.Contains(got, "corp") {
				t.Errorf("after a change resolv.conf is\n%s", got)
			}
			for range 2 {
				set(t, r, platform.DNSConfig{})
				if d := testenv.Diff(before, testenv.Dump(t, self)); d != "" {
					t.Errorf("after the zero value:\n%s", d)
				}
			}
			if left := j.Get(undo.SlotDNS); len(left) != 0 {
				t.Errorf("still listed: %v", left)
			}
		})
	}
}

// TestForeignEdits has somebody else write the file while ours is in place; then either the session ends or the agent is gone and the next one recovers.
func TestForeignEdits(t *testing.T) {
	const was = "nameserver 192.0.2.1\n"
	for _, c := range []struct {
		name, want, upstream string
		edit                 func(t *testing.T)
	}{
		{"a line at the end", "nameserver 9.9.9.9\n", "9.9.9.9", func(t *testing.T) { put(t, content(t)+"nameserver 9.9.9.9\n") }},
		{"a line at the start", "nameserver 9.9.9.9\n", "9.9.9.9", func(t *testing.T) { put(t, "nameserver 9.9.9.9\n"+content(t)) }},
		{"an option, which is no server", "options rotate\nnameserver 192.0.2.1\n", "192.0.2.1", func(t *testing.T) { put(t, content(t)+"options rotate\n") }},
		{"another file", "nameserver 203.0.113.1\n", "203.0.113.1", func(t *testing.T) { put(t, "nameserver 203.0.113.1\n") }},
		{"emptied", "", "", func(t *testing.T) { put(t, "") }},
		{"a link in its place", "nameserver 198.51.100.1\n", "198.51.100.1", func(t *testing.T) {
			if err := errors.Join(os.WriteFile("/run/theirs", []byte("nameserver 198.51.100.1\n"), 0o644), os.Remove(resolvconf.Path), os.Symlink("/run/theirs", resolvconf.Path)); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		for _, end := range []string{"ends", "is recovered"} {
			t.Run(c.name+", then the session "+end, func(t *testing.T) {
				if !testenv.Namespace(t) {
					return
				}
				put(t, was)
				r, j := newResolver(t)
				set(t, r, inside)
				unwatched(t, r)
				c.edit(t)
				sameServers(t, "Upstream", upstreamNow(t), c.upstream)
				if end == "ends" {
					set(t, r, platform.DNSConfig{})
				} else if _, err := j.Recover(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := content(t); got != c.want {
					t.Errorf("resolv.conf is %q, want %q", got, c.want)
				}
				if undone, err := j.Recover(t.Context()); err != nil || len(undone) != 0 {
					t.Errorf("a recovery after it: %q, %v", undone, err)
				}
			})
		}
	}
}

// TestReassert has the network change under a session: what a DHCP client writes is displaced in its turn, and is what comes back.
func TestReassert(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	put(t, "nameserver 192.0.2.1\n")
	r, _ := newResolver(t)
	set(t, r, inside)
	unwatched(t, r)
	put(t, "nameserver 203.0.113.1\n")
	set(t, r, inside)
	unwatched(t, r)
	if got := content(t); strings.Contains(got, "203.0.113.1") || !strings.Contains(got, "10.0.0.53") {
		t.Errorf("not asserted again:\n%s", got)
	}
	sameServers(t, "Upstream", upstreamNow(t), "203.0.113.1")

	put(t, content(t)+"nameserver 203.0.113.2\n")
	split := inside
	split.All = false
	set(t, r, split)
	sameServers(t, "the file", resolvconf.Servers([]byte(content(t))), "10.0.0.53 2001:db8::53 203.0.113.2")
	set(t, r, platform.DNSConfig{})
	if got := content(t); got != "nameserver 203.0.113.2\n" {
		t.Errorf("in the end resolv.conf is %q", got)
	}
}

func TestWithoutJournal(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	put(t, string(resolvconf.Compose(inside.Servers, inside.Search))+"nameserver 192.0.2.1\n") // a state directory was lost
	sameServers(t, "Upstream", upstreamNow(t), "192.0.2.1")
	_, j := newResolver(t)
	if undone, err := j.Recover(t.Context()); err != nil || len(undone) != 1 || content(t) != "nameserver 192.0.2.1\n" {
		t.Errorf("undone %q, %v, resolv.conf %q", undone, err, content(t))
	}
}

func TestSetRefuses(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		name    string
		ctx     context.Context
		prepare func() error
	}{
		{"no time left", ended, func() error { return nil }},
		{"a directory", context.Background(), func() error { return errors.Join(os.Remove(resolvconf.Path), os.Mkdir(resolvconf.Path, 0o755)) }},
		{"a pipe", context.Background(), func() error { return errors.Join(os.Remove(resolvconf.Path), syscall.Mkfifo(resolvconf.Path, 0o644)) }},
		{"a link to a pipe", context.Background(), func() error {
			return errors.Join(os.Remove(resolvconf.Path), syscall.Mkfifo("/run/pipe", 0o644), os.Symlink("/run/pipe", resolvconf.Path))
		}},
		{"an endless file", context.Background(), func() error { return errors.Join(os.Remove(resolvconf.Path), os.Symlink("/dev/zero", resolvconf.Path)) }},
		{"a huge file", context.Background(), func() error { return os.Truncate(resolvconf.Path, 1<<30) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !testenv.Namespace(t) {
				return
			}
			if err := c.prepare(); err != nil {
				t.Fatal(err)
			}
			r, j := newResolver(t)
			if err := r.Set(c.ctx, inside); err == nil || fault.As(err).Code != fault.HostDNS {
				t.Errorf("Set = %v", err)
			}
			if left := j.Get(undo.SlotDNS); len(left) != 0 {
				t.Errorf("listed: %v", left)
			}
		})
	}
}
