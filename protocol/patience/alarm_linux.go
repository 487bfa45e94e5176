package patience

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// timerfd is timerfd_create(2), by the clock that counts sleep: after a sleep that was longer than the wait it goes off at once.
type timerfd struct{ file *os.File }

func newAlarm() (alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_BOOTTIME, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	return &timerfd{os.NewFile(uintptr(fd), "timerfd")}, nil // not blocking: the runtime's poller waits
}

func (t *timerfd) now() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) // a clock that is there, and memory of ours
	return time.Duration(ts.Nano())
}

func (t *timerfd) set(d time.Duration) error {
	raw, err := t.file.SyscallConn()
	if err != nil {
		return err
	}
	if e := raw.Control(func(fd uintptr) {
		err = unix.TimerfdSettime(int(fd), 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}, nil)
	}); e != nil {
		return e
	}
	return err
}

func (t *timerfd) wait() error {
	var expiries [8]byte
	_, err := t.file.Read(expiries[:])
	return err
}

func (t *timerfd) close() error { return t.file.Close() }
