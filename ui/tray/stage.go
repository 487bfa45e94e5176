package tray

import (
	"errors"

	"fyne.io/fyne/v2"
	keys "fyne.io/fyne/v2/driver/desktop"

	"github.com/holdfast-vpn/holdfast/ui/model"
	"github.com/holdfast-vpn/holdfast/ui/view"
)

// stage is the windows of the application. A window that closes is destroyed, with its OpenGL context and its textures, and made anew when it opens: an icon alone shall not cost a window's memory.
type stage struct {
	app  fyne.App
	kept *kept
	send func(model.Msg)
	lent func(text string) // a text of a window was put on the clipboard

	anchor  fyne.Window // never shown, so never made: while there is one Fyne goes on without a window
	small   *window     // nil while it is closed
	details *window     // the same
	closed  bool        // a window was, since somebody cleared this
}

// window is one that is open.
type window struct {
	name   string
	w      fyne.Window
	title  string
	show   func(model.Screen)
	focus  func()
	forget func() // what was typed
}

// newStage is where Fyne looks for a screen for the first time, and panics where there is none.
func newStage(app fyne.App, kept *kept, send func(model.Msg), lent func(string)) (s *stage, err error) {
	defer func() {
		if recover() != nil { // GLFW has said why
			err = errors.New("there is no screen to show a window on; the command line needs none: holdfast")
		}
	}()
	return &stage{app: app, kept: kept, send: send, lent: lent, anchor: app.NewWindow("")}, nil
}

// empty reports whether no window is open.
func (s *stage) empty() bool { return s.small == nil && s.details == nil }

// front is a window that is open, the details before the small one; nil when there is none.
func (s *stage) front() fyne.Window {
	for _, w := range []*window{s.details, s.small} {
		if w != nil {
			return w.w
		}
	}
	return nil
}

// place is where a window is kept while it is open.
func (s *stage) place(details bool) **window {
	if details {
		return &s.details
	}
	return &s.small
}

// Open shows a window or brings it forward. It is drawn before it is seen; the keyboard of one that is there already stays where it is.
func (s *stage) Open(details bool, now model.Screen) {
	open := s.place(details)
	fresh := *open == nil
	switch {
	case fresh && details:
		*open = s.makeDetails()
	case fresh:
		*open = s.makeSmall()
	}
	w := *open
	w.show(now)
	w.w.Show()
	w.w.RequestFocus()
	if fresh {
		w.focus()
	}
}

// Close closes a window.
func (s *stage) Close(details bool) {
	open := s.place(details)
	if *open == nil {
		return
	}
	s.kept.resize((*open).name, (*open).w.Canvas().Size())
	(*open).forget()
	(*open).w.Close()
	*open, s.closed = nil, true
}

func (s *stage) closeAll() {
	s.Close(true)
	s.Close(false)
}

// Show draws what is open.
func (s *stage) Show(now model.Screen) {
	for _, w := range []*window{s.small, s.details} {
		if w != nil {
			w.show(now)
		}
	}
}

func (s *stage) makeSmall() *window {
	f := view.NewFrame(s.send)
	w := s.window("small", f.Object(), view.FrameSize, model.Hide{})
	w.w.Canvas().SetOnTypedKey(f.Key)
	w.show = func(now model.Screen) {
		w.entitle(now.Window.Title)
		f.Show(now.Window, now.Prompt)
	}
	w.focus, w.forget = f.Focus, f.Forget
	return w
}

func (s *stage) makeDetails() *window {
	d := view.NewDetails(s.send)
	w := s.window("details", d.Object(), view.DetailsSize, model.HideDetails{})
	w.w.Canvas().SetOnTypedKey(d.Key)
	d.Shortcuts(w.w.Canvas())
	w.show = func(now model.Screen) {
		if now.Details != nil {
			w.entitle(now.Details.Title)
		}
		d.Show(now.Details)
	}
	w.focus, w.forget = d.Focus, func() {}
	return w
}

// window makes a window that asks the model before it closes.
func (s *stage) window(name string, content fyne.CanvasObject, size fyne.Size, hide model.Msg) *window {
	w := &window{name: name, w: s.app.NewWindow("Holdfast"), title: "Holdfast"}
	w.w.SetPadded(false)
	w.w.SetContent(content)
	w.w.Resize(s.kept.size(name, size))
	w.w.SetCloseIntercept(func() { s.send(hide) })
	shortcut := func(key fyne.KeyName, msg model.Msg) {
		w.w.Canvas().AddShortcut(&keys.CustomShortcut{KeyName: key, Modifier: fyne.KeyModifierShortcutDefault}, func(fyne.Shortcut) { s.send(msg) })
	}
	shortcut(fyne.KeyW, hide)
	shortcut(fyne.KeyQ, model.Quit{})
	w.w.Canvas().AddShortcut(&view.Copied{}, func(c fyne.Shortcut) { s.lent(c.(*view.Copied).Text) })
	return w
}

// entitle sets the title where it changed: window managers are told each time.
func (w *window) entitle(title string) {
	if title != w.title {
		w.title = title
		w.w.SetTitle(title)
	}
}
