package screens

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"slices"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
	"github.com/holdfast-vpn/holdfast/ui/model/modeltest"
	"github.com/holdfast-vpn/holdfast/ui/view"
)

// longest are the pages of the details window with the most text: what is drawn of the languages that the documentation does not show.
var longest = []string{"details-statistics", "details-timeline", "details-history", "details-refused"}

// TestDetails: where there is most text the details window looks as it did, in the languages that the documentation does not show.
func TestDetails(t *testing.T) {
	for _, l := range []locale.Language{locale.German, locale.French, locale.Spanish, locale.SimplifiedChinese, locale.TraditionalChinese} {
		check(t, fmt.Sprintf("testdata/details-%s.png", l), sheetOf(t, l, theme.VariantLight, longest))
	}
}

// sheetOf is the situations of these names in two columns.
func sheetOf(t *testing.T, l locale.Language, v fyne.ThemeVariant, names []string) image.Image {
	t.Helper()
	test.NewTempApp(t).Settings().SetTheme(inVariant{view.NewTheme(l), v})
	d := view.NewDetails(func(model.Msg) {})
	w := test.NewTempWindow(t, d.Object())
	w.SetPadded(false)
	w.Resize(view.DetailsSize)
	var shots []image.Image
	for _, c := range modeltest.Details(l) {
		if !slices.Contains(names, c.Name) {
			continue
		}
		d.Show(c.Model.Screen(c.Now).Details)
		w.Canvas().Unfocus()
		if c.Name == "details-timeline" {
			point(w.Canvas())
		}
		shots = append(shots, w.Canvas().Capture())
	}
	return contact(shots)
}

// point goes by keyboard to a mark of the timeline.
func point(c fyne.Canvas) {
	for range 20 {
		test.FocusNext(c)
		if fmt.Sprintf("%T", c.Focused()) == "*view.timeline" {
			break
		}
	}
	for range 4 {
		c.Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyLeft})
	}
}

// contact puts pictures of one size into two columns, with a gap between.
func contact(shots []image.Image) image.Image {
	const gap = 8
	size := shots[0].Bounds().Size()
	rows := (len(shots) + 1) / 2
	out := image.NewNRGBA(image.Rect(0, 0, 2*size.X+gap, rows*(size.Y+gap)-gap))
	for i, s := range shots {
		at := image.Pt(i%2*(size.X+gap), i/2*(size.Y+gap))
		draw.Draw(out, image.Rectangle{at, at.Add(size)}, s, s.Bounds().Min, draw.Src)
	}
	return out
}

// inVariant is a theme, light or dark whatever the machine likes.
type inVariant struct {
	fyne.Theme
	variant fyne.ThemeVariant
}

func (i inVariant) Color(n fyne.ThemeColorName, _ fyne.ThemeVariant) color.Color {
	return i.Theme.Color(n, i.variant)
}
