package power

import (
	"bytes"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/platform/sysbus"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// soon is what comes from c.
func soon[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v, open := <-c:
		if !open {
			t.Fatalf("%s: closed", what)
		}
		return v
	case <-time.After(15 * time.Second):
		t.Fatalf("%s: never", what)
	}
	panic("unreachable")
}

// held fails unless the lock is held.
func held(t *testing.T, d *testenv.DelayLock) {
	t.Helper()
	time.Sleep(20 * time.Millisecond)
	if !d.Held() {
		t.Error("the lock is not held")
	}
}

// free fails unless the lock is let go of, within limit.
func free(t *testing.T, d *testenv.DelayLock, limit time.Duration) {
	t.Helper()
	if err := d.Free(limit); err != nil {
		t.Error(err)
	}
}

// TestLogind: a night, one in which nobody is ready, a logind that is restarted, a bus that is.
func TestLogind(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	bus := testenv.SystemBus(t)
	l := testenv.NewLogind(t, false)
	m := Open(slog.New(slog.DiscardHandler))
	defer m.Close()
	lock := l.Lock()
	if want := []any{"sleep", "Holdfast", "The VPN session is kept or ended first", "delay"}; !reflect.DeepEqual(lock.Asked, want) {
		t.Errorf("asked for %q", lock.Asked)
	}
	for _, ready := range []bool{true, false} {
		l.Announce(true)
		e := soon(t, "word of sleep", m.Events())
		held(t, lock)
		if !e.Sleep {
			t.Fatalf("told %+v", e)
		}
		if ready {
			e.Ready()
		}
		free(t, lock, patience+time.Second)
		l.Announce(false)
		if e := soon(t, "word of waking", m.Events()); e.Sleep {
			t.Errorf("told %+v", e)
		}
		lock = l.Lock()
	}
	l.Quit()
	free(t, lock, 5*time.Second)
	l = testenv.NewLogind(t, false)
	lock = l.Lock()
	bus.Kill()
	free(t, lock, 5*time.Second)
	bus.Start()
	l = testenv.NewLogind(t, false)
	lock = l.Lock()
	held(t, lock)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	free(t, lock, time.Second)
}

// TestLogindComesLater: without a bus, and on one without a logind, there is nothing to say.
func TestLogindComesLater(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	var log bytes.Buffer
	m := Open(slog.New(slog.NewTextHandler(&log, nil)))
	defer m.Close()
	testenv.SystemBus(t)
	for end := time.Now().Add(15 * time.Second); connections(t) < 2; time.Sleep(50 * time.Millisecond) { // ours that asks, and the monitor's
		if time.Now().After(end) {
			t.Fatal("it never found the bus")
		}
	}
	held(t, testenv.NewLogind(t, false).Lock())
	if err := m.Close(); err != nil || log.Len() > 0 {
		t.Errorf("%v, logged: %s", err, log.String())
	}
}

// connections counts those of the bus.
func connections(t *testing.T) (n int) {
	t.Helper()
	bus, err := sysbus.Dial(t.Context())
	if err != nil {
		return 0
	}
	defer bus.Close()
	var names []string
	if err := bus.Call(t.Context(), "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.ListNames", nil, []any{&names}); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, ":") {
			n++
		}
	}
	return n
}

// TestLogindRefuses: what it says is heard without a lock, too.
func TestLogindRefuses(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	testenv.SystemBus(t)
	l := testenv.NewLogind(t, true)
	said := make(chan string, 8)
	m := Open(slog.New(slog.NewTextHandler(lines(said), nil)))
	defer m.Close()
	if line := soon(t, "a warning", said); !strings.Contains(line, "will not wait") || !strings.Contains(line, "AccessDenied") {
		t.Errorf("said %s", line)
	}
	l.Announce(true)
	if e := soon(t, "word of sleep", m.Events()); !e.Sleep {
		t.Errorf("told %+v", e)
	}
}

// lines is a writer.
type lines chan string

func (c lines) Write(b []byte) (int, error) {
	c <- string(b)
	return len(b), nil
}
