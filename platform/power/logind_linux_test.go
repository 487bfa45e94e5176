package power

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/holdfast-vpn/holdfast/platform/sysbus"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// manners is a logind that answers Inhibit and says what it is told to.
type manners struct {
	t     *testing.T
	conn  *dbus.Conn
	given chan given
}

// given is one lock: what was asked, and our end of the pipe whose other end is the lock.
type given struct {
	asked []any
	pipe  *os.File
}

// serve puts a logind on the bus. It does all by hand, because the lock's end that it sends must be closed when it is sent.
func serve(t *testing.T, refuses bool) *manners {
	t.Helper()
	l := &manners{t: t, given: make(chan given, 8)}
	var err error
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if l.conn, err = dbus.Connect("unix:path=" + sysbus.Path); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.conn.Close() })
	calls := make(chan *dbus.Message, 16)
	l.conn.Eavesdrop(calls)
	go func() { // ends with the connection
		for m := range calls {
			if member, _ := m.Headers[dbus.FieldMember].Value().(string); m.Type == dbus.TypeMethodCall && member == "Inhibit" {
				l.answer(m, refuses)
			}
		}
	}()
	l.conn.BusObject().Go("org.freedesktop.DBus.RequestName", dbus.FlagNoReplyExpected, nil, logind, uint32(dbus.NameFlagDoNotQueue))
	return l
}

func (l *manners) answer(m *dbus.Message, refuses bool) {
	a := &dbus.Message{Type: dbus.TypeMethodReply, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: m.Headers[dbus.FieldSender], dbus.FieldReplySerial: dbus.MakeVariant(m.Serial()),
	}}
	if refuses {
		a.Type = dbus.TypeError
		a.Headers[dbus.FieldErrorName] = dbus.MakeVariant("org.freedesktop.DBus.Error.AccessDenied")
		l.conn.Send(a, nil)
		return
	}
	ours, theirs, err := os.Pipe()
	if err != nil {
		l.t.Error(err)
		return
	}
	fd := dbus.UnixFD(theirs.Fd())
	a.Body, a.Headers[dbus.FieldSignature] = []any{fd}, dbus.MakeVariant(dbus.SignatureOf(fd))
	l.conn.Send(a, nil)
	_ = theirs.Close()
	l.given <- given{m.Body, ours}
}

// announce emits PrepareForSleep.
func (l *manners) announce(start bool) {
	l.t.Helper()
	if err := l.conn.Emit(object, manager+".PrepareForSleep", start); err != nil {
		l.t.Fatal(err)
	}
}

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
func (g given) held(t *testing.T) {
	t.Helper()
	_ = g.pipe.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := g.pipe.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the lock is not held: %v", err)
	}
}

// free fails unless the lock is let go of, within d.
func (g given) free(t *testing.T, d time.Duration) {
	t.Helper()
	_ = g.pipe.SetReadDeadline(time.Now().Add(d))
	if _, err := g.pipe.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the lock is held: %v", err)
	}
}

// TestLogind: a night, one in which nobody is ready, a logind that is restarted, a bus that is.
func TestLogind(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	bus := testenv.SystemBus(t)
	l := serve(t, false)
	m := Open(slog.New(slog.DiscardHandler))
	defer m.Close()
	lock := soon(t, "a lock", l.given)
	if want := []any{"sleep", "Holdfast", "The VPN session is kept or ended first", "delay"}; !reflect.DeepEqual(lock.asked, want) {
		t.Errorf("asked for %q", lock.asked)
	}
	for _, ready := range []bool{true, false} {
		l.announce(true)
		e := soon(t, "word of sleep", m.Events())
		lock.held(t)
		if !e.Sleep {
			t.Fatalf("told %+v", e)
		}
		if ready {
			e.Ready()
		}
		lock.free(t, patience+time.Second)
		l.announce(false)
		if e := soon(t, "word of waking", m.Events()); e.Sleep {
			t.Errorf("told %+v", e)
		}
		lock = soon(t, "the next lock", l.given)
	}
	l.conn.Close()
	lock.free(t, 5*time.Second)
	l = serve(t, false)
	lock = soon(t, "a lock of the new logind", l.given)
	bus.Kill()
	lock.free(t, 5*time.Second)
	bus.Start()
	l = serve(t, false)
	lock = soon(t, "a lock after the bus came back", l.given)
	lock.held(t)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	lock.free(t, time.Second)
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
	soon(t, "a lock", serve(t, false).given).held(t)
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
	l := serve(t, true)
	said := make(chan string, 8)
	m := Open(slog.New(slog.NewTextHandler(lines(said), nil)))
	defer m.Close()
	if line := soon(t, "a warning", said); !strings.Contains(line, "will not wait") || !strings.Contains(line, "AccessDenied") {
		t.Errorf("said %s", line)
	}
	l.announce(true)
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
