package statusitem

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// Names and paths of the protocol.
const (
	itemPath  = dbus.ObjectPath("/StatusNotifierItem")
	menuPath  = dbus.ObjectPath("/MenuBar")
	itemIface = "org.kde.StatusNotifierItem"
	menuIface = "com.canonical.dbusmenu"
	propIface = "org.freedesktop.DBus.Properties"
)

// Gap is the least time between two changes that a panel is told of.
const Gap = 100 * time.Millisecond

// Pixmap is a picture: Height rows of Width pixels, each four bytes A, R, G, B, not premultiplied.
type Pixmap struct {
	Width, Height int32
	ARGB          []byte
}

// Entry is a line of the menu; one without a label is a separator.
type Entry struct {
	Label    string
	Checked  bool
	Chosen   func() // nil where it cannot be chosen; called on a goroutine of the bus
	Children []Entry
}

// Look is what is to be seen.
type Look struct {
	Icons   []Pixmap // the same picture in several sizes
	Tooltip string
	Needs   bool // the person is needed: panels that hide icons show this one
	Menu    []Entry
}

// Options are what an Item is made of.
type Options struct {
	ID       string               // of the program, for panels that remember where its icon was
	Title    string               // what the icon is of
	Activate func()               // the icon itself was clicked; called on a goroutine of the bus
	Present  func(shown bool)     // called by Run at first and whenever it changes: whether there is a panel that shows icons
	Logf     func(string, ...any) // what went wrong with a panel
}

// Item is the icon.
type Item struct {
	conn *dbus.Conn
	opts Options

	mu    sync.Mutex
	look  Look
	menu  menu
	dirty bool
	kick  chan struct{} // holds one; closed by nobody
}

// New puts an item on a connection, which is the caller's to close. Run makes it known to panels. What was shown before Run is what they see first.
func New(conn *dbus.Conn, opts Options) (*Item, error) {
	i := &Item{conn: conn, opts: opts, kick: make(chan struct{}, 1)}
	i.menu.set(nil)
	exports := []struct {
		methods map[string]any
		path    dbus.ObjectPath
		iface   string
	}{
		{i.itemMethods(), itemPath, itemIface},
		{properties(i.itemProperties, itemIface), itemPath, propIface},
		{i.menuMethods(), menuPath, menuIface},
		{properties(menuProperties, menuIface), menuPath, propIface},
	}
	for _, e := range exports {
		if err := conn.ExportMethodTable(e.methods, e.path, e.iface); err != nil {
			return nil, fmt.Errorf("statusitem: %w", err)
		}
	}
	return i, nil
}

// Show sets what is to be seen. It may be called from any goroutine and waits for nobody.
func (i *Item) Show(l Look) {
	i.mu.Lock()
	i.look = l
	i.menu.set(l.Menu)
	i.dirty = true
	i.mu.Unlock()
	select {
	case i.kick <- struct{}{}:
	default:
	}
}

// Run registers the item with panels as they come and tells them what changes, until ctx ends or the bus goes.
func (i *Item) Run(ctx context.Context) error {
	name := fmt.Sprintf("%s-%d-1", itemIface, os.Getpid())
	if _, err := i.conn.RequestName(name, dbus.NameFlagDoNotQueue); err != nil {
		return fmt.Errorf("statusitem: %w", err)
	}
	defer func() { _, _ = i.conn.ReleaseName(name) }()
	w, err := newWatch(i.conn, name, i.opts)
	if err != nil {
		return fmt.Errorf("statusitem: %w", err)
	}
	defer w.close()
	w.register(ctx)
	rest := time.NewTimer(0)
	defer rest.Stop()
	<-rest.C
	resting := false
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-i.conn.Context().Done():
			w.tell(false)
			return fmt.Errorf("statusitem: the bus has gone")
		case s := <-w.signals:
			w.heard(ctx, s)
		case <-i.kick:
			if !resting && i.emit() {
				rest.Reset(Gap)
				resting = true
			}
		case <-rest.C:
			if resting = i.emit(); resting {
				rest.Reset(Gap)
			}
		}
	}
}

