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

const (
	tolerance = 3  // by how much the colour of an area may differ, of 255: processors round differently
	coarsest  = 24 // what the colours of edges are rounded to at most, in a file
)

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

// differ counts the pixels of a file that are not as in the picture; all are not where the sizes are not.
func differ(a, b image.Image) (n int) {
	size := a.Bounds().Size()
	if size != b.Bounds().Size() {
		return max(size.X*size.Y, 1)
	}
	areas := areasOf(b)
	for y := range size.Y {
		for x := range size.X {
			p, q := nrgba(a, x, y), nrgba(b, x, y)
			most := tolerance
			if !areas[q] {
				most += coarsest / 2
			}
			if far(p.R, q.R, most) || far(p.G, q.G, most) || far(p.B, q.B, most) || far(p.A, q.A, most) {
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

func far(a, b uint8, most int) bool { return int(max(a, b)-min(a, b)) > most }

// small is the picture with a palette, which takes a third of the bytes. The colours of areas stay as they are; those between them, of the edges of letters, are rounded until there are no more than 256 in all.
func small(p image.Image) image.Image {
	areas := areasOf(p)
	for _, step := range []int{1, 8, 16, coarsest} {
		if out := paletted(p, areas, step); out != nil {
			return out
		}
	}
	return p
}

// areasOf are the colours that more than a thousandth of a picture has.
func areasOf(p image.Image) map[color.NRGBA]bool {
	count := map[color.NRGBA]int{}
	size := p.Bounds().Size()
	for y := range size.Y {
		for x := range size.X {
			count[nrgba(p, x, y)]++
		}
	}
	areas := map[color.NRGBA]bool{}
	for c, n := range count {
		areas[c] = n*1000 > size.X*size.Y
	}
	return areas
}

// paletted is the picture with the colours that are not of areas rounded, nil where they are too many for a palette.
func paletted(p image.Image, areas map[color.NRGBA]bool, step int) image.Image {
	round := func(v uint8) uint8 { return uint8(min((int(v)+step/2)/step*step, 255)) }
	var colours color.Palette
	seen := map[color.NRGBA]uint8{}
	size := p.Bounds().Size()
	out := image.NewPaletted(image.Rect(0, 0, size.X, size.Y), nil)
	for y := range size.Y {
		for x := range size.X {
			c := nrgba(p, x, y)
			if !areas[c] {
				c = color.NRGBA{round(c.R), round(c.G), round(c.B), c.A}
			}
			i, is := seen[c]
			if !is {
				if len(colours) == 256 {
					return nil
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
		{"as another processor rounds", make(color.Gray{103}, 4), 0},
		{"another colour", make(color.Gray{104}, 4), 8},
		{"narrower", make(color.Gray{100}, 3), 8},
		{"with a palette", small(grey), 0},
	} {
		if got := differ(grey, c.with); got != c.want {
			t.Errorf("%s: %d pixels differ, want %d", c.name, got, c.want)
		}
	}
}
