//go:build !race

// Drawing takes many times as long with the race detector, and no goroutine takes part in it: .ci/test runs these tests without.

package view

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
)

var update = flag.Bool("update", false, "write the pictures in testdata anew")

// tile is one picture of a sheet.
type tile struct {
	name string
	img  image.Image
}

// tileGap is the distance between tiles, in pixels.
const tileGap = 8

// contact puts tiles of one size beside and below each other.
func contact(tiles []tile, across int) *image.NRGBA {
	size := tiles[0].img.Bounds().Size().Add(image.Pt(tileGap, tileGap))
	down := (len(tiles) + across - 1) / across
	across = min(across, len(tiles))
	out := image.NewNRGBA(image.Rect(0, 0, across*size.X+tileGap, down*size.Y+tileGap))
	draw.Draw(out, out.Rect, image.NewUniform(color.NRGBA{0x80, 0x80, 0x80, 0xff}), image.Point{}, draw.Src)
	for i, t := range tiles {
		at := image.Pt(tileGap+i%across*size.X, tileGap+i/across*size.Y)
		draw.Draw(out, image.Rectangle{at, at.Add(size)}, t.img, image.Point{}, draw.Src)
	}
	return out
}

// paletted brings a picture to at most 256 colours: those of the theme are kept, what letters and curves have between them is rounded as little as it takes. The same picture always gives the same.
func paletted(img *image.NRGBA) *image.Paletted {
	kept := map[[3]uint8]bool{{0x80, 0x80, 0x80}: true}
	for _, colours := range []map[fyne.ThemeColorName]color.Color{light, dark} {
		for _, c := range colours {
			n := color.NRGBAModel.Convert(c).(color.NRGBA)
			kept[[3]uint8{n.R, n.G, n.B}] = true
		}
	}
	for bits := 7; ; bits-- {
		if out := rounded(img, kept, 8-bits); out != nil {
			return out
		}
	}
}

// rounded cuts bits off all colours but those that are kept; nil where there are too many all the same.
func rounded(img *image.NRGBA, kept map[[3]uint8]bool, cut int) *image.Paletted {
	index := map[[3]uint8]uint8{}
	out := image.NewPaletted(img.Rect, nil)
	for i := 0; i < len(img.Pix); i += 4 {
		if i > 0 && [4]uint8(img.Pix[i:i+4]) == [4]uint8(img.Pix[i-4:i]) {
			out.Pix[i/4] = out.Pix[i/4-1] // as most are
			continue
		}
		key := [3]uint8(img.Pix[i : i+3])
		if !kept[key] {
			for k := range key {
				key[k] = key[k]>>cut<<cut | 1<<cut>>1
			}
		}
		n, ok := index[key]
		if !ok {
			if len(index) == 256 {
				return nil
			}
			n = uint8(len(index))
			index[key] = n
			out.Palette = append(out.Palette, color.RGBA{key[0], key[1], key[2], 0xff})
		}
		out.Pix[i/4] = n
	}
	return out
}

// golden compares a sheet with the picture in testdata, pixel by pixel.
func golden(t *testing.T, name string, tiles []tile, across int) {
	t.Helper()
	got := paletted(contact(tiles, across))
	file := filepath.Join("testdata", name+".png")
	if *update {
		writePNG(t, file, got)
		return
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; go test ./ui/view -run %s -update makes it", err, t.Name())
	}
	want, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if differs := differ(got, want, tiles, across); len(differs) > 0 {
		saved := filepath.Join(t.ArtifactDir(), name+".png")
		writePNG(t, saved, got)
		t.Errorf("%s is not what is drawn now: pixels that differ, by tile: %v. What is drawn now is in %s; if it is right, go test ./ui/view -update takes it", file, differs, saved)
	}
}

// differ counts the pixels that are not the same, by tile.
func differ(got *image.Paletted, want image.Image, tiles []tile, across int) map[string]int {
	differs := map[string]int{}
	was, ok := want.(*image.Paletted)
	if !ok || was.Rect != got.Rect {
		differs["of another size"] = len(got.Pix)
		return differs
	}
	size := tiles[0].img.Bounds().Size().Add(image.Pt(tileGap, tileGap))
	for i, index := range got.Pix {
		if got.Palette[index] != was.Palette[was.Pix[i]] {
			x, y := i%got.Stride, i/got.Stride
			n := (y-tileGap)/size.Y*across + (x-tileGap)/size.X
			differs[tiles[max(0, min(n, len(tiles)-1))].name]++
		}
	}
	return differs
}

// writePNG writes a picture, as small as it gets.
func writePNG(t *testing.T, file string, img image.Image) {
	t.Helper()
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// shots are pictures of screens in a small window.
func shots(t *testing.T, all []titled, size fyne.Size) []tile {
	var tiles []tile
	for _, s := range all {
		_, w := frame(t, s.screen, size)
		tiles = append(tiles, tile{s.name, w.Canvas().Capture()})
	}
	return tiles
}

// TestGoldenLanguages: every situation looks as somebody has looked at it, in the languages that docs/screens does not show; English and Japanese are there, in light and dark (ui/view/screens).
func TestGoldenLanguages(t *testing.T) {
	for _, l := range locale.Languages() {
		if l == locale.English || l == locale.Japanese {
			continue
		}
		dress(t, l, theme.VariantLight, plainText)
		golden(t, "small-"+string(l), shots(t, screens(l), FrameSize), 8)
	}
}

// TestGoldenByHand: what no situation of the model has: the longest banner, two notes, a name that is long.
func TestGoldenByHand(t *testing.T) {
	dress(t, locale.English, theme.VariantLight, plainText)
	var all []titled
	for _, name := range slices.Sorted(maps.Keys(handmade())) {
		all = append(all, titled{name, handmade()[name]})
	}
	golden(t, "byhand", shots(t, all, FrameSize), 8)
}

// TestGoldenLargeText: the same with text of half as much again, in the language with the longest words; and in the dark.
func TestGoldenLargeText(t *testing.T) {
	dress(t, locale.German, theme.VariantDark, plainText*1.5)
	golden(t, "large", shots(t, screens(locale.German), FrameSize), 8)
}

// TestGoldenIcons: the pictures of the states at the sizes of panels, light and dark, and in the window.
func TestGoldenIcons(t *testing.T) {
	var tiles []tile
	for _, size := range []int{16, 22, 48} {
		for _, ground := range []color.NRGBA{{0xf0, 0xf0, 0xf0, 0xff}, {0x20, 0x20, 0x20, 0xff}} {
			for _, s := range model.Shapes() {
				img := image.NewNRGBA(image.Rect(0, 0, 48, 48))
				draw.Draw(img, img.Rect, image.NewUniform(ground), image.Point{}, draw.Src)
				icon := paintIcon(PanelIcon(s), size)
				at := image.Pt((48-size)/2, (48-size)/2)
				draw.Draw(img, image.Rectangle{at, at.Add(image.Pt(size, size))}, icon, image.Point{}, draw.Over)
				tiles = append(tiles, tile{fmt.Sprintf("%s at %d", s, size), img})
			}
		}
	}
	golden(t, "icons", tiles, len(model.Shapes()))
}
