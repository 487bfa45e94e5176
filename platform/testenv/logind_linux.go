package testenv

import (
	"errors"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// Names of org.freedesktop.login1(5).
const (
	logindName    = "org.freedesktop.login1"
	logindPath    = "/org/freedesktop/login1"
	logindManager = "org.freedesktop.login1.Manager"
)

// Logind is as much of systemd-logind as one who wants to know of sleep can see: it gives delay locks, announces sleep, and waits for the locks before the machine sleeps. The machine does not
// sleep: what a test wants to happen in that time it does itself, between Suspend and Wake.
type Logind struct {
	// MaxDelay is how long Suspend waits for locks (logind.conf(5), InhibitDelayMaxSec).
	MaxDelay time.Duration
	// Locks brings every lock that was taken. Up to eight wait for a reader.
	Locks <-chan *DelayLock

	t       testing.TB
	conn    *dbus.Conn
	refuses bool
	given   chan *DelayLock

	mu   sync.Mutex
	held []*DelayLock
}

// DelayLock is one that somebody took: a pipe, whose one end he has and closes.
type DelayLock struct {
	Asked []any // what, who, why, mode
	pipe  *os.File
	freed chan struct{} // closed when he has
}

// NewLogind puts a logind on the bus that SystemBus runs. One that refuses gives no locks.
func NewLogind(t testing.TB, refuses bool) *Logind {
	t.Helper()
	mustBeInside(t)
	given := make(chan *DelayLock, 8)
	l := &Logind{MaxDelay: 5 * time.Second, Locks: given, t: t, refuses: refuses, given: given}
	var err error
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if l.conn, err = dbus.Connect("unix:path=" + busPath); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	calls := make(chan *dbus.Message, 16)
	l.conn.Eavesdrop(calls) // by hand, because the end of the pipe that is sent must be closed when it is sent
	var wg sync.WaitGroup
	wg.Go(func() { // ends with the connection
		for m := range calls {
			if member, _ := m.Headers[dbus.FieldMember].Value().(string); m.Type == dbus.TypeMethodCall && member == "Inhibit" {
				l.answer(m)
			}
		}
	})
	t.Cleanup(func() {
		l.Quit()
		wg.Wait()
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, d := range l.held {
			_ = d.pipe.Close()
		}
	})
	l.conn.BusObject().Go("org.freedesktop.DBus.RequestName", dbus.FlagNoReplyExpected, nil, logindName, uint32(dbus.NameFlagDoNotQueue))
	return l
}

// answer gives a lock, or refuses.
func (l *Logind) answer(m *dbus.Message) {
	a := &dbus.Message{Type: dbus.TypeMethodReply, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: m.Headers[dbus.FieldSender], dbus.FieldReplySerial: dbus.MakeVariant(m.Serial()),
	}}
	if l.refuses {
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
	d := &DelayLock{Asked: m.Body, pipe: ours, freed: make(chan struct{})}
	go func() { // ends with the pipe
		if _, err := io.Copy(io.Discard, ours); err == nil {
			close(d.freed)
		}
	}()
	l.mu.Lock()
	l.held = append(l.held, d)
	l.mu.Unlock()
	select {
	case l.given <- d:
	default: // nobody reads them
	}
}

// Announce says that the machine is about to sleep (start), or that it woke, and waits for nobody.
func (l *Logind) Announce(start bool) {
	l.t.Helper()
	if err := l.conn.Emit(logindPath, logindManager+".PrepareForSleep", start); err != nil {
		l.t.Fatal(err)
	}
}

// Suspend announces sleep and waits until every lock is free, MaxDelay at the longest, as logind does. It returns how long that took and how many locks were still held then.
func (l *Logind) Suspend() (took time.Duration, held int) {
	l.t.Helper()
	l.mu.Lock()
	locks := l.held
	l.mu.Unlock()
	began := time.Now()
	l.Announce(true)
	patience := time.After(l.MaxDelay)
	for _, d := range locks {
		select {
		case <-d.freed:
		case <-patience:
			return time.Since(began), l.holders()
		}
	}
	return time.Since(began), l.holders()
}

// Wake announces that the machine woke.
func (l *Logind) Wake() { l.Announce(false) }

// holders counts the locks that are held.
func (l *Logind) holders() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.held {
		if d.Held() {
			n++
		}
	}
	return n
}

// Quit takes the logind off the bus. Its locks are worth nothing any more.
func (l *Logind) Quit() { _ = l.conn.Close() }

// Held reports whether the lock is held.
func (d *DelayLock) Held() bool {
	select {
	case <-d.freed:
		return false
	default:
		return true
	}
}

// Free waits until the lock is let go of, limit at the longest.
func (d *DelayLock) Free(limit time.Duration) error {
	select {
	case <-d.freed:
		return nil
	case <-time.After(limit):
		return errors.New("the lock is held")
	}
}

// Lock waits for the next lock that somebody takes.
func (l *Logind) Lock() *DelayLock {
	l.t.Helper()
	select {
	case d := <-l.Locks:
		return d
	case <-time.After(15 * time.Second):
		l.t.Fatal("nobody takes a lock")
	}
	return nil
}
