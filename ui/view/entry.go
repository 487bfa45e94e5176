package view

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// entry is a line to type into. Unlike Fyne's it gives keys that it has no use for to its surroundings, says when the keyboard comes to it, and may have a button at its end, or options that the arrow down
// shows.
type entry struct {
	widget.Entry
	keyed   func(*fyne.KeyEvent) // may be nil
	shown   func(fyne.CanvasObject)
	down    func() // the arrow down, and a click on the button
	holding bool   // the keyboard is here
}

// newEntry returns an empty one; with secret, what is typed is not shown.
func newEntry(secret bool) *entry {
	e := &entry{}
	e.Password = secret
	e.Wrapping = fyne.TextWrap(fyne.TextTruncateClip)
	e.ExtendBaseWidget(e)
	return e
}

// button puts a picture at the end, which does what the arrow down does.
func (e *entry) button(drawing string, do func()) {
	e.down = do
	e.ActionItem = newTap(drawing, func() {
		if !e.Disabled() {
			do()
		}
	})
	e.Refresh()
}

// FocusGained implements fyne.Focusable.
func (e *entry) FocusGained() {
	e.holding = true
	e.Entry.FocusGained()
	if e.shown != nil {
		e.shown(e)
	}
}

// FocusLost implements fyne.Focusable.
func (e *entry) FocusLost() {
	e.holding = false
	e.Entry.FocusLost()
}

// TypedShortcut takes the shortcuts of editing, and passes those of the window on.
func (e *entry) TypedShortcut(s fyne.Shortcut) {
	chosen := e.SelectedText()
	e.Entry.TypedShortcut(s)
	switch s.(type) {
	case *desktop.CustomShortcut:
		passOn(e, s)
	case *fyne.ShortcutCopy, *fyne.ShortcutCut:
		if chosen != "" && !e.Password { // a password is not given away
			passOn(e, &Copied{chosen})
		}
	}
}

// TypedKey takes the keys of editing; what is left goes on.
func (e *entry) TypedKey(k *fyne.KeyEvent) {
	switch {
	case k.Name == fyne.KeyDown && e.down != nil && !e.Disabled():
		e.down()
	case k.Name == fyne.KeyEscape || k.Name == fyne.KeyPageDown || k.Name == fyne.KeyPageUp || k.Name == fyne.KeyUp || k.Name == fyne.KeyDown:
		if e.keyed != nil {
			e.keyed(k)
		}
	default:
		e.Entry.TypedKey(k)
	}
}

// tap is a small picture that can be clicked and that the keyboard passes by: its key is the arrow down in the entry.
type tap struct {
	widget.BaseWidget
	image *emblem
	do    func()
}

// newTap returns one.
func newTap(drawing string, do func()) *tap {
	t := &tap{image: newEmblem(glyph(drawing), colorFaint, pressIcon), do: do}
	t.ExtendBaseWidget(t)
	return t
}

// Tapped implements fyne.Tappable.
func (t *tap) Tapped(*fyne.PointEvent) { t.do() }

// Cursor implements desktop.Cursorable.
func (t *tap) Cursor() desktop.Cursor { return desktop.DefaultCursor }

// CreateRenderer implements fyne.Widget.
func (t *tap) CreateRenderer() fyne.WidgetRenderer { return &tapRenderer{t} }

// tapRenderer centres the picture.
type tapRenderer struct{ of *tap }

func (r *tapRenderer) Destroy()                     {}
func (r *tapRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.of.image} }
func (r *tapRenderer) Refresh()                     { canvas.Refresh(r.of) }

func (r *tapRenderer) MinSize() fyne.Size {
	return fyne.NewSize(r.of.image.side()+2*choicePad, r.of.image.side())
}

func (r *tapRenderer) Layout(size fyne.Size) {
	side := r.of.image.side()
	r.of.image.Move(fyne.NewPos((size.Width-side)/2, (size.Height-side)/2))
	r.of.image.Resize(fyne.NewSquareSize(side))
}
