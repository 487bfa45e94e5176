package desk

import (
	"slices"
	"strings"
	"sync"

	"github.com/godbus/dbus/v5"
)

const (
	watcherName = "org.kde.StatusNotifierWatcher"
	watcherPath = dbus.ObjectPath("/StatusNotifierWatcher")
	propIface   = "org.freedesktop.DBus.Properties"
)

// Panel is a panel that shows icons: the watcher at which items register, and the one host of it.
type Panel struct {
	bus  *Bus
	conn *dbus.Conn

	mu         sync.Mutex
	host       bool
	items      []string // where each registered, "NAME/PATH"
	registered int      // how often
}

// NewPanel starts a panel.
func (b *Bus) NewPanel() *Panel {
	b.t.Helper()
	p := b.NewWatcher()
	p.Host(true)
	return p
}

// NewWatcher starts a watcher without a panel: items can register, and nobody shows them.
func (b *Bus) NewWatcher() *Panel {
	b.t.Helper()
	p := &Panel{bus: b, conn: b.dial()}
	err := p.conn.ExportMethodTable(map[string]any{
		"RegisterStatusNotifierItem": p.register,
		"RegisterStatusNotifierHost": func(string) *dbus.Error { return nil },
	}, watcherPath, watcherName)
	if err == nil {
		err = p.conn.ExportMethodTable(map[string]any{"Get": p.get}, watcherPath, propIface)
	}
	if err == nil {
		err = p.conn.AddMatchSignal(dbus.WithMatchSender("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(2, ""))
	}
	if err == nil {
		_, err = p.conn.RequestName(watcherName, dbus.NameFlagDoNotQueue)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	gone := make(chan *dbus.Signal, 1024)
	p.conn.Signal(gone)
	go p.sweep(gone)
	return p
}

// sweep forgets the icons of programs that have gone from the bus, until the panel goes and with it the channel is closed.
func (p *Panel) sweep(gone <-chan *dbus.Signal) {
	for s := range gone {
		name, is := "", len(s.Body) > 0
		if is {
			name, is = s.Body[0].(string)
		}
		if !is {
			continue
		}
		p.mu.Lock()
		p.items = slices.DeleteFunc(p.items, func(where string) bool { return strings.HasPrefix(where, name+"/") })
		p.mu.Unlock()
	}
}

// Host says that there is, or no longer is, somebody who shows the icons.
func (p *Panel) Host(there bool) {
	p.bus.t.Helper()
	p.mu.Lock()
	p.host = there
	p.mu.Unlock()
	signal := watcherName + ".StatusNotifierHostRegistered"
	if !there {
		signal = watcherName + ".StatusNotifierHostUnregistered"
	}
	if err := p.conn.Emit(watcherPath, signal); err != nil {
		p.bus.t.Fatal(err)
	}
}

// Crash ends the panel without a word.
func (p *Panel) Crash() { _ = p.conn.Close() }

func (p *Panel) register(sender dbus.Sender, service string) *dbus.Error {
	where := service + "/StatusNotifierItem"
	if strings.HasPrefix(service, "/") { // a path of the sender's
		where = string(sender) + service
	}
	p.mu.Lock()
	p.registered++
	if !slices.Contains(p.items, where) {
		p.items = append(p.items, where)
	}
	p.mu.Unlock()
	_ = p.conn.Emit(watcherPath, watcherName+".StatusNotifierItemRegistered", where)
	return nil
}

func (p *Panel) get(_, name string) (dbus.Variant, *dbus.Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch name {
	case "IsStatusNotifierHostRegistered":
		return dbus.MakeVariant(p.host), nil
	case "RegisteredStatusNotifierItems":
		return dbus.MakeVariant(slices.Clone(p.items)), nil
	case "ProtocolVersion":
		return dbus.MakeVariant(int32(0)), nil
	}
	return dbus.Variant{}, dbus.NewError("org.freedesktop.DBus.Error.UnknownProperty", nil)
}

// Registered is how often items registered so far.
func (p *Panel) Registered() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.registered
}

// Icon waits for the one icon of the panel.
func (p *Panel) Icon() *Icon {
	p.bus.t.Helper()
	var where string
	Await(p.bus.t, "an icon in the panel", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.items) > 1 {
			p.bus.t.Fatalf("there are several icons: %q", p.items)
		}
		if len(p.items) == 1 {
			where = p.items[0]
		}
		return where != ""
	})
	name, path, _ := strings.Cut(where, "/")
	i := &Icon{t: p.bus.t, conn: p.bus.dial(), name: name, path: dbus.ObjectPath("/" + path)}
	i.listen()
	return i
}
