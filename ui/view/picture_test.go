package view

import (
	"image"
	"image/color"
	"io/fs"
	"math"
	"path"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/software"
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
)

// paintIcon draws a resource as a square of size pixels, on nothing.
func paintIcon(r fyne.Resource, size int) image.Image {
	c := software.NewTransparentCanvas()
	c.SetPadded(false)
	c.SetScale(1)
	c.SetContent(canvas.NewImageFromResource(r))
	c.Resize(fyne.NewSquareSize(float32(size)))
	return c.Capture()
}

// TestShapesWithoutColour: any two states are told apart by shape alone, at the sizes of panels and of the window.
func TestShapesWithoutColour(t *testing.T) {
	dress(t, locale.English, theme.VariantLight, plainText)
	for _, size := range []int{16, 22, 48} {
		painted := map[model.Shape][]float64{}
		part := func(pixels []float64) float64 {
			var n float64
			for _, p := range pixels {
				n += p
			}
			return n / float64(size*size)
		}
		for _, s := range model.Shapes() {
			painted[s] = inkOf(paintIcon(PanelIcon(s), size))
			if got := part(painted[s]); got < 0.2 {
				t.Errorf("%s at %d is only %.0f %% ink", s, size, got*100)
			}
			for other := range s {
				differ := make([]float64, size*size)
				for i, v := range painted[s] {
					differ[i] = math.Abs(v - painted[other][i])
				}
				if got := part(differ); got < 0.14 {
					t.Errorf("%s and %s at %d differ by %.0f %% ink", s, other, size, got*100)
				}
			}
		}
	}
}

// inkOf is how much ink each pixel of a picture has, from 0 to 1, whatever its colour.
func inkOf(img image.Image) []float64 {
	var out []float64
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			_, _, _, a := img.At(x, y).RGBA()
			out = append(out, float64(a)/0xffff)
		}
	}
	return out
}

// TestPictures: all drawings are in the one ink, so that they can be had in any colour, and every picture that is asked for is there.
func TestPictures(t *testing.T) {
	for _, pattern := range []string{"icons/*.svg", "icons/glyph/*.svg"} {
		names, err := fs.Glob(pictures, pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v, %v", pattern, names, err)
		}
		for _, name := range names {
			raw, _ := fs.ReadFile(pictures, name)
			if path.Base(name) != "holdfast.svg" && strings.Count(string(raw), "fill=") != strings.Count(string(raw), `fill="`+ink+`"`) {
				t.Errorf("%s is not in the one ink", name)
			}
		}
	}
	for _, s := range model.Shapes() {
		if got := string(tinted(picture(s.String()), color.NRGBA{R: 0x12, G: 0x34, B: 0x56, A: 0xff}).Content()); strings.Contains(got, ink) || !strings.Contains(got, "#123456") {
			t.Errorf("%s does not take a colour", s)
		}
	}
	for k := model.PromptForm; k <= model.PromptWait; k++ {
		if drawing, _, _ := promptLook(k); len(drawing.Content()) == 0 {
			t.Errorf("prompt kind %d has no picture", k)
		}
	}
	for s := model.StepAhead; s <= model.StepFailed; s++ {
		name, _, _ := stepLook(s)
		glyph(name)
	}
}
