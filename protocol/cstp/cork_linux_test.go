package cstp

import (
	"io"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Until Hold whatever is read is confirmed at once, also in the middle of question and answer, where the kernel would wait; afterwards that is the kernel's affair.
func TestCorkConfirmsAtOnceUntilHeld(t *testing.T) {
	a, b := loopback(t)
	k := Wrap(a)
	atOnce := func() bool {
		t.Helper()
		raw, err := k.Conn.(syscall.Conn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var on int
		if err := raw.Control(func(fd uintptr) { on, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK) }); err != nil {
			t.Fatal(err)
		}
		return err == nil && on == 1
	}
	round := func() {
		t.Helper()
		one := make([]byte, 1)
		for _, step := range []func() (int, error){
			func() (int, error) { return b.Write([]byte("a")) },
			func() (int, error) { return k.Read(one) },
			func() (int, error) { return k.Conn.Write([]byte("b")) },
			func() (int, error) { return io.ReadFull(b, one) },
			func() (int, error) { return b.Write([]byte("c")) },
			func() (int, error) { return k.Read(one) },
		} {
			if _, err := step(); err != nil {
				t.Fatal(err)
			}
		}
	}
	round()
	if !atOnce() {
		t.Error("not at once before Hold")
	}
	k.Hold()
	round()
	if atOnce() {
		t.Error("still at once after Hold: the batches of a download would be confirmed one by one")
	}
}
