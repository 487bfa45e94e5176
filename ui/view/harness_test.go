package view

import (
	"image/color"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
	"github.com/holdfast-vpn/holdfast/ui/model/modeltest"
)

// variants are light and dark.
var variants = []struct {
	name string
	is   fyne.ThemeVariant
}{{"light", theme.VariantLight}, {"dark", theme.VariantDark}}

// pinned is our theme with light or dark chosen, and not by the machine that the test runs on.
type pinned struct {
	fyne.Theme
	variant fyne.ThemeVariant
}

func (p pinned) Color(n fyne.ThemeColorName, _ fyne.ThemeVariant) color.Color {
	return p.Theme.Color(n, p.variant)
}

// dress gives an application for the test our theme, with the letters of a language and plain text of a size.
func dress(t testing.TB, l locale.Language, v fyne.ThemeVariant, text float32) {
	t.Helper()
	test.NewTempApp(t).Settings().SetTheme(pinned{newTheme(l, text), v})
}

// frame shows a screen in a small window of a size.
func frame(t testing.TB, s model.Screen, size fyne.Size) (*Frame, fyne.Window) {
	t.Helper()
	f := NewFrame(func(model.Msg) {})
	w := test.NewTempWindow(t, f.Object())
	w.SetPadded(false)
	w.Resize(size)
	f.Show(s.Window, s.Prompt)
	return f, w
}

// titled is a screen with a name.
type titled struct {
	name   string
	screen model.Screen
}

// played are the screens that were made before: hours are played for some.
var played = map[locale.Language][]titled{}

// screens are all situations of the model in a language.
func screens(l locale.Language) []titled {
	if played[l] == nil {
		for _, c := range modeltest.Cases(l) {
			played[l] = append(played[l], titled{c.Name, c.Model.Screen(c.Now)})
		}
	}
	return played[l]
}

// leaf is something that is painted, with where it is in the window, the widget that it belongs to, and whether it is in a part that scrolls, of which not all need be seen.
type leaf struct {
	object  fyne.CanvasObject
	at      fyne.Position
	room    fyne.Size // of the widget that it belongs to
	in      fyne.Position
	scrolls bool
}

// leaves are all visible texts and images below an object.
func leaves(o fyne.CanvasObject) []leaf {
	var all []leaf
	var walk func(o fyne.CanvasObject, at fyne.Position, owner fyne.CanvasObject, corner fyne.Position, scrolls bool)
	walk = func(o fyne.CanvasObject, at fyne.Position, owner fyne.CanvasObject, corner fyne.Position, scrolls bool) {
		if !o.Visible() {
			return
		}
		switch o := o.(type) {
		case *canvas.Text:
			if o.Text != "" {
				all = append(all, leaf{o, at, owner.Size(), corner, scrolls})
			}
		case *canvas.Image, *canvas.Raster:
			all = append(all, leaf{o, at, owner.Size(), corner, scrolls})
		case *fyne.Container:
			for _, c := range o.Objects {
				walk(c, at.Add(c.Position()), owner, corner, scrolls)
			}
		case *container.Scroll:
			walk(o.Content, at.Add(o.Content.Position()), o.Content, at.Add(o.Content.Position()), true)
		case fyne.Widget:
			for _, c := range test.WidgetRenderer(o).Objects() {
				walk(c, at.Add(c.Position()), o, at, scrolls)
			}
		}
	}
	walk(o, fyne.NewPos(0, 0), o, fyne.NewPos(0, 0), false)
	return all
}
