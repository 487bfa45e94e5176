package systemd

import (
	"net"
	"path/filepath"
	"testing"
)

// listen is a service manager's socket.
func listen(t *testing.T) *net.UnixConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "n")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	t.Setenv(Socket, path)
	return l
}

func TestNotify(t *testing.T) {
	l := listen(t)
	Notify("READY=1")
	b := make([]byte, 64)
	n, err := l.Read(b)
	if err != nil || string(b[:n]) != "READY=1" {
		t.Errorf("got %q, %v", b[:n], err)
	}
	t.Setenv(Socket, "not/absolute")
	Notify("ignored")
	t.Setenv(Socket, filepath.Join(t.TempDir(), "nobody"))
	Notify("nobody listens, nothing hangs")
}
