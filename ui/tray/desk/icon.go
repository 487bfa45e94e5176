package desk

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	itemIface = "org.kde.StatusNotifierItem"
	menuIface = "com.canonical.dbusmenu"
)

// Icon is an icon as its panel sees it: read whenever it says that it changed.
type Icon struct {
	t    testing.TB
	conn *dbus.Conn
	name string
	path dbus.ObjectPath

	mu      sync.Mutex
	signals map[string]int // how many of each
	changed chan struct{}  // holds one; closed by nobody
}

// Look is what a panel draws.
type Look struct {
	Status  string
	Tooltip string
	Picture *image.NRGBA // the largest
	Menu    Item         // the root
}

// Item is a line of a menu.
type Item struct {
	ID        int32
	Label     string
	Enabled   bool
	Checked   bool
	Separator bool
	Children  []Item
}

// listen notes the icon's signals.
func (i *Icon) listen() {
	i.t.Helper()
	i.signals, i.changed = map[string]int{}, make(chan struct{}, 1)
	for _, iface := range []string{itemIface, menuIface} {
		if err := i.conn.AddMatchSignal(dbus.WithMatchSender(i.name), dbus.WithMatchInterface(iface)); err != nil {
			i.t.Fatal(err)
		}
	}
	heard := make(chan *dbus.Signal, 1024)
	i.conn.Signal(heard)
	go func() { // until the connection, and with it the channel, is closed
		for s := range heard {
			i.mu.Lock()
			i.signals[s.Name[strings.LastIndexByte(s.Name, '.')+1:]]++
			i.mu.Unlock()
			select {
			case i.changed <- struct{}{}:
			default:
			}
		}
	}()
}

// Signals is how often the icon said that: NewIcon, NewToolTip, LayoutUpdated.
func (i *Icon) Signals(name string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.signals[name]
}

// Look reads the icon and its whole menu.
func (i *Icon) Look() (l Look, err error) {
	props := map[string]dbus.Variant{}
	if err := i.call(i.path, propIface+".GetAll", itemIface).Store(&props); err != nil {
		return l, err
	}
	var tip struct {
		Name  string
		Icons []pixmap
		Title string
		Text  string
	}
	var pictures []pixmap
	var menu dbus.ObjectPath
	for name, into := range map[string]any{"Status": &l.Status, "ToolTip": &tip, "IconPixmap": &pictures, "Menu": &menu} {
		if err := props[name].Store(into); err != nil {
			return l, fmt.Errorf("%s: %w", name, err)
		}
	}
	l.Tooltip = tip.Title
	for _, p := range pictures {
		if l.Picture == nil || p.Width > int32(l.Picture.Bounds().Dx()) {
			l.Picture = p.image()
		}
	}
	var revision uint32
	var root node
	if err := i.call(menu, menuIface+".GetLayout", int32(0), int32(-1), []string{}).Store(&revision, &root); err != nil {
		return l, err
	}
	l.Menu, err = root.item()
	return l, err
}

func (i *Icon) call(path dbus.ObjectPath, method string, args ...any) *dbus.Call {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	return i.conn.Object(i.name, path).CallWithContext(ctx, method, dbus.FlagNoAutoStart, args...)
}

// pixmap is a picture as the bus has it.
type pixmap struct {
	Width, Height int32
	ARGB          []byte
}

func (p pixmap) image() *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, int(p.Width), int(p.Height)))
	for n := 0; 4*n+3 < len(p.ARGB); n++ {
		b := p.ARGB[4*n:]
		out.SetNRGBA(n%int(p.Width), n/int(p.Width), color.NRGBA{b[1], b[2], b[3], b[0]})
	}
	return out
}

// node is a line of a menu as the bus has it.
type node struct {
	ID         int32
	Properties map[string]dbus.Variant
	Children   []dbus.Variant
}

func (n node) item() (Item, error) {
	text := func(name string) string { s, _ := n.Properties[name].Value().(string); return s }
	out := Item{ID: n.ID, Label: strings.ReplaceAll(text("label"), "__", "_"), Enabled: true, Separator: text("type") == "separator"}
	if on, ok := n.Properties["enabled"].Value().(bool); ok {
		out.Enabled = on
	}
	state, _ := n.Properties["toggle-state"].Value().(int32)
	out.Checked = state == 1
	for _, c := range n.Children {
		var child node
		if err := c.Store(&child); err != nil {
			return out, err
		}
		item, err := child.item()
		if err != nil {
			return out, err
		}
		out.Children = append(out.Children, item)
	}
	return out, nil
}

// Find is the item of a menu with these labels on the way to it.
func (m Item) Find(labels ...string) (Item, bool) {
	if len(labels) == 0 {
		return m, true
	}
	for _, c := range m.Children {
		if c.Label == labels[0] {
			return c.Find(labels[1:]...)
		}
	}
	return Item{}, false
}

// String is the menu as text, for failures.
func (m Item) String() string {
	var b strings.Builder
	var write func(items []Item, indent string)
	write = func(items []Item, indent string) {
		for _, i := range items {
			fmt.Fprintf(&b, "%s%q", indent, i.Label)
			if !i.Enabled {
				b.WriteString(" disabled")
			}
			b.WriteString("\n")
			write(i.Children, indent+"  ")
		}
	}
	write(m.Children, "")
	return b.String()
}

// Await waits until the icon looks as a test wants it, and returns the look. It is read again whenever the icon says that it changed.
func (i *Icon) Await(what string, holds func(Look) bool) Look {
	i.t.Helper()
	late := time.NewTimer(Patience)
	defer late.Stop()
	for {
		l, err := i.Look()
		if err == nil && holds(l) {
			return l
		}
		select {
		case <-i.changed:
		case <-late.C:
			i.t.Fatalf("the icon does not come to %s: %v, %s, tooltip %q, menu\n%s", what, err, l.Status, l.Tooltip, l.Menu)
		}
	}
}

// Click waits until the menu has an item that can be chosen, by the labels on the way to it, and chooses it.
func (i *Icon) Click(labels ...string) {
	i.t.Helper()
	l := i.Await(fmt.Sprintf("a menu with %q", labels), func(l Look) bool { m, ok := l.Menu.Find(labels...); return ok && m.Enabled })
	m, _ := l.Menu.Find(labels...)
	var menu dbus.ObjectPath
	if err := i.call(i.path, propIface+".Get", itemIface, "Menu").Store(&menu); err != nil {
		i.t.Fatal(err)
	}
	if c := i.call(menu, menuIface+".Event", m.ID, "clicked", dbus.MakeVariant(int32(0)), uint32(0)); c.Err != nil {
		i.t.Fatal(c.Err)
	}
}

// Activate clicks the icon itself.
func (i *Icon) Activate() {
	i.t.Helper()
	if c := i.call(i.path, itemIface+".Activate", int32(0), int32(0)); c.Err != nil {
		i.t.Fatal(c.Err)
	}
}
