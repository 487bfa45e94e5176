package view

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// control is what our buttons, choices and switches have in common: where keyboard and mouse are, and what of their keys is not for them. It is embedded.
type control struct {
	widget.DisableableWidget
	keyed func(*fyne.KeyEvent)    // keys that it has no use for; may be nil
	shown func(fyne.CanvasObject) // the keyboard has come, so that it is scrolled into sight; may be nil

	whole            fyne.Widget // what embeds this
	focused, hovered bool
}

// is says what embeds it; to be called first.
func (c *control) is(whole fyne.Widget) {
	c.whole = whole
	c.ExtendBaseWidget(whole)
}

// FocusGained, FocusLost and TypedRune implement fyne.Focusable, with TypedKey of what embeds it.
func (c *control) FocusGained() {
	c.focused = true
	c.Refresh()
	if c.shown != nil {
		c.shown(c.whole)
	}
}

// FocusLost is called when the keyboard goes elsewhere.
func (c *control) FocusLost() {
	c.focused = false
	c.Refresh()
}

// TypedRune takes no text.
func (c *control) TypedRune(rune) {}

// leave gives a key to the surroundings.
func (c *control) leave(e *fyne.KeyEvent) {
	if c.keyed != nil {
		c.keyed(e)
	}
}

// MouseIn, MouseMoved and MouseOut implement desktop.Hoverable.
func (c *control) MouseIn(*desktop.MouseEvent) {
	c.hovered = true
	c.Refresh()
}

// MouseMoved changes nothing.
func (c *control) MouseMoved(*desktop.MouseEvent) {}

// MouseOut is called when the mouse has left.
func (c *control) MouseOut() {
	c.hovered = false
	c.Refresh()
}
