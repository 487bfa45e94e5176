package screens

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the pictures anew")

// tolerance is by how much a pixel's colour may differ, of 255: processors round differently.
const tolerance = 3

// check compares a picture with the file, or writes it.
func check(t *testing.T, path string, got image.Image) {
	t.Helper()
	if *update {
		var b bytes.Buffer
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, small(got)); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatalf("%v; draw it with: task screenshots", err)
	}
	defer f.Close()
	want, err := png.Decode(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if n := differ(want, got); n != 0 {
		t.Errorf("%s: %d pixels of %v are not as the program draws them; look at what task screenshots makes of it", path, n, got.Bounds().Size())
	}
}

// differ counts the pixels that are not alike; all are not where the sizes are not.
func differ(a, b image.Image) (n int) {
	size := a.Bounds().Size()
	if size != b.Bounds().Size() {
		return max(size.X*size.Y, 1)
	}
	for y := range size.Y {
		for x := range size.X {
			p, q := nrgba(a, x, y), nrgba(b, x, y)
			if far(p.R, q.R) || far(p.G, q.G) || far(p.B, q.B) || far(p.A, q.A) {
				n++
			}
		}
	}
	return n
}

func nrgba(p image.Image, x, y int) color.NRGBA {
	c := color.NRGBAModel.Convert(p.At(p.Bounds().Min.X+x, p.Bounds().Min.Y+y)).(color.NRGBA)
	if c.A == 0 {
		return color.NRGBA{} // its colour is not seen
	}
	return c
}

func far(a, b uint8) bool { return max(a, b)-min(a, b) > tolerance }

// small is the picture with a palette where its colours fit into one, as those of a window without photographs do: half the bytes.
func small(p image.Image) image.Image {
	var colours color.Palette
	seen := map[color.NRGBA]uint8{}
	b := p.Bounds()
	out := image.NewPaletted(image.Rect(0, 0, b.Dx(), b.Dy()), nil)
	for y := range b.Dy() {
		for x := range b.Dx() {
			c := nrgba(p, x, y)
			i, is := seen[c]
			if !is {
				if len(colours) == 256 {
					return p
				}
				i = uint8(len(colours))
				seen[c] = i
				colours = append(colours, c)
			}
			out.SetColorIndex(x, y, i)
		}
	}
	out.Palette = colours
	return out
}

// TestDiffer: a picture that is another one is found.
func TestDiffer(t *testing.T) {
	make := func(c color.Color, w int) image.Image {
		p := image.NewNRGBA(image.Rect(5, 5, 5+w, 7))
		for i := range p.Rect.Dx() * 2 {
			p.Set(5+i%w, 5+i/w, c)
		}
		return p
	}
	grey := make(color.Gray{100}, 4)
	for _, c := range []struct {
		name string
		with image.Image
		want int
	}{
		{"the same", make(color.Gray{100}, 4), 0},
		{"as another processor rounds", make(color.Gray{102}, 4), 0},
		{"another colour", make(color.Gray{110}, 4), 8},
		{"narrower", make(color.Gray{100}, 3), 8},
		{"with a palette", small(grey), 0},
	} {
		if got := differ(grey, c.with); got != c.want {
			t.Errorf("%s: %d pixels differ, want %d", c.name, got, c.want)
		}
	}
}
