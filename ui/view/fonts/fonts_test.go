package fonts

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/software"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"github.com/go-text/typesetting/font"

	"github.com/holdfast-vpn/holdfast/ui/locale"
)

// face reads a font as Fyne does.
func face(t *testing.T, r fyne.Resource) *font.Face {
	t.Helper()
	f, err := font.ParseTTF(bytes.NewReader(r.Content()))
	if err != nil {
		t.Fatalf("%s: %v", r.Name(), err)
	}
	return f
}

// characters are those of a language's texts.
func characters(t *testing.T, l locale.Language) map[rune]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "locale", "text", string(l), "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no texts: %v", l, err)
	}
	all := map[rune]string{}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var texts map[string]any
		if err := json.Unmarshal(raw, &texts); err != nil {
			t.Fatal(err)
		}
		for key, text := range texts {
			forms, ok := text.(map[string]any)
			if !ok {
				forms = map[string]any{"": text}
			}
			for _, form := range forms {
				for _, r := range form.(string) {
					all[r] = key
				}
			}
		}
	}
	return all
}

// TestCovered: every character of our texts is in the font of its language or in Fyne's own, in both weights, without a font of the system.
func TestCovered(t *testing.T) {
	for _, l := range locale.Languages() {
		regular, bold := For(l)
		for _, pair := range [][2]fyne.Resource{{regular, theme.DefaultTextFont()}, {bold, theme.DefaultTextBoldFont()}} {
			ours, fynes := face(t, pair[0]), face(t, pair[1])
			for r, key := range characters(t, l) {
				if r == '\n' {
					continue
				}
				_, inOurs := ours.NominalGlyph(r)
				if _, inFynes := fynes.NominalGlyph(r); !inOurs && !inFynes {
					t.Errorf("%s: no font has %q (%U) of %s: run go generate ./ui/view/fonts", pair[0].Name(), r, r, key)
				}
			}
		}
	}
}

// samples are characters that others write, by where they are common.
var samples = map[locale.Language]string{
	locale.Japanese:           "東京本社ゲートウェイへようこそ。ﾎｽﾄ名：営業部（大阪）「認証」",
	locale.SimplifiedChinese:  "北京总部网关，请输入动态口令。“认证”（研发）",
	locale.TraditionalChinese: "臺北總部閘道，請輸入動態密碼。「認證」（研發）",
}

// TestForeign: each language shows its own; and every language that is no CJK shows all three.
func TestForeign(t *testing.T) {
	for _, l := range locale.Languages() {
		regular, bold := For(l)
		for of, text := range samples {
			if _, cjk := samples[l]; cjk && l != of {
				continue
			}
			for _, r := range []fyne.Resource{regular, bold} {
				f := face(t, r)
				for _, c := range text {
					if _, ok := f.NominalGlyph(c); !ok && c != '“' && c != '”' { // Latin where they are not Chinese
						t.Errorf("%s lacks %q", r.Name(), c)
					}
				}
			}
		}
	}
}

// TestLatinStays: what Fyne's font has and ours should not take over; and the height of lines.
func TestLatinStays(t *testing.T) {
	fynes := face(t, theme.DefaultTextFont())
	want, _ := fynes.FontHExtents()
	for _, l := range locale.Languages() {
		regular, bold := For(l)
		for _, r := range []fyne.Resource{regular, bold} {
			f := face(t, r)
			for _, c := range "AZaz09.,:;’'éäñß€·" {
				if _, ok := f.NominalGlyph(c); ok {
					t.Errorf("%s takes %q from Fyne's font", r.Name(), c)
				}
			}
			if got, ok := f.FontHExtents(); !ok || got != want {
				t.Errorf("%s has lines of %+v, Fyne's font of %+v", r.Name(), got, want)
			}
			for _, blank := range " \u00a0" {
				g, ok := f.NominalGlyph(blank)
				of, _ := fynes.NominalGlyph(blank)
				if got, want := f.HorizontalAdvance(g), fynes.HorizontalAdvance(of); !ok || got != want {
					t.Errorf("%s has a blank %U of %v, Fyne's font of %v", r.Name(), blank, got, want)
				}
			}
		}
	}
}

// ours is Fyne's theme with the fonts of a language.
type ours struct {
	fyne.Theme
	language locale.Language
}

// Font is asked for every text.
func (o ours) Font(style fyne.TextStyle) fyne.Resource {
	regular, bold := For(o.language)
	if style.Bold {
		return bold
	}
	return regular
}

// draw draws a text as the application does.
func draw(t *testing.T, text string, style fyne.TextStyle) image.Image {
	t.Helper()
	c := software.NewCanvas()
	c.SetPadded(false)
	label := canvas.NewText(text, color.Black)
	label.TextSize, label.TextStyle = 20, style
	c.SetContent(container.NewStack(canvas.NewRectangle(color.White), label))
	c.Resize(label.MinSize())
	return c.Capture()
}

// TestDrawn: a Japanese text is drawn, in letters that differ, and not as the sign for a letter that is missing; bold is bolder.
func TestDrawn(t *testing.T) {
	for _, l := range []locale.Language{locale.Japanese, locale.SimplifiedChinese, locale.TraditionalChinese, locale.English} {
		a := test.NewTempApp(t)
		a.Settings().SetTheme(ours{theme.DefaultTheme(), l})
		plain, other, missing := draw(t, "中文", fyne.TextStyle{}), draw(t, "日本", fyne.TextStyle{}), draw(t, "\ufffd\ufffd", fyne.TextStyle{})
		if blank := draw(t, "中 文\u00a0中", fyne.TextStyle{}); ink(blank) > ink(draw(t, "中文中", fyne.TextStyle{}))*102/100 {
			t.Errorf("%s: a blank between ideographs is drawn", l)
		}
		if same(plain, missing) || same(other, missing) || same(plain, other) {
			t.Errorf("%s: letters are missing", l)
		}
		if l != locale.English && ink(draw(t, "中文", fyne.TextStyle{Bold: true})) <= ink(plain)*11/10 {
			t.Errorf("%s: bold is not bold", l)
		}
	}
}

// same reports whether two pictures are one.
func same(a, b image.Image) bool {
	if a.Bounds() != b.Bounds() {
		return false
	}
	for y := a.Bounds().Min.Y; y < a.Bounds().Max.Y; y++ {
		for x := a.Bounds().Min.X; x < a.Bounds().Max.X; x++ {
			if a.At(x, y) != b.At(x, y) {
				return false
			}
		}
	}
	return true
}

// ink is how dark a picture is.
func ink(i image.Image) int {
	sum := 0
	for y := i.Bounds().Min.Y; y < i.Bounds().Max.Y; y++ {
		for x := i.Bounds().Min.X; x < i.Bounds().Max.X; x++ {
			sum += 255 - int(color.GrayModel.Convert(i.At(x, y)).(color.Gray).Y)
		}
	}
	return sum
}
