package tray

import (
	"io"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/ui/model"
)

// saveAs asks the person for a file and writes a text into it. Who thinks better of it has not failed.
func (t *Tray) saveAs(c model.Save) {
	parent := t.stage.front()
	if parent == nil {
		t.update(model.Done{Command: c})
		return
	}
	d := dialog.NewFileSave(func(w fyne.URIWriteCloser, err error) {
		if err == nil && w != nil {
			_, err = io.WriteString(w, c.Text)
			if e := w.Close(); err == nil {
				err = e
			}
		}
		done := model.Done{Command: c}
		if err != nil {
			done.Err = fault.Newf(fault.UseBad, err, "the file could not be written")
		}
		t.send(done)
	}, parent)
	d.SetTitleText(c.Title)
	d.SetFileName(c.Name)
	d.Show()
}