// emit tells panels that something changed, if it did.
func (i *Item) emit() bool {
	i.mu.Lock()
	dirty, moved, revision, status := i.dirty, i.menu.moved, i.menu.revision, i.status()
	i.dirty, i.menu.moved = false, false
	i.mu.Unlock()
	if !dirty {
		return false
	}
	i.signal(itemPath, itemIface+".NewIcon")
	i.signal(itemPath, itemIface+".NewToolTip")
	i.signal(itemPath, itemIface+".NewStatus", status)
	if moved {
		i.signal(menuPath, menuIface+".LayoutUpdated", revision, int32(0))
	}
	return true
}

func (i *Item) signal(path dbus.ObjectPath, name string, values ...any) {
	if err := i.conn.Emit(path, name, values...); err != nil {
		i.opts.Logf("tell the panel: %v", err)
	}
}

// status is what panels that hide icons go by. The lock is held.
func (i *Item) status() string {
	if i.look.Needs {
		return "NeedsAttention"
	}
	return "Active"
}

// plain takes the markup out of a tooltip: some panels take it for that and some do not, so that it can be neither left nor escaped.
var plain = strings.NewReplacer("<", "‹", ">", "›")

// tooltip is the ToolTip property: an icon's name, pictures, a title and a text.
type tooltip struct {
	Icon  string
	Icons []Pixmap
	Title string
	Text  string
}

func (i *Item) itemProperties() map[string]any {
	i.mu.Lock()
	defer i.mu.Unlock()
	icons := append([]Pixmap{}, i.look.Icons...)
	return map[string]any{
		"Category":            "SystemServices",
		"Id":                  i.opts.ID,
		"Title":               i.opts.Title,
		"Status":              i.status(),
		"WindowId":            int32(0),
		"IconThemePath":       "",
		"IconName":            "",
		"IconPixmap":          icons,
		"OverlayIconName":     "",
		"OverlayIconPixmap":   []Pixmap{},
		"AttentionIconName":   "",
		"AttentionIconPixmap": icons,
		"AttentionMovieName":  "",
		"ToolTip":             tooltip{Icons: []Pixmap{}, Title: plain.Replace(i.look.Tooltip)},
		"ItemIsMenu":          false,
		"Menu":                menuPath,
	}
}

func (i *Item) itemMethods() map[string]any {
	activate := func(_, _ int32) *dbus.Error { i.opts.Activate(); return nil }
	return map[string]any{
		"Activate":          activate,
		"SecondaryActivate": activate,
		"ContextMenu":       func(_, _ int32) *dbus.Error { return &dbus.ErrMsgUnknownMethod }, // the panel draws the menu
		"Scroll":            func(int32, string) *dbus.Error { return nil },
	}
}

// properties are the methods by which the properties of one interface are read.
func properties(all func() map[string]any, iface string) map[string]any {
	wrong := func(what string) *dbus.Error {
		return dbus.NewError("org.freedesktop.DBus.Error.UnknownProperty", []any{what})
	}
	return map[string]any{
		"Get": func(of, name string) (dbus.Variant, *dbus.Error) {
			v, ok := all()[name]
			if !ok || of != iface {
				return dbus.Variant{}, wrong(name)
			}
			return dbus.MakeVariant(v), nil
		},
		"GetAll": func(of string) (map[string]dbus.Variant, *dbus.Error) {
			if of != iface {
				return nil, wrong(of)
			}
			out := map[string]dbus.Variant{}
			for name, v := range all() {
				out[name] = dbus.MakeVariant(v)
			}
			return out, nil
		},
		"Set": func(_, name string, _ dbus.Variant) *dbus.Error {
			return dbus.NewError("org.freedesktop.DBus.Error.PropertyReadOnly", []any{name})
		},
	}
}
