package view

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
)

// picker lets a person look for a file, in a window of its own: the small one has no room for that.
type picker struct {
	open fyne.Window // nil while none is
}

// pickerSize is how large that window is, in Fyne's pixels.
var pickerSize = fyne.NewSize(760, 520)

// pick opens the window, or brings it forward. The path of what is chosen goes to take.
func (p *picker) pick(title string, take func(path string)) {
	if p.open != nil {
		p.open.RequestFocus()
		return
	}
	w := fyne.CurrentApp().NewWindow(title)
	p.open = w
	w.SetOnClosed(func() { p.open = nil })
	w.Resize(pickerSize)
	d := dialog.NewFileOpen(func(r fyne.URIReadCloser, err error) {
		if err == nil && r != nil {
			take(r.URI().Path())
			_ = r.Close() // it is read by whoever runs the model
		}
		w.Close()
	}, w)
	d.SetTitleText(title) // Fyne puts its own together from words
	w.Show()
	d.Resize(pickerSize)
	d.Show()
}

// close closes the window: nobody asks for a file any more.
func (p *picker) close() {
	if p.open != nil {
		p.open.Close()
	}
}
