package desk

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// Patience is how long a test waits for what must come: long for a machine that does much else, and nothing passes by waiting.
const Patience = 30 * time.Second

// Await waits until a condition holds, looking every few milliseconds. what is for the failure.
func Await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("there is not within %v: %s", Patience, what)
		}
	}
}

// busConfig lets everybody do everything and starts no service.
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=SOCKET</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`

// Bus is a session's D-Bus.
type Bus struct {
	t       testing.TB
	Address string // as DBUS_SESSION_BUS_ADDRESS has it
}

// NewBus starts one, which ends with the test.
func NewBus(t testing.TB) *Bus {
	t.Helper()
	testenv.Require(t, "dbus-daemon")
	dir := t.TempDir()
	socket := filepath.Join(dir, "bus")
	config := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(config, []byte(strings.ReplaceAll(busConfig, "SOCKET", socket)), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, nil, "dbus-daemon", "--config-file="+config, "--nofork", "--nopidfile", "--nosyslog", "--print-address=3")
	return &Bus{t, "unix:path=" + dbus.EscapeBusAddressValue(socket)}
}

// dial connects somebody to the bus.
func (b *Bus) dial() *dbus.Conn {
	b.t.Helper()
	conn, err := dbus.Connect(b.Address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// start runs a program until the test ends, and returns the first line that it says on descriptor 3, where it says that it is ready.
func start(t testing.TB, env []string, name string, args ...string) string {
	t.Helper()
	ready, say, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer ready.Close()
	cmd := exec.Command(name, args...) // not bound to the test's context: what is cleaned up before may need it
	cmd.ExtraFiles = []*os.File{say}
	cmd.Env = append(os.Environ(), env...)
	err = cmd.Start()
	say.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	_ = ready.SetReadDeadline(time.Now().Add(Patience))
	s := bufio.NewScanner(ready)
	if !s.Scan() {
		t.Fatalf("%s does not begin: %v", name, s.Err())
	}
	return s.Text()
}
