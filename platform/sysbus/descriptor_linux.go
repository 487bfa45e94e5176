package sysbus

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/godbus/dbus/v5"
)

// Descriptor calls a method, given as INTERFACE.METHOD, that returns one file descriptor. It takes a second at most, the dialling included. The caller closes the file.
func Descriptor(ctx context.Context, name, path, method string, args ...any) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	conn, err := dbus.Dial("unix:path="+Path, dbus.WithContext(ctx)) // the end of ctx closes it, and with that whatever waits
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err = conn.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Geteuid()))}); err == nil {
		err = conn.Hello()
	}
	if err != nil {
		return nil, fmt.Errorf("system bus: %w", err)
	}
	call := conn.Object(name, dbus.ObjectPath(path)).CallWithContext(ctx, method, dbus.FlagNoAutoStart, args...)
	var fd dbus.UnixFD
	if err := call.Store(&fd); err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	return os.NewFile(uintptr(fd), method), nil
}
