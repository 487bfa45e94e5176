package view

import "fyne.io/fyne/v2"

// passOn gives a shortcut to the window that a widget is in. Fyne gives shortcuts to the widget that has the keyboard and, where that takes any at all, to nobody else: those of the window,
// which close it or turn its pages, would be dead while somebody is in an entry or in a list.
func passOn(from fyne.CanvasObject, s fyne.Shortcut) {
	if on, ok := fyne.CurrentApp().Driver().CanvasForObject(from).(fyne.Shortcutable); ok {
		on.TypedShortcut(s)
	}
}
