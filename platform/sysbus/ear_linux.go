package sysbus

import (
	"sync"

	"github.com/godbus/dbus/v5"
)

// ear takes the signals of one connection. Any user of the machine can send us alone as many as he likes, past every match: those are dropped here, where they cost nothing but the reading, and
// never queued. What the bus itself and the owner of the name say waits for its reader, and with it the connection.
type ear struct {
	signals chan *dbus.Signal
	end     chan struct{} // closed with the connection
	once    sync.Once

	mu     sync.Mutex
	name   string // whose signals are wanted; "" nobody's
	path   string
	signal string // INTERFACE.MEMBER
	owner  string // the name's, as far as it is known
	known  bool
}

func newEar() *ear {
	return &ear{signals: make(chan *dbus.Signal, 16), end: make(chan struct{})}
}

// listen says what is wanted from now on.
func (e *ear) listen(name, path, signal string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.name, e.path, e.signal = name, path, signal
}

// of says who owns the name, "" for nobody, unless the bus has said something newer meanwhile.
func (e *ear) of(owner string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.known {
		e.owner, e.known = owner, true
	}
}

// DeliverSignal is godbus's; it is called by the one goroutine that reads the connection.
func (e *ear) DeliverSignal(_, _ string, s *dbus.Signal) {
	if !e.wants(s) {
		return
	}
	select {
	case e.signals <- s:
	case <-e.end:
	}
}

// Terminate is godbus's: the connection has ended.
func (e *ear) Terminate() { e.once.Do(func() { close(e.end) }) }

// wants reports whether a signal is one that Hear acts on. Its sender is what the bus itself writes on every message.
func (e *ear) wants(s *dbus.Signal) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.name == "" {
		return false
	}
	if s.Sender == driver && s.Name == driver+".NameOwnerChanged" {
		is, ok := newOwner(s, e.name)
		if ok {
			e.owner, e.known = is, true
		}
		return ok
	}
	return s.Name == e.signal && e.known && s.Sender == e.owner && string(s.Path) == e.path
}

// newOwner is who owns the name after a NameOwnerChanged, if that is about it.
func newOwner(s *dbus.Signal, name string) (owner string, ok bool) {
	var who, was, is string
	if dbus.Store(s.Body, &who, &was, &is) != nil || who != name {
		return "", false
	}
	return is, true
}
