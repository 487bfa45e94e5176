package sysbus_test

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/platform/sysbus"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

func TestNoBus(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	if _, err := sysbus.Dial(t.Context()); err == nil {
		t.Error("there is no bus, and it was dialled")
	}
}

// TestBusThatHangs: who accepts and never answers costs a second, not the session.
func TestBusThatHangs(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	if err := os.MkdirAll("/run/dbus", 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", sysbus.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	start := time.Now()
	if _, err := sysbus.Dial(t.Context()); err == nil {
		t.Error("nobody answered, and it was dialled")
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("it took %v to give up", d)
	}
}

func TestBus(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	daemon := testenv.SystemBus(t)
	bus, err := sysbus.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := bus.Of(t.Context(), "org.example.Nobody"); got != sysbus.Nowhere {
		t.Errorf("nobody's name is %s", got)
	}
	if got := bus.Of(t.Context(), "org.freedesktop.DBus"); got != sysbus.Ours {
		t.Errorf("the bus itself is %s", got)
	}
	err = bus.Call(t.Context(), "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.NoSuchMethod", nil, nil)
	if !sysbus.Unknown(err) {
		t.Errorf("a method that does not exist: %v", err)
	}
	if err := bus.Call(t.Context(), "org.example.Nobody", "/", "org.example.Nobody.Start", nil, nil); err == nil || sysbus.Unknown(err) {
		t.Errorf("nobody answered with %v", err)
	}
	watched := make(chan error, 1)
	listening := make(chan struct{}, 1)
	go func() {
		watched <- bus.Watch(t.Context(), "org.example.Nobody", "/org/example", func() { listening <- struct{}{} })
	}()
	<-listening
	daemon.Kill()
	if err := <-watched; err == nil {
		t.Error("the bus went, and the watch ended well")
	}
	if got := bus.Of(t.Context(), "org.freedesktop.DBus"); got != sysbus.Nowhere {
		t.Errorf("on a bus that is gone somebody is %s", got)
	}
	if err := bus.Close(); err != nil {
		t.Error(err)
	}
}
