package testenv

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// insideEnv tells the child which network namespace its parent is in: it must be in another one.
const insideEnv = "HOLDFAST_TESTENV_OUTSIDE"

// Resolv is the content of /etc/resolv.conf as Namespace leaves it.
const Resolv = "# of the test's namespace\nnameserver 192.0.2.53\n"

var setup struct {
	once sync.Once
	err  error
}

// Namespace runs the calling test in network, mount and process namespaces of its own and reports whether this is that run. The first
// call, on the machine itself, starts a child for this test alone, takes over its verdict and output, and returns false. There: lo is up, /run
// is empty, /etc is a writable layer over the machine's with the resolv.conf that Resolv is, rp_filter and duplicate address detection are off.
//
// A benchmark is run once, with the flags of its own package, and what the child says on standard error is seen as it comes.
func Namespace(t testing.TB) bool {
	t.Helper()
	outside := os.Getenv(insideEnv)
	if outside == "" {
		Require(t, "netns", "overlay")
		reexec(t)
		return false
	}
	setup.once.Do(func() { setup.err = enter(outside) })
	if setup.err != nil {
		t.Fatalf("own namespace: %v", setup.err)
	}
	return true
}

// inside reports whether Namespace has set this process up.
func inside() bool { return os.Getenv(insideEnv) != "" && os.Getpid() == 1 }

// netnsOf identifies the network namespace of this process.
func netnsOf() (string, error) { return os.Readlink("/proc/self/ns/net") }

// reexec runs the one test or benchmark again in new namespaces and hands its verdict on.
func reexec(t testing.TB) {
	t.Helper()
	here, err := netnsOf()
	if err != nil {
		t.Fatal(err)
	}
	test, _ := t.(*testing.T)
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", childArgs(t, test)...)
	cmd.Env = append(os.Environ(), insideEnv+"="+here)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL,
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	passed, skipped := "--- PASS: "+t.Name()+" (", "--- SKIP: "+t.Name()+" ("
	if test == nil {
		cmd.Stderr = os.Stderr
		passed, skipped = "\n"+t.Name(), "--- SKIP: "+t.Name()
	}
	runtime.LockOSThread() // Pdeathsig is about the thread that started the child
	defer runtime.UnlockOSThread()
	err = cmd.Run()
	text := out.String()
	switch {
	case err != nil:
		t.Fatalf("%v\n%s", err, text)
	case strings.Contains(text, skipped):
		t.Skip(text)
	case !strings.Contains(text, passed):
		t.Fatalf("the child did not run the test\n%s", text)
	case test != nil && testing.Verbose():
		t.Log("in its own namespaces:\n" + text)
	}
}

// childArgs are the flags that make the test binary run t alone, and those of the test's own package that were given, and where its artifacts go.
func childArgs(t testing.TB, test *testing.T) []string {
	args := []string{"-test.run=^$", "-test.bench=" + runPattern(t.Name()), "-test.benchtime=1x"}
	if test != nil {
		args = []string{"-test.run=" + runPattern(t.Name()), "-test.v", "-test.count=1"}
		if d, ok := test.Deadline(); ok {
			args = append(args, fmt.Sprintf("-test.timeout=%s", max(time.Second, time.Until(d)-5*time.Second).Round(time.Millisecond)))
		}
	}
	flag.Visit(func(f *flag.Flag) {
		if !strings.HasPrefix(f.Name, "test.") || f.Name == "test.artifacts" || f.Name == "test.outputdir" {
			args = append(args, "-"+f.Name+"="+f.Value.String())
		}
	})
	return args
}

// runPattern selects exactly one test, or subtest, by name.
func runPattern(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}

// enter makes the new namespaces habitable, and refuses to touch those of the machine.
func enter(outside string) error {
	here, err := netnsOf()
	if err != nil {
		return err
	}
	if here == outside {
		return fmt.Errorf("still in the machine's network %s", here)
	}
	if os.Getpid() != 1 {
		return fmt.Errorf("process %d is not the first of its namespace", os.Getpid())
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	if err := mountOwn(); err != nil {
		return err
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return err
	}
	for name, value := range calm {
		if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// calm are the settings every namespace of a test starts with: what the machine inherits to new namespaces differs from machine to machine.
var calm = map[string]string{
	"ipv4/conf/all/rp_filter":      "0",
	"ipv4/conf/default/rp_filter":  "0",
	"ipv6/conf/all/accept_dad":     "0",
	"ipv6/conf/default/accept_dad": "0",
}

// mountOwn puts an empty /run and a writable layer over /etc, whose resolv.conf is a plain file.
func mountOwn() error {
	if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return fmt.Errorf("mounting /run: %w", err)
	}
	const layer = "/run/.etc"
	for _, dir := range []string{layer, layer + "/upper", layer + "/work"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	if err := unix.Mount("overlay", "/etc", "overlay", 0, "lowerdir=/etc,upperdir="+layer+"/upper,workdir="+layer+"/work"); err != nil {
		return fmt.Errorf("mounting /etc: %w", err)
	}
	if err := os.Remove("/etc/resolv.conf"); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := os.WriteFile("/etc/resolv.conf", []byte(Resolv), 0o644); err != nil {
		return err
	}
	return os.Chmod("/etc/resolv.conf", 0o644)
}
