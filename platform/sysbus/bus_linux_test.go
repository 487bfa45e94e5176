package sysbus_test

import (
	"net"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

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
	if _, err := sysbus.Descriptor(t.Context(), "org.example.Nobody", "/", "org.example.Nobody.Open"); err == nil {
		t.Error("nobody answered, and it was called")
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
	for _, method := range []string{"NoSuchMethod", "GetId"} {
		if f, err := sysbus.Descriptor(t.Context(), "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus."+method); err == nil {
			t.Errorf("%s brought the file %v", method, f.Fd())
		}
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

const (
	clockName = "org.example.Clock"
	clockPath = "/org/example/Clock"
)

// connect is one more process on the bus, as far as the bus can tell.
func connect(t *testing.T) *dbus.Conn {
	t.Helper()
	c, err := dbus.Connect("unix:path=" + sysbus.Path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// forge sends a signal to everybody and to each one alone, and returns when the bus has taken it.
func forge(t *testing.T, c *dbus.Conn, iface, member string, body ...any) {
	t.Helper()
	var names []string
	if err := c.BusObject().Call("org.freedesktop.DBus.ListNames", 0).Store(&names); err != nil {
		t.Fatal(err)
	}
	for _, to := range append(names, "") {
		s := &dbus.Message{Type: dbus.TypeSignal, Body: body, Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldPath: dbus.MakeVariant(dbus.ObjectPath(clockPath)), dbus.FieldInterface: dbus.MakeVariant(iface), dbus.FieldMember: dbus.MakeVariant(member),
			dbus.FieldSignature: dbus.MakeVariant(dbus.SignatureOf(body...)),
		}}
		if to != "" && !strings.HasPrefix(to, ":") {
			continue
		}
		if to != "" {
			s.Headers[dbus.FieldDestination] = dbus.MakeVariant(to)
		}
		c.Send(s, nil)
	}
	if err := c.BusObject().Call("org.freedesktop.DBus.GetId", 0).Err; err != nil {
		t.Fatal(err)
	}
}

// TestHear: only the owner of the name is heard, and only from the object; whoever comes after him is, too.
func TestHear(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	testenv.SystemBus(t)
	owner, stranger := connect(t), connect(t)
	bus, err := sysbus.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	said := make(chan any, 16)
	expect := func(want ...any) {
		t.Helper()
		for _, w := range want {
			select {
			case got := <-said:
				if !reflect.DeepEqual(got, w) {
					t.Fatalf("heard %v, want %v", got, w)
				}
			case <-time.After(5 * time.Second):
				t.Fatalf("never heard %v", w)
			}
		}
	}
	tick := func(c *dbus.Conn, path, body string) {
		t.Helper()
		if err := c.Emit(dbus.ObjectPath(path), clockName+".Tick", body); err != nil {
			t.Fatal(err)
		}
	}
	go func() {
		_ = bus.Hear(t.Context(), clockName, clockPath, clockName+".Tick", func(there bool) { said <- there }, func(body []any) { said <- body })
	}()
	expect(false)
	for _, c := range []*dbus.Conn{owner, stranger} { // and then they change places
		if got, err := c.RequestName(clockName, 0); err != nil || got != dbus.RequestNameReplyPrimaryOwner {
			t.Fatalf("%v, %v", got, err)
		}
		expect(true)
		other := map[*dbus.Conn]*dbus.Conn{owner: stranger, stranger: owner}[c]
		forge(t, other, clockName, "Tick", "forged")
		forge(t, other, "org.freedesktop.DBus", "NameOwnerChanged", clockName, c.Names()[0], other.Names()[0])
		forge(t, other, clockName, "Tick", "forged again")
		tick(c, "/org/example/Other", "elsewhere")
		tick(c, clockPath, "true")
		expect([]any{"true"})
		if _, err := c.ReleaseName(clockName); err != nil {
			t.Fatal(err)
		}
		expect(false)
	}
}

// TestFlood: a user of the machine sends us signals without end, to us alone and looking like the owner's. None of them is kept, and the owner is heard.
func TestFlood(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	testenv.SystemBus(t)
	owner, stranger := connect(t), connect(t)
	if _, err := owner.RequestName(clockName, 0); err != nil {
		t.Fatal(err)
	}
	bus, err := sysbus.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	there, said, read := make(chan bool, 4), make(chan []any), make(chan struct{})
	go func() {
		_ = bus.Hear(t.Context(), clockName, clockPath, clockName+".Tick", func(is bool) { there <- is }, func(body []any) { said <- body; <-read }) // a reader who is slow
	}()
	if !<-there {
		t.Fatal("the owner is not seen")
	}
	hear := func() {
		t.Helper()
		if err := owner.Emit(clockPath, clockName+".Tick", "true"); err != nil {
			t.Fatal(err)
		}
		select {
		case body := <-said:
			if !reflect.DeepEqual(body, []any{"true"}) {
				t.Errorf("heard %.40v", body)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the owner is not heard")
		}
	}
	hear() // and the reader is busy with it
	before := runtime.NumGoroutine()
	var memory, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&memory)
	blob := strings.Repeat("x", 4096)
	for range 1000 { // to each of the three connections and to everybody: 4 MB for us
		forge(t, stranger, clockName, "Tick", blob)
	}
	if n := runtime.NumGoroutine() - before; n > 20 {
		t.Errorf("%d goroutines more", n)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n := int64(after.HeapAlloc) - int64(memory.HeapAlloc); n > 2<<20 {
		t.Errorf("%d bytes are kept", n)
	}
	read <- struct{}{}
	hear()
	read <- struct{}{}
}
