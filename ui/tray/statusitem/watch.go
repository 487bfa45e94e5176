package statusitem

import (
	"context"
	"errors"
	"time"

	"github.com/godbus/dbus/v5"
)

// The watcher is where items register and panels (hosts) look for them.
const (
	watcherName  = "org.kde.StatusNotifierWatcher"
	watcherPath  = dbus.ObjectPath("/StatusNotifierWatcher")
	watcherIface = "org.kde.StatusNotifierWatcher"
)

// callTime bounds a call of the watcher, which may hang with the desktop's shell.
const callTime = 5 * time.Second

// watch keeps an item registered.
type watch struct {
	conn    *dbus.Conn
	name    string // of the item
	opts    Options
	signals chan *dbus.Signal
	rules   [][]dbus.MatchOption
	told    *bool
}

func newWatch(conn *dbus.Conn, name string, opts Options) (*watch, error) {
	w := &watch{conn: conn, name: name, opts: opts, signals: make(chan *dbus.Signal, 64)}
	conn.Signal(w.signals)
	w.rules = [][]dbus.MatchOption{
		{dbus.WithMatchSender("org.freedesktop.DBus"), dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, watcherName)},
		{dbus.WithMatchInterface(watcherIface), dbus.WithMatchMember("StatusNotifierHostRegistered")},
		{dbus.WithMatchInterface(watcherIface), dbus.WithMatchMember("StatusNotifierHostUnregistered")},
	}
	for _, r := range w.rules {
		if err := conn.AddMatchSignal(r...); err != nil {
			w.close()
			return nil, err
		}
	}
	return w, nil
}

// close ends it. After that nothing sends to signals.
func (w *watch) close() {
	for _, r := range w.rules {
		_ = w.conn.RemoveMatchSignal(r...) // the bus forgets them with the connection
	}
	w.conn.RemoveSignal(w.signals)
}

// heard looks again when the watcher or a panel came or went. Everybody may send such a signal: it says when to look, never what is.
func (w *watch) heard(ctx context.Context, s *dbus.Signal) {
	if s == nil {
		return
	}
	switch s.Name {
	case "org.freedesktop.DBus.NameOwnerChanged":
		w.register(ctx)
	case watcherIface + ".StatusNotifierHostRegistered", watcherIface + ".StatusNotifierHostUnregistered":
		w.look(ctx)
	}
}

// register makes the item known to the watcher there is.
func (w *watch) register(ctx context.Context) {
	call := w.call(ctx, watcherIface+".RegisterStatusNotifierItem", w.name)
	if call.Err == nil {
		w.look(ctx)
		return
	}
	if !absent(call.Err) {
		w.opts.Logf("register with the panel: %v", call.Err)
	}
	w.tell(false)
}

// look tells whether a panel shows what is registered.
func (w *watch) look(ctx context.Context) {
	var host dbus.Variant
	err := w.call(ctx, propIface+".Get", watcherIface, "IsStatusNotifierHostRegistered").Store(&host)
	shown, ok := host.Value().(bool)
	w.tell(shown || !ok && !absent(err)) // a watcher that cannot say whether there is a panel is one
}

// call asks the watcher. It starts none: one that nobody asked for shows nothing.
func (w *watch) call(ctx context.Context, method string, values ...any) *dbus.Call {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return w.conn.Object(watcherName, watcherPath).CallWithContext(ctx, method, dbus.FlagNoAutoStart, values...)
}

// tell says whether icons are shown, if that is news.
func (w *watch) tell(shown bool) {
	if w.told == nil || *w.told != shown {
		w.told = &shown
		w.opts.Present(shown)
	}
}

// absent reports whether an error is that nobody has the name.
func absent(err error) bool {
	var e dbus.Error
	return errors.As(err, &e) && (e.Name == "org.freedesktop.DBus.Error.ServiceUnknown" || e.Name == "org.freedesktop.DBus.Error.NameHasNoOwner")
}
