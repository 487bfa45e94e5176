package systemd

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// asHeir makes the test binary a service that was started with descriptors: it prints what it inherited.
const asHeir = "SYSTEMD_TEST_HEIR"

func TestMain(m *testing.M) {
	if os.Getenv(asHeir) != "" {
		if os.Getenv("LISTEN_PID") == "own" {
			os.Setenv("LISTEN_PID", fmt.Sprint(os.Getpid()))
		}
		s := Inherit("device")
		fd := s.Take()
		text := make([]byte, 16)
		n, _ := unix.Read(fd, text)
		_, first := unix.FcntlInt(firstFD, unix.F_GETFD, 0)
		flags, _ := unix.FcntlInt(uintptr(max(fd, 0)), unix.F_GETFD, 0)
		fmt.Printf("%d %q again %d, the other closed %t, inherited further %t, left %q\n", fd, text[:max(n, 0)], s.Take(), first != nil, fd >= 0 && flags&unix.FD_CLOEXEC == 0, os.Getenv("LISTEN_FDS"))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestInherit: the descriptor with our name comes, once; others are closed, and those meant for another process are left alone.
func TestInherit(t *testing.T) {
	for _, c := range []struct{ name, pid, fds, names, want string }{
		{"ours is the second", "own", "2", "other:device", `4 "second" again -1, the other closed true, inherited further false, left ""`},
		{"none is ours", "own", "2", "a:b", `-1 "" again -1, the other closed true, inherited further false, left ""`},
		{"for somebody else", "1", "2", "other:device", `-1 "" again -1, the other closed false, inherited further false, left ""`},
		{"no numbers", "x", "-7", "", `-1 "" again -1, the other closed false, inherited further false, left ""`},
	} {
		t.Run(c.name, func(t *testing.T) {
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(self)
			cmd.Env = []string{asHeir + "=1", "LISTEN_PID=" + c.pid, "LISTEN_FDS=" + c.fds, "LISTEN_FDNAMES=" + c.names}
			for _, text := range []string{"first", "second"} {
				r, w, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.WriteString(text); err != nil {
					t.Fatal(err)
				}
				cmd.ExtraFiles = append(cmd.ExtraFiles, r)
				defer r.Close()
				defer w.Close()
			}
			out, err := cmd.CombinedOutput()
			if err != nil || strings.TrimSpace(string(out)) != c.want {
				t.Errorf("%v: %s, want %s", err, out, c.want)
			}
		})
	}
}

// TestKeep: systemd is sent the descriptor itself, under its name, in place of the one before.
func TestKeep(t *testing.T) {
	l := listen(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	s := &Store{name: "device", fd: -1}
	s.Keep(int(r.Fd()))
	var got []string
	if err := l.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	text, oob := make([]byte, 64), make([]byte, 64)
	var fds []int
	for range 2 {
		n, m, _, _, err := l.ReadMsgUnix(text, oob)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(text[:n]))
		messages, err := unix.ParseSocketControlMessage(oob[:m])
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range messages {
			more, err := unix.ParseUnixRights(&c)
			if err != nil {
				t.Fatal(err)
			}
			fds = append(fds, more...)
		}
	}
	if want := []string{"FDSTOREREMOVE=1\nFDNAME=device", "FDSTORE=1\nFDNAME=device"}; !slices.Equal(got, want) || len(fds) != 1 {
		t.Fatalf("got %q with %d descriptors", got, len(fds))
	}
	defer unix.Close(fds[0])
	if _, err := w.WriteString("through"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 16)
	if n, err := unix.Read(fds[0], b); err != nil || !bytes.Equal(b[:n], []byte("through")) {
		t.Errorf("the descriptor brings %q, %v", b[:max(n, 0)], err)
	}
}
