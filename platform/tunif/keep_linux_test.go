package tunif

import (
	"errors"
	"log/slog"
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
	"github.com/holdfast-vpn/holdfast/platform/undo"
)

// shelf is a platform.Keeper in this process.
type shelf struct{ fd int }

func (s *shelf) Take() int {
	fd := s.fd
	s.fd = -1
	if fd >= 0 {
		fd, _ = unix.Dup(fd) // the service manager's own stays open
	}
	return fd
}

func (s *shelf) Keep(fd int) {
	s.Drop()
	s.fd, _ = unix.Dup(fd)
}

func (s *shelf) Drop() {
	if s.fd >= 0 {
		_ = unix.Close(s.fd)
	}
	s.fd = -1
}

// open makes the device as a process that has the journal to itself does, and returns what lets both go.
func open(t *testing.T, k platform.Keeper) (platform.Device, func()) {
	t.Helper()
	j, err := undo.Open("/run/hf-state", "/run/hf-runtime", undo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := New(j, slog.New(slog.DiscardHandler), k).Open(t.Context(), 1400)
	if err != nil {
		t.Fatal(err)
	}
	return d, func() {
		t.Helper()
		if err := errors.Join(d.Close(), j.Close()); err != nil {
			t.Error(err)
		}
	}
}

// TestOutlives: a device that was left stays with what is on it, and the next process has the same one: by name, by the descriptor that was kept, or a new one where neither is of use. Close
// deletes it whoever else has it open.
func TestOutlives(t *testing.T) {
	for _, c := range []struct {
		name    string
		keeper  bool
		between func(t *testing.T, self *testenv.NS, s *shelf)
		same    bool
	}{
		{"by its name", false, func(*testing.T, *testenv.NS, *shelf) {}, true},
		{"by the descriptor", true, func(*testing.T, *testenv.NS, *shelf) {}, true},
		{"the descriptor was lost", true, func(_ *testing.T, _ *testenv.NS, s *shelf) { s.Drop() }, true},
		{"the descriptor is of something else", true, func(t *testing.T, _ *testenv.NS, s *shelf) {
			s.Drop()
			var err error
			if s.fd, err = unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"somebody deleted it", true, func(t *testing.T, self *testenv.NS, _ *shelf) { self.Run(t, "ip", "link", "del", platform.Interface) }, false},
		{"somebody put another in its place", false, func(t *testing.T, self *testenv.NS, _ *shelf) {
			self.Run(t, "ip", "link", "del", platform.Interface)
			self.Run(t, "ip", "tuntap", "add", "mode", "tun", "multi_queue", "name", platform.Interface)
		}, false},
		{"somebody has it open", false, func(t *testing.T, _ *testenv.NS, _ *shelf) {
			fd, err := attach(0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = unix.Close(fd) })
		}, false},
		{"somebody set it down", true, func(t *testing.T, self *testenv.NS, _ *shelf) {
			self.Run(t, "ip", "link", "set", platform.Interface, "down")
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !testenv.Namespace(t) {
				return
			}
			testenv.Require(t, "tun")
			self := testenv.Self(t)
			before := testenv.Dump(t, self)
			s := &shelf{fd: -1}
			defer s.Drop()
			var k platform.Keeper
			if c.keeper {
				k = s
			}
			d, leave := open(t, k)
			first := d.Index()
			self.Run(t, "ip", "address", "add", "10.9.0.5/32", "dev", platform.Interface)
			d.(platform.Lasting).Leave()
			leave()
			c.between(t, self, s)
			d, end := open(t, k)
			if same := d.Index() == first; same != c.same {
				t.Errorf("the device was %d and is %d", first, d.Index())
			}
			out := self.Run(t, "ip", "-o", "address", "show", "dev", platform.Interface)
			if has := len(out) > 0; has != c.same {
				t.Errorf("what was on it: %q", out)
			}
			carries(t, d)
			end()
			if diff := testenv.Diff(before, testenv.Dump(t, self)); diff != "" {
				t.Errorf("after Close:\n%s", diff)
			}
			if s.fd >= 0 {
				t.Error("the descriptor is still kept")
			}
		})
	}
}

// carries sends a packet out by the device and reads it there.
func carries(t *testing.T, d platform.Device) {
	t.Helper()
	self := testenv.Self(t)
	self.Run(t, "ip", "address", "replace", "10.9.0.5/32", "dev", platform.Interface)
	self.Run(t, "ip", "route", "replace", "10.9.0.0/24", "dev", platform.Interface)
	c, err := net.Dial("udp", "10.9.0.1:7")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	bufs, sizes := make([][]byte, d.BatchSize()), make([]int, d.BatchSize())
	for i := range bufs {
		bufs[i] = make([]byte, 64+1500)
	}
	if n, err := d.Read(bufs, sizes, 64); err != nil || n != 1 || string(bufs[0][64+28:64+sizes[0]]) != "ping" {
		t.Errorf("read %d packets, %v", n, err)
	}
}
