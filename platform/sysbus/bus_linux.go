package sysbus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// Path is the system bus (D-Bus specification, "Well-known Message Bus Instances").
const Path = "/run/dbus/system_bus_socket"

// driver is the bus itself, as a name and as an interface.
const driver = "org.freedesktop.DBus"

// callTime is what one call may take: a bus that hangs must not hold up a disconnect.
const callTime = time.Second

// Bus is one connection to the system bus.
type Bus struct {
	conn *dbus.Conn
	ear  *ear
}

// Dial connects and says hello, in a second at most.
func Dial(ctx context.Context) (*Bus, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", Path)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	ear := newEar()
	conn, err := dbus.NewConn(c, dbus.WithSignalHandler(ear))
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if err = conn.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Geteuid()))}); err == nil {
		err = conn.Hello()
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("system bus: %w", err)
	}
	return &Bus{conn, ear}, nil
}

// Close ends the connection.
func (b *Bus) Close() error { return b.conn.Close() }

// Call calls a method, given as INTERFACE.METHOD, and stores what it returns in out, pointers, one for each value. Nobody is started to answer it.
func (b *Bus) Call(ctx context.Context, name, path, method string, args, out []any) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	call := b.conn.Object(name, dbus.ObjectPath(path)).CallWithContext(ctx, method, dbus.FlagNoAutoStart, args...)
	if call.Err != nil {
		return fmt.Errorf("%s: %w", method, call.Err)
	}
	if len(out) == 0 {
		return nil
	}
	return call.Store(out...)
}

// Property stores a property's value in out, a pointer.
func (b *Bus) Property(ctx context.Context, name, path, iface, property string, out any) error {
	var v dbus.Variant
	if err := b.Call(ctx, name, path, "org.freedesktop.DBus.Properties.Get", []any{iface, property}, []any{&v}); err != nil {
		return err
	}
	return v.Store(out)
}

// Answer is the name of the error that a service answered with, "" for an error of another kind.
func Answer(err error) string {
	if e, ok := errors.AsType[dbus.Error](err); ok {
		return e.Name
	}
	return ""
}

// Unknown reports that the service does not have the method: it is an older one.
func Unknown(err error) bool { return Answer(err) == "org.freedesktop.DBus.Error.UnknownMethod" }

// Of asks who has a name. An error counts as nobody: the caller can only do without.
func (b *Bus) Of(ctx context.Context, name string) Network {
	var has bool
	if err := b.driver(ctx, "NameHasOwner", name, &has); err != nil || !has {
		return Nowhere
	}
	var pid uint32
	if err := b.driver(ctx, "GetConnectionUnixProcessID", name, &pid); err != nil || pid == 0 {
		return Unclear
	}
	theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return Unclear
	}
	if here, err := os.Readlink("/proc/self/ns/net"); err != nil || here != theirs {
		return Another
	}
	return Ours
}

func (b *Bus) driver(ctx context.Context, method, name string, out any) error {
	return b.Call(ctx, driver, "/org/freedesktop/DBus", driver+"."+method, []any{name}, []any{out})
}

// Watch calls changed, from the calling goroutine, once when it listens, and then whenever the name gets an owner and whenever the owner says that properties of the object at path changed. It
// returns when ctx or the connection ends.
func (b *Bus) Watch(ctx context.Context, name, path string, changed func()) error {
	began := false
	owned := func(there bool) {
		if there || !began {
			changed()
		}
		began = true
	}
	return b.Hear(ctx, name, path, "org.freedesktop.DBus.Properties.PropertiesChanged", owned, func([]any) { changed() })
}

// Hear calls owned, from the calling goroutine, once when it listens and whenever the name gets or loses an owner, and heard with what the signal, given as INTERFACE.MEMBER, carries whenever the
// owner sends it from the object at path. It returns when ctx or the connection ends.
//
// Only the owner's signals count, and others are not even queued (ear). One call at a time: who listens to a name listens to no other by the same Bus.
func (b *Bus) Hear(ctx context.Context, name, path, signal string, owned func(there bool), heard func(body []any)) error {
	b.ear.listen(name, path, signal)
	defer b.ear.listen("", "", "")
	dot := strings.LastIndexByte(signal, '.')
	for _, match := range [][]dbus.MatchOption{
		{dbus.WithMatchSender(driver), dbus.WithMatchInterface(driver), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, name)},
		{dbus.WithMatchSender(name), dbus.WithMatchObjectPath(dbus.ObjectPath(path)), dbus.WithMatchInterface(signal[:dot]), dbus.WithMatchMember(signal[dot+1:])},
	} {
		bounded, cancel := context.WithTimeout(ctx, callTime)
		err := b.conn.AddMatchSignalContext(bounded, match...)
		cancel()
		if err != nil {
			return err
		}
	}
	var owner string // its unique name, which the bus itself writes on every message
	if err := b.driver(ctx, "GetNameOwner", name, &owner); err != nil && Answer(err) != driver+".Error.NameHasNoOwner" {
		return err
	}
	b.ear.of(owner)
	owned(owner != "")
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-b.ear.end:
			return errors.New("the system bus has gone")
		case s := <-b.ear.signals:
			if s.Name == signal {
				heard(s.Body)
			} else if owner, ok := newOwner(s, name); ok {
				owned(owner != "")
			}
		}
	}
}
