package view

import (
	"image"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
)

// rising is a graph of one value a second, the last of them at the top of the scale.
func rising(n int) model.Graph {
	g := model.Graph{Top: float64(n), DownLabel: "down", UpLabel: "up", TopLabel: "top"}
	for i := range n {
		g.Down = append(g.Down, float64(i+1))
		g.Up = append(g.Up, 0)
	}
	return g
}

// TestPlot: what is received stands above the middle, the latest at the right end, as high as its share of the scale; what was not measured is empty.
func TestPlot(t *testing.T) {
	dress(t, locale.English, theme.VariantLight, plainText)
	p := newPlot()
	p.Resize(fyne.NewSize(300, 120))
	p.set(rising(model.GraphSamples / 2))
	img := p.draw(240, 80).(*image.NRGBA)
	painted := func(x, y int) bool { return img.NRGBAAt(x, y).A > 8 }
	for name, c := range map[string]struct {
		x, y int
		want bool
	}{
		"before the first":   {60, 30, false},
		"under the last":     {237, 10, true},
		"above the curve":    {180, 10, false},
		"under the curve":    {180, 36, true},
		"nothing was sent":   {200, 60, false},
		"the middle is line": {10, 40, true},
	} {
		if painted(c.x, c.y) != c.want {
			t.Errorf("%s: painted is %v", name, painted(c.x, c.y))
		}
	}
	for name, g := range map[string]model.Graph{"nothing": {}, "no scale": {Down: []float64{1}, Up: []float64{1}}, "over the scale": {Down: []float64{9}, Up: []float64{9}, Top: 1}} {
		p.set(g)
		if got := p.draw(3, 3).Bounds(); got.Dx() != 3 || got.Dy() != 3 {
			t.Errorf("%s: %v", name, got)
		}
		p.draw(1, 1)
	}
}

// TestPlotRedrawn: a picture is drawn anew for other values, and its memory is used again.
func TestPlotRedrawn(t *testing.T) {
	dress(t, locale.English, theme.VariantLight, plainText)
	p := newPlot()
	w := test.NewTempWindow(t, p)
	w.Resize(fyne.NewSize(300, 120))
	p.set(rising(10))
	first := p.draw(240, 80)
	was := append([]uint8(nil), first.(*image.NRGBA).Pix...)
	p.set(rising(20))
	second := p.draw(240, 80)
	if first != second {
		t.Error("a picture of the same size takes other memory")
	}
	if string(was) == string(second.(*image.NRGBA).Pix) {
		t.Error("other values look the same")
	}
}

// BenchmarkPlot is what a second with the window open costs.
func BenchmarkPlot(b *testing.B) {
	dress(b, locale.English, theme.VariantLight, plainText)
	p := newPlot()
	p.Resize(fyne.NewSize(300, 120))
	p.set(*handmade()["connected"].Window.Graph)
	for b.Loop() {
		p.draw(600, 160)
	}
}
