package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// NS is one network namespace of a test. Processes in it see the file system of the test, with a resolv.conf of their own.
type NS struct {
	t    testing.TB
	name string // "" for the namespace the test itself is in
}

// Self is the namespace that Namespace put the test into.
func Self(t testing.TB) *NS {
	t.Helper()
	mustBeInside(t)
	return &NS{t: t}
}

// NewNS makes one more namespace, with lo up, and removes it when the test ends. Only inside Namespace.
func NewNS(t testing.TB, name string) *NS {
	t.Helper()
	mustBeInside(t)
	n := &NS{t: t, name: name}
	n.SetResolv("")
	self := Self(t)
	self.Run(t, "ip", "netns", "add", name)
	t.Cleanup(func() { self.Run(t, "ip", "netns", "del", name) })
	n.Run(t, "ip", "link", "set", "lo", "up")
	for key, value := range calm {
		n.Sysctl(t, strings.ReplaceAll(key, "/", "."), value)
	}
	return n
}

func mustBeInside(t testing.TB) {
	t.Helper()
	if !inside() {
		t.Fatal("testenv: this belongs inside testenv.Namespace")
	}
}

// Command prepares a program in the namespace. The caller starts it; with its process group it is killed when the test ends, before its cleanups run.
func (n *NS) Command(name string, args ...string) *exec.Cmd {
	path, args := n.argv(name, args)
	cmd := exec.CommandContext(n.t.Context(), path, args...)
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// Run runs a program to its end and returns what it printed; a failure of the program is one of the test. It also works in cleanups.
func (n *NS) Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := n.plain(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// plain is a command that is not bound to the test's context, which is over in cleanups.
func (n *NS) plain(name string, args ...string) *exec.Cmd {
	path, args := n.argv(name, args)
	return exec.Command(path, args...)
}

// argv is what to execute for a program in the namespace.
func (n *NS) argv(name string, args []string) (string, []string) {
	if n.name != "" {
		name, args = "ip", append([]string{"netns", "exec", n.name, name}, args...)
	}
	if path, err := lookProgram(name); err == nil {
		name = path
	}
	return name, args
}

// Sysctl sets one setting below net, dots between its parts: "ipv4.ip_forward".
func (n *NS) Sysctl(t testing.TB, key, value string) {
	t.Helper()
	path := "/proc/sys/net/" + strings.ReplaceAll(key, ".", "/")
	n.Run(t, "sh", "-c", `echo "$1" >"$2"`, "sh", value, path)
}

// SetResolv sets the resolv.conf that programs in the namespace see from their start on: a bind mount, which cannot be renamed over.
// In Self it is the file itself.
func (n *NS) SetResolv(content string) {
	n.t.Helper()
	path := "/etc/resolv.conf"
	if n.name != "" {
		path = filepath.Join("/etc/netns", n.name, "resolv.conf")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		n.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		n.t.Fatal(err)
	}
}

// Veth joins two namespaces by a cable: one end named aName in a, the other bName in b, both up, with no address but the link-local one.
func Veth(t testing.TB, a *NS, aName string, b *NS, bName string) {
	t.Helper()
	self := Self(t)
	// made under passing names: an end may have the name of a link that is in the test's own namespace
	self.Run(t, "ip", "link", "add", "hftest-a", "type", "veth", "peer", "name", "hftest-b")
	a.adopt(t, "hftest-a", aName)
	b.adopt(t, "hftest-b", bName)
	for _, end := range []struct {
		n    *NS
		name string
	}{{a, aName}, {b, bName}} {
		end.n.await(t, "a link-local address on "+end.name, func() bool {
			return strings.Contains(end.n.Run(t, "ip", "-6", "address", "show", "dev", end.name), "fe80::")
		})
	}
}

// adopt takes a link of the test's own namespace, renames it and sets it up.
func (n *NS) adopt(t testing.TB, link, name string) {
	t.Helper()
	if n.name != "" {
		Self(t).Run(t, "ip", "link", "set", link, "netns", n.name)
	}
	n.Run(t, "ip", "link", "set", link, "name", name, "up")
}

// Bridge makes a bridge in n out of links that n has, and sets it up.
func Bridge(t testing.TB, n *NS, name string, ports ...string) {
	t.Helper()
	n.Run(t, "ip", "link", "add", name, "type", "bridge")
	for _, p := range ports {
		n.Run(t, "ip", "link", "set", p, "master", name)
	}
	n.Run(t, "ip", "link", "set", name, "up")
}

// Do calls f on a thread that is in the namespace: a socket that f opens is the namespace's for as long as it lives. f starts no goroutine that opens another.
func (n *NS) Do(f func() error) error {
	if n.name == "" {
		return f()
	}
	there, err := os.Open(filepath.Join("/run/netns", n.name))
	if err != nil {
		return err
	}
	defer there.Close()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
		done <- f()
	}()
	return <-done
}
