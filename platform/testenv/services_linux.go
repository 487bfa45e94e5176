package testenv

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/platform/sysbus"
)

// Install lays Debian packages that .ci/test has unpacked over /usr and /etc of the test, as if they were installed, with the users they need. Their scripts do not run.
func Install(t testing.TB, packages ...string) {
	t.Helper()
	mustBeInside(t)
	var layers []string
	for _, p := range packages {
		Require(t, "package:"+p)
		dir := unpacked(p)
		layers = append(layers, filepath.Join(dir, "usr"))
		if etc := filepath.Join(dir, "etc"); exists(etc) {
			Self(t).Run(t, "cp", "-a", etc+"/.", "/etc")
		}
	}
	if err := unix.Mount("overlay", "/usr", "overlay", unix.MS_RDONLY, "lowerdir="+strings.Join(append(layers, "/usr"), ":")); err != nil {
		t.Fatalf("mounting /usr: %v", err)
	}
	for file, line := range map[string]string{"/etc/passwd": "systemd-resolve:x:64998:64998::/:/usr/sbin/nologin\n", "/etc/group": "systemd-resolve:x:64998:\n"} {
		text, err := os.ReadFile(file)
		if err == nil && !bytes.Contains(text, []byte("systemd-resolve:")) {
			err = os.WriteFile(file, append(text, line...), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

const busPath = "/run/dbus/system_bus_socket"

// busConfig lets everybody do everything: the policy of a bus is not what is tested.
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
<type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/></policy>
</busconfig>
`

// Service is a daemon that runs beside a test.
type Service struct {
	t     testing.TB
	cmd   *exec.Cmd
	start func() *exec.Cmd
	ready func() bool
	log   bytes.Buffer
}

// SystemBus runs a D-Bus daemon at the fixed place of a system bus.
func SystemBus(t testing.TB) *Service {
	t.Helper()
	Require(t, "dbus-daemon")
	conf := filepath.Join(t.TempDir(), "bus.conf")
	if err := errors.Join(os.MkdirAll("/run/dbus", 0o755), os.WriteFile(conf, []byte(busConfig), 0o644)); err != nil {
		t.Fatal(err)
	}
	return run(t, func() *exec.Cmd {
		return Self(t).Command("dbus-daemon", "--config-file="+conf, "--nofork", "--nopidfile")
	},
		func() bool { return exists(busPath) })
}

// Resolved runs systemd-resolved, which needs a bus. Install has brought it.
func Resolved(t testing.TB) *Service {
	t.Helper()
	if err := errors.Join(os.MkdirAll("/run/systemd/resolve", 0o755), os.Chown("/run/systemd/resolve", 64998, 64998)); err != nil {
		t.Fatal(err)
	}
	return run(t, func() *exec.Cmd { return Self(t).Command("/usr/lib/systemd/systemd-resolved") }, func() bool {
		return owned("org.freedesktop.resolve1")
	})
}

// owned reports whether somebody in this network has the name on the bus.
func owned(name string) bool {
	bus, err := sysbus.Dial(context.Background())
	if err != nil {
		return false
	}
	defer bus.Close()
	return bus.Of(context.Background(), name) == sysbus.Ours
}

// run starts a daemon and waits until it is ready.
func run(t testing.TB, start func() *exec.Cmd, ready func() bool) *Service {
	t.Helper()
	s := &Service{t: t, start: start, ready: ready}
	s.Start()
	t.Cleanup(s.Kill)
	return s
}

// Start runs the daemon again after Kill.
func (s *Service) Start() {
	s.t.Helper()
	s.cmd = s.start()
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if s.ready() {
			return
		}
	}
	s.t.Fatalf("%s is not ready after 5 s\n%s", s.cmd.Path, s.log.String())
}

// Signal sends the daemon one.
func (s *Service) Signal(sig syscall.Signal) {
	s.t.Helper()
	if err := syscall.Kill(-s.cmd.Process.Pid, sig); err != nil {
		s.t.Fatal(err)
	}
}

// Kill ends the daemon without a warning.
func (s *Service) Kill() {
	if s.cmd == nil {
		return
	}
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	_ = s.cmd.Wait()
	s.cmd = nil
}
