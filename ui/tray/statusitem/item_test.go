package statusitem_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/holdfast-vpn/holdfast/ui/tray/desk"
	"github.com/holdfast-vpn/holdfast/ui/tray/statusitem"
)

// world is an item on a bus, and what it told.
type world struct {
	t         *testing.T
	item      *statusitem.Item
	conn      *dbus.Conn
	activated atomic.Int32
	present   chan bool
}

// newWorld runs an item until the test ends.
func newWorld(t *testing.T, b *desk.Bus) *world {
	conn, err := dbus.Connect(b.Address)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, conn: conn, present: make(chan bool, 64)}
	w.item, err = statusitem.New(conn, statusitem.Options{
		ID: "test", Title: "Test", Logf: t.Logf,
		Activate: func() { w.activated.Add(1) },
		Present:  func(shown bool) { w.present <- shown },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = w.item.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		_ = conn.Close()
	})
	return w
}

// hears waits for the next word about panels.
func (w *world) hears(want bool) {
	w.t.Helper()
	select {
	case got := <-w.present:
		if got != want {
			w.t.Fatalf("the panel shows icons: %v, not %v", got, want)
		}
	case <-time.After(desk.Patience):
		w.t.Fatalf("nobody says that the panel shows icons: %v", want)
	}
}

func square(size int32) statusitem.Pixmap {
	p := statusitem.Pixmap{Width: size, Height: size, ARGB: make([]byte, 4*size*size)}
	for i := range p.ARGB {
		p.ARGB[i] = byte(i%4) * 50 // A 0, R 50, G 100, B 150
	}
	return p
}

// TestLook: a panel sees what was shown, also what was shown before it came, no markup of a stranger's, and a click does what the item is for.
func TestLook(t *testing.T) {
	b := desk.NewBus(t)
	w := newWorld(t, b)
	clicked := make(chan string, 8)
	choose := func(what string) func() { return func() { clicked <- what } }
	w.item.Show(statusitem.Look{
		Icons: []statusitem.Pixmap{square(22), square(64)}, Tooltip: "Holdfast: connected to <img src=x>",
		Menu: []statusitem.Entry{
			{Label: "Connected to vpn_1"}, {},
			{Label: "Connect", Children: []statusitem.Entry{{Label: "one", Chosen: choose("one"), Checked: true}, {Label: "two", Chosen: choose("two")}}},
			{Label: "Quit", Chosen: choose("quit")},
		},
	})
	w.hears(false)
	icon := b.NewPanel().Icon()
	w.hears(true)
	l := icon.Await("a tooltip", func(l desk.Look) bool { return l.Tooltip == "Holdfast: connected to ‹img src=x›" })
	if l.Status != "Active" || l.Picture.Bounds().Dx() != 64 || l.Picture.Pix[0] != 50 || l.Picture.Pix[3] != 0 {
		t.Errorf("status %s, a picture of %v that begins with %v", l.Status, l.Picture.Bounds(), l.Picture.Pix[:4])
	}
	want := "\"Connected to vpn_1\" disabled\n\"\"\n\"Connect\"\n  \"one\"\n  \"two\"\n\"Quit\"\n"
	if got := l.Menu.String(); got != want {
		t.Errorf("the menu is\n%s", got)
	}
	if one, _ := l.Menu.Find("Connect", "one"); !one.Checked {
		t.Error("what is checked does not look so")
	}
	icon.Click("Connect", "two")
	if got := <-clicked; got != "two" {
		t.Errorf("a click on two is one on %s", got)
	}
	icon.Activate()
	desk.Await(t, "word of a click on the icon", func() bool { return w.activated.Load() == 1 })
	w.item.Show(statusitem.Look{Needs: true})
	icon.Await("need somebody", func(l desk.Look) bool { return l.Status == "NeedsAttention" })
}

// TestPanelsComeAndGo: an item is in every panel that comes, once, and says when there is none to see it.
func TestPanelsComeAndGo(t *testing.T) {
	b := desk.NewBus(t)
	first := b.NewPanel()
	w := newWorld(t, b)
	w.hears(true)
	first.Icon()
	for range 3 {
		first.Crash()
		w.hears(false)
		first = b.NewWatcher()
		desk.Await(t, "an item at the new watcher", func() bool { return first.Registered() == 1 })
		first.Host(true)
		w.hears(true)
		first.Host(false)
		w.hears(false)
		first.Host(true)
		w.hears(true)
		if n := first.Registered(); n != 1 {
			t.Errorf("registered %d times", n)
		}
	}
}

// TestOpenMenu: a click in a menu that was read before it changed does what was read, or nothing: never what has come to that place since. Fyne's own item gives every item another
// number whenever the menu is refreshed, so that such a click is lost even where nothing changed.
func TestOpenMenu(t *testing.T) {
	b := desk.NewBus(t)
	w := newWorld(t, b)
	clicked := make(chan string, 8)
	show := func(labels ...string) {
		var menu []statusitem.Entry
		for _, l := range labels {
			menu = append(menu, statusitem.Entry{Label: l, Chosen: func() { clicked <- l }})
		}
		w.item.Show(statusitem.Look{Menu: menu})
	}
	show("Connect", "Open", "Quit")
	icon := b.NewPanel().Icon()
	before := icon.Await("a menu", func(l desk.Look) bool { return len(l.Menu.Children) == 3 }).Menu
	show("Disconnect", "Open", "Quit")
	after := icon.Await("another", func(l desk.Look) bool { return l.Menu.Children[0].Label == "Disconnect" }).Menu
	if before.Children[0].ID == after.Children[0].ID || before.Children[1].ID != after.Children[1].ID {
		t.Errorf("numbers before %v, after %v", before.Children, after.Children)
	}
	event := func(id int32) {
		if c := w.conn.Object(w.conn.Names()[0], "/MenuBar").Call("com.canonical.dbusmenu.Event", 0, id, "clicked", dbus.MakeVariant(int32(0)), uint32(0)); c.Err != nil {
			t.Fatal(c.Err)
		}
	}
	event(before.Children[0].ID) // Connect, which is no more
	event(before.Children[1].ID)
	if got := <-clicked; got != "Open" {
		t.Errorf("an old click does %s", got)
	}
	show("Connect", "Open", "Quit")
	if again := icon.Await("the first again", func(l desk.Look) bool { return l.Menu.Children[0].Label == "Connect" }).Menu; again.Children[0].ID == before.Children[0].ID {
		t.Error("a number that was given up is used again")
	}
}

// TestStorm: a state that changes a thousand times at once is a few changes to a panel, and the last of them is the last state; a menu that stays as it is is not said to have changed.
func TestStorm(t *testing.T) {
	b := desk.NewBus(t)
	w := newWorld(t, b)
	icon := b.NewPanel().Icon()
	began := time.Now()
	menu := []statusitem.Entry{{Label: "Quit", Chosen: func() {}}}
	for n := range 1000 {
		w.item.Show(statusitem.Look{Tooltip: fmt.Sprint(n), Menu: menu})
	}
	icon.Await("the last", func(l desk.Look) bool { return l.Tooltip == "999" && len(l.Menu.Children) == 1 })
	w.item.Show(statusitem.Look{Tooltip: "end", Menu: menu})
	most := int(time.Since(began)/statusitem.Gap) + 3
	icon.Await("the end", func(l desk.Look) bool { return l.Tooltip == "end" })
	if n := icon.Signals("NewIcon"); n > most {
		t.Errorf("%d changes", n)
	}
	if n := icon.Signals("LayoutUpdated"); n > 1 {
		t.Errorf("the menu changed %d times", n)
	}
}
