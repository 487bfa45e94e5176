//go:build linux || darwin

package localsock

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// short returns a directory whose name leaves room for a socket's: t.TempDir can be longer than sun_path.
func short(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ls")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func dial(t *testing.T, path string) (net.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	return Dial(ctx, path)
}

func TestPeerIsTheKernelsWord(t *testing.T) {
	path := filepath.Join(short(t), "agent.sock")
	l, err := Listen(path, Policy{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := dial(t, path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := s.(*Conn).Peer()
	if int(p.UID) != os.Getuid() || p.PID != os.Getpid() || p.Root != (os.Getuid() == 0) || !p.Member {
		t.Errorf("peer = %+v", p)
	}
}

func TestSocketMode(t *testing.T) {
	dir := short(t)
	path := filepath.Join(dir, "agent.sock")
	l, err := Listen(path, Policy{Group: "no-such-group-here"})
	if err != nil {
		t.Fatal(err)
	}
	fi, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if fi.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("mode = %v, want 0600 where the group does not exist", fi.Mode())
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("in the directory: %v, %v; want the socket alone", left, err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Close: %v", err)
	}
}

func TestWhatIsInTheWay(t *testing.T) {
	tests := []struct {
		name  string
		put   func(t *testing.T, path string)
		ok    bool
		inUse bool
	}{
		{"nothing", func(*testing.T, string) {}, true, false},
		{"a dead socket of ours", func(t *testing.T, path string) { dead(t, path) }, true, false},
		{"a living agent", func(t *testing.T, path string) {
			l, err := Listen(path, Policy{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
		}, false, true},
		{"a file", func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, false, false},
		{"a link to a socket", func(t *testing.T, path string) {
			dead(t, path+".real")
			if err := os.Symlink(path+".real", path); err != nil {
				t.Fatal(err)
			}
		}, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(short(t), "agent.sock")
			tt.put(t, path)
			before, _ := os.Lstat(path)
			l, err := Listen(path, Policy{})
			if (err == nil) != tt.ok || errors.Is(err, ErrInUse) != tt.inUse {
				t.Fatalf("Listen: %v", err)
			}
			if err == nil {
				l.Close()
				return
			}
			after, err := os.Lstat(path)
			if err != nil || !os.SameFile(before, after) {
				t.Errorf("what was there was touched: %v", err)
			}
		})
	}
}

// dead leaves a socket nobody listens on.
func dead(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

func TestCloseLeavesAnothersSocket(t *testing.T) {
	path := filepath.Join(short(t), "agent.sock")
	l, err := Listen(path, Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	dead(t, path)
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the other socket is gone: %v", err)
	}
}

func TestDialErrors(t *testing.T) {
	path := filepath.Join(short(t), "agent.sock")
	if _, err := dial(t, path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
	dead(t, path)
	if _, err := dial(t, path); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestMembership(t *testing.T) {
	if inGroup(uint32(os.Getuid()), "") {
		t.Error("an empty group has a member")
	}
	if inGroup(uint32(os.Getuid()), "no-such-group-here") {
		t.Error("a group that does not exist has a member")
	}
	if inGroup(4000000000, "root") {
		t.Error("a user that does not exist is a member")
	}
}

func TestID(t *testing.T) {
	for _, tt := range []struct {
		p    Peer
		want string
	}{{Peer{}, "0"}, {Peer{UID: 1000}, "1000"}, {Peer{UID: 4294967294}, "4294967294"}, {Peer{SID: "S-1-5-21-1"}, "S-1-5-21-1"}} {
		if got := tt.p.ID(); got != tt.want {
			t.Errorf("%+v.ID() = %q, want %q", tt.p, got, tt.want)
		}
	}
}
