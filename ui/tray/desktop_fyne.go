//go:build windows || darwin

package tray

import (
	"context"

	"fyne.io/fyne/v2"
	fynedesktop "fyne.io/fyne/v2/driver/desktop"

	"github.com/holdfast-vpn/holdfast/ui/model"
	"github.com/holdfast-vpn/holdfast/ui/view"
)

// parks says that the main thread may not sleep while no window is open: the icon is its.
const parks = false

// fyneDesktop is a desktop whose icon and notifications are Fyne's. Neither can a notification be taken back there, nor has the icon a tooltip.
type fyneDesktop struct {
	app  fyne.App
	post func(model.Msg)
}

func newDesktop(app fyne.App, post func(model.Msg), _ func(string, ...any)) desktop {
	return &fyneDesktop{app: app, post: post}
}

// Run says that there is a panel: these systems always have one.
func (d *fyneDesktop) Run(ctx context.Context) {
	_, has := d.app.(fynedesktop.App)
	d.post(model.Desktop{HasTray: has})
}

func (d *fyneDesktop) Show(t model.Tray) {
	app, ok := d.app.(fynedesktop.App)
	if !ok {
		return
	}
	app.SetSystemTrayMenu(d.menu(t.Menu))
	app.SetSystemTrayIcon(view.PanelIcon(t.Shape))
}

// menu is Fyne's, whose items come back on the main thread.
func (d *fyneDesktop) menu(items []model.MenuItem) *fyne.Menu {
	m := fyne.NewMenu("")
	for _, i := range items {
		if i.Label == "" {
			m.Items = append(m.Items, fyne.NewMenuItemSeparator())
			continue
		}
		item := fyne.NewMenuItem(i.Label, func() { d.post(i.Msg) })
		item.Checked, item.Disabled = i.Checked, i.Msg == nil && len(i.Children) == 0
		_, item.IsQuit = i.Msg.(model.Quit) // else Fyne adds one of its own
		if len(i.Children) > 0 {
			item.ChildMenu = d.menu(i.Children)
		}
		m.Items = append(m.Items, item)
	}
	return m
}

func (d *fyneDesktop) Notify(n model.Notify) {
	d.app.SendNotification(fyne.NewNotification(n.Title, n.Text))
}
func (d *fyneDesktop) Withdraw(string) {}
