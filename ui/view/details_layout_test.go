package view

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
	"github.com/holdfast-vpn/holdfast/ui/model/modeltest"
)

// TestDetailsLayout: on every page, in every language, nothing is cut off and nothing lies over something else; with large text and in a small window too.
func TestDetailsLayout(t *testing.T) {
	for _, s := range []struct {
		name string
		text float32
		size fyne.Size
		in   []locale.Language
	}{{"plain", plainText, DetailsSize, []locale.Language{locale.German}}, {"large text, small window", 20, fyne.NewSize(560, 420), locale.Languages()}} {
		for _, l := range s.in {
			dress(t, l, theme.VariantLight, s.text)
			d := NewDetails(func(model.Msg) {})
			w := test.NewTempWindow(t, d.Object())
			w.SetPadded(false)
			w.Resize(s.size)
			for _, c := range modeltest.Details(l) {
				now := c.Model.Screen(c.Now).Details
				d.Show(now)
				if now.Timeline != nil {
					key(d.history.picture, fyne.KeyEnd, fyne.KeyLeft, fyne.KeyLeft)
				}
				for _, f := range faults(w.Content()) {
					t.Errorf("%s, %s, %s: %s", s.name, l, c.Name, f)
				}
			}
		}
	}
}
