package view

import "fyne.io/fyne/v2"

// passOn gives a shortcut to the window that a widget is in. Fyne gives shortcuts to the widget that has the keyboard and, where that takes any at all, to nobody else: those of the window,
// which close it or turn its pages, would be dead while somebody is in an entry or in a list.
func passOn(from fyne.CanvasObject, s fyne.Shortcut) {
	if on, ok := fyne.CurrentApp().Driver().CanvasForObject(from).(fyne.Shortcutable); ok {
		on.TypedShortcut(s)
	}
}

// Copied tells the window that a text of ours was put on the clipboard. In X11 the text stays here, and is fetched by whoever pastes it.
type Copied struct{ Text string }

// ShortcutName implements fyne.Shortcut.
func (*Copied) ShortcutName() string { return "Holdfast.Copied" }

// copyOut puts a text on the clipboard and tells the window of it.
func copyOut(from fyne.CanvasObject, text string) {
	fyne.CurrentApp().Clipboard().SetContent(text)
	passOn(from, &Copied{text})
}
