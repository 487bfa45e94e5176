package screens

import (
	"image"
	"image/color"
	"image/draw"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
	"github.com/holdfast-vpn/holdfast/ui/model/modeltest"
	"github.com/holdfast-vpn/holdfast/ui/view"
)

// folder has one picture for each situation.
const folder = "../../../docs/screens"

// looks are the four parts of a picture: left to right, top to bottom.
var looks = []struct {
	language locale.Language
	variant  fyne.ThemeVariant
}{
	{locale.English, theme.VariantLight}, {locale.English, theme.VariantDark},
	{locale.Japanese, theme.VariantLight}, {locale.Japanese, theme.VariantDark},
}

// pinned is our theme with light or dark chosen here, and not by the desktop that the test runs on.
type pinned struct {
	fyne.Theme
	variant fyne.ThemeVariant
}

func (p pinned) Color(n fyne.ThemeColorName, _ fyne.ThemeVariant) color.Color {
	return p.Theme.Color(n, p.variant)
}

// TestScreens: docs/screens has every situation as the program draws it, and nothing else, and docs/tray.md shows them all.
func TestScreens(t *testing.T) {
	parts := map[string][]image.Image{}
	for _, l := range looks {
		test.NewTempApp(t).Settings().SetTheme(pinned{view.NewTheme(l.language), l.variant})
		for _, c := range slices.Concat(modeltest.Cases(l.language), modeltest.Details(l.language)) {
			parts[c.Name] = append(parts[c.Name], window(t, c.Model.Screen(c.Now)))
		}
	}
	pictures := map[string]image.Image{"icons": icons()}
	for name, p := range parts {
		pictures[name] = together(p)
	}
	page, err := os.ReadFile("../../../docs/tray.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range pictures {
		check(t, filepath.Join(folder, name+".png"), p)
		if !strings.Contains(string(page), "](screens/"+name+".png)") {
			t.Errorf("docs/tray.md does not show %s", name)
		}
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, is := pictures[strings.TrimSuffix(f.Name(), ".png")]; !is {
			t.Errorf("%s is no situation", f.Name())
		}
	}
}

// window draws the small window, or the details where they are open.
func window(t *testing.T, s model.Screen) image.Image {
	if s.Details != nil {
		d := view.NewDetails(func(model.Msg) {})
		return shown(t, d.Object(), view.DetailsSize, func() { d.Show(s.Details) })
	}
	f := view.NewFrame(func(model.Msg) {})
	return shown(t, f.Object(), view.FrameSize, func() { f.Show(s.Window, s.Prompt) })
}

// shown draws a window of a size.
func shown(t *testing.T, o fyne.CanvasObject, size fyne.Size, show func()) image.Image {
	w := test.NewTempWindow(t, o)
	w.SetPadded(false)
	w.Resize(size)
	show()
	return w.Canvas().Capture()
}

// gap is between the parts of a picture, in pixels.
const gap = 12

// together puts the parts into one picture, two in a row, on nothing.
func together(parts []image.Image) image.Image {
	size := parts[0].Bounds().Size()
	out := image.NewNRGBA(image.Rect(0, 0, 2*size.X+gap, (len(parts)+1)/2*(size.Y+gap)-gap))
	for i, p := range parts {
		at := image.Pt(i%2*(size.X+gap), i/2*(size.Y+gap))
		draw.Draw(out, image.Rectangle{at, at.Add(size)}, p, p.Bounds().Min, draw.Src)
	}
	return out
}

// icons are those of the panel, each on a light and on a dark one.
func icons() image.Image {
	const size, room = 48, 72
	shapes := model.Shapes()
	out := image.NewNRGBA(image.Rect(0, 0, room*len(shapes), 2*room))
	for row, panel := range []color.Color{color.NRGBA{238, 238, 236, 255}, color.NRGBA{36, 36, 40, 255}} {
		draw.Draw(out, image.Rect(0, row*room, room*len(shapes), (row+1)*room), image.NewUniform(panel), image.Point{}, draw.Src)
		for i, s := range shapes {
			at := image.Pt(i*room+(room-size)/2, row*room+(room-size)/2)
			icon := drawn(view.PanelIcon(s), size)
			draw.Draw(out, image.Rectangle{at, at.Add(image.Pt(size, size))}, icon, icon.Bounds().Min, draw.Over)
		}
	}
	return out
}
