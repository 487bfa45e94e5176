package tray

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// stage is the windows of the application. A window that closes is destroyed, with its OpenGL context and its textures, and made anew when it opens: an icon alone shall not cost a window's memory.
type stage struct {
	app  fyne.App
	kept *kept
	send func(model.Msg)

	anchor fyne.Window // never shown, so never made: while there is one Fyne goes on without a window
	small  *window
	more   *window
}

// window is one that is open.
type window struct {
	name string
	w    fyne.Window
	show func(model.Screen)
}

func newStage(app fyne.App, kept *kept, send func(model.Msg)) *stage {
	return &stage{app: app, kept: kept, send: send, anchor: app.NewWindow("")}
}

// Open shows a window or brings it forward.
func (ws *stage) Open(details bool) {
	open := &ws.small
	if details {
		open = &ws.more
	}
	if *open == nil {
		*open = ws.make(details)
	}
	(*open).w.Show()
	(*open).w.RequestFocus()
}

// Close closes a window.
func (ws *stage) Close(details bool) {
	open := &ws.small
	if details {
		open = &ws.more
	}
	if *open != nil {
		ws.kept.resize((*open).name, (*open).w.Canvas().Size())
		(*open).w.Close()
		*open = nil
	}
}

func (ws *stage) closeAll() {
	ws.Close(true)
	ws.Close(false)
}

// Show draws what is open.
func (ws *stage) Show(s model.Screen) {
	for _, w := range []*window{ws.small, ws.more} {
		if w != nil {
			w.show(s)
		}
	}
}

func (ws *stage) make(details bool) *window {
	w := &window{name: "small", w: ws.app.NewWindow("Holdfast")}
	hide := model.Msg(model.Hide{})
	least := fyne.NewSize(360, 480)
	if details {
		w.name, hide, least = "details", model.HideDetails{}, fyne.NewSize(720, 520)
	}
	label := widget.NewLabel("")
	w.show = func(s model.Screen) {
		w.w.SetTitle(s.Window.Title)
		label.SetText(s.Window.Headline + "\n" + s.Window.Line)
	}
	w.w.SetContent(label)
	w.w.Resize(ws.kept.size(w.name, least))
	w.w.SetCloseIntercept(func() { ws.send(hide) })
	return w
}
