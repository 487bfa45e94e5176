package view

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
)

// pickFile lets a person look for a file, in a window of its own: the small one has no room for that. The path goes into the entry.
func pickFile(into *entry) {
	w := fyne.CurrentApp().NewWindow("")
	w.Resize(fyne.NewSize(760, 520))
	d := dialog.NewFileOpen(func(r fyne.URIReadCloser, err error) {
		if err == nil && r != nil {
			into.SetText(r.URI().Path())
			_ = r.Close()
		}
		w.Close()
	}, w)
	w.Show()
	d.Resize(fyne.NewSize(760, 520))
	d.Show()
}
