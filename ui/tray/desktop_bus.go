//go:build !windows && !darwin

package tray

import (
	"context"
	"errors"
	"image"
	"os"
	"path/filepath"
	"sync"

	"fyne.io/fyne/v2"
	"github.com/godbus/dbus/v5"

	"github.com/holdfast-vpn/holdfast/ui/model"
	"github.com/holdfast-vpn/holdfast/ui/tray/statusitem"
	"github.com/holdfast-vpn/holdfast/ui/view"
)

// parks says that the main thread may sleep while no window is open: icon and menu are the bus's.
const parks = true

// busDesktop is a desktop of freedesktop.org's kind: icon and notifications by the session's D-Bus.
type busDesktop struct {
	post  func(model.Msg)
	logf  func(string, ...any)
	icons map[model.Shape][]statusitem.Pixmap // drawn so far
	notes *notices

	mu   sync.Mutex
	item *statusitem.Item // nil while there is no bus
	look statusitem.Look
}

func newDesktop(_ fyne.App, post func(model.Msg), logf func(string, ...any)) desktop {
	return &busDesktop{post: post, logf: logf, icons: map[model.Shape][]statusitem.Pixmap{}, notes: newNotices(post)}
}

// Run is the icon's life. Without a bus there is no icon, which the model is told.
func (d *busDesktop) Run(ctx context.Context) {
	if err := d.run(ctx); err != nil && ctx.Err() == nil {
		d.logf("the desktop: %v", err)
		d.post(model.Desktop{HasTray: false})
	}
}

func (d *busDesktop) run(ctx context.Context) error {
	address := sessionBus()
	if address == "" {
		return errors.New("there is no session bus")
	}
	conn, err := dbus.Connect(address)
	if err != nil {
		return err
	}
	defer conn.Close()
	item, err := statusitem.New(conn, statusitem.Options{
		ID: "holdfast", Title: "Holdfast", Logf: d.logf,
		Activate: func() { d.post(model.Show{}) },
		Present:  func(shown bool) { d.post(model.Desktop{HasTray: shown}) },
	})
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.item = item
	item.Show(d.look)
	d.mu.Unlock()
	told := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(told)
		d.notes.run(ctx, conn)
	}()
	defer func() { cancel(); <-told }()
	return item.Run(ctx)
}

// sessionBus is the address of the session's bus, "" where there is none. None is started: a bus that only we are on has no panel.
func sessionBus() string {
	if address := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); address != "" {
		return address
	}
	return runtimeBus()
}

// runtimeBus is the address of the session's bus where nobody named it; "" where there is none.
func runtimeBus() string {
	dir := runtimeDir()
	if dir == "" {
		return ""
	}
	path := filepath.Join(dir, "bus")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return "unix:path=" + dbus.EscapeBusAddressValue(path)
}

func (d *busDesktop) Show(t model.Tray) {
	look := statusitem.Look{Icons: d.pixmaps(t.Shape), Tooltip: t.Tooltip, Needs: t.Shape == model.ShapeAttention, Menu: d.entries(t.Menu)}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.look = look
	if d.item != nil {
		d.item.Show(look)
	}
}

func (d *busDesktop) Notify(n model.Notify) { d.notes.add(n) }
func (d *busDesktop) Withdraw(id string)    { d.notes.add(model.Withdraw{ID: id}) }

func (d *busDesktop) entries(items []model.MenuItem) []statusitem.Entry {
	out := make([]statusitem.Entry, len(items))
	for i, m := range items {
		out[i] = statusitem.Entry{Label: m.Label, Checked: m.Checked, Children: d.entries(m.Children)}
		if msg := m.Msg; msg != nil {
			out[i].Chosen = func() { d.post(msg) }
		}
	}
	return out
}

// iconSizes are the sizes that panels ask for, in pixels.
var iconSizes = []int{22, 24, 32, 48, 64}

// pixmaps are the pictures of a shape, drawn once.
func (d *busDesktop) pixmaps(s model.Shape) []statusitem.Pixmap {
	if p, ok := d.icons[s]; ok {
		return p
	}
	var all []statusitem.Pixmap
	for _, size := range iconSizes {
		all = append(all, pixmap(picture(view.PanelIcon(s), size)))
	}
	d.icons[s] = all
	return all
}

// pixmap is a picture as panels have it.
func pixmap(p image.Image) statusitem.Pixmap {
	b := p.Bounds()
	out := statusitem.Pixmap{Width: int32(b.Dx()), Height: int32(b.Dy()), ARGB: make([]byte, 0, 4*b.Dx()*b.Dy())}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := nrgba(p.At(x, y))
			out.ARGB = append(out.ARGB, c.A, c.R, c.G, c.B)
		}
	}
	return out
}
