package view

import (
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/locale"
)

// runes counts one for narrow and two for wide characters: a width without a font.
func runes(s string) float32 {
	var n float32
	for _, r := range s {
		n++
		if wide(r) {
			n++
		}
	}
	return n
}

func TestWrap(t *testing.T) {
	tests := map[string]struct {
		text  string
		limit float32
		want  []string
	}{
		"words":                      {"one two three", 8, []string{"one two", "three"}},
		"it fits to the last letter": {"one two", 7, []string{"one two"}},
		"a line break is one":        {"one\n\ntwo", 9, []string{"one", "", "two"}},
		"nothing":                    {"", 9, []string{""}},
		"a word that is too long":    {"go Donaudampfschiff", 8, []string{"go", "Donaudam", "pfschiff"}},
		"after a hyphen":             {"VPN-Gateway", 8, []string{"VPN-", "Gateway"}},
		"no break in an option":      {"with --cert FILE", 10, []string{"with", "--cert", "FILE"}},
		"no break in a number":       {"10.20.30.40, 2001:db8::1", 14, []string{"10.20.30.40,", "2001:db8::1"}},
		"a number keeps its unit":    {"about 5\u00a0MB/s", 11, []string{"about", "5\u00a0MB/s"}},
		"kanji break anywhere":       {"接続済みです", 8, []string{"接続済み", "です"}},
		"no full stop begins a line": {"接続済み。次", 8, []string{"接続済", "み。次"}},
		"no bracket ends a line":     {"接続済「み」", 8, []string{"接続済", "「み」"}},
		"Latin between kanji":        {"このVPNは", 8, []string{"このVPN", "は"}},
	}
	for name, tt := range tests {
		if got := wrap(tt.text, tt.limit, runes); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %q, not %q", name, got, tt.want)
		}
	}
}

// FuzzWrap: a gateway's banner is shown whole, in lines that fit, whatever it is.
func FuzzWrap(f *testing.F) {
	f.Add("Access is for those who have been told so.\n\nWhat is done here is recorded.", 20)
	f.Add("接続済み。「このVPN」は10 MB/sです。", 7)
	f.Add(" \u00a0 - / \u3000 ", 3)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if !utf8.ValidString(s) || limit < 2 || len(s) > 1000 {
			return
		}
		solid := func(s string) string {
			return strings.Map(func(r rune) rune {
				if unicode.IsSpace(r) {
					return -1
				}
				return r
			}, s)
		}
		lines := wrap(s, float32(limit), runes)
		if got := strings.Join(lines, ""); solid(got) != solid(s) {
			t.Errorf("%q became %q", s, lines)
		}
		for _, l := range lines {
			if w := runes(l); w > float32(limit) {
				t.Errorf("%q is %v wide, more than %d", l, w, limit)
			}
		}
	})
}

func TestShorten(t *testing.T) {
	for text, want := range map[string]string{"gateway": "gateway", "gateways": "gatewa…", "": ""} {
		if got := shorten(text, 7, runes); got != want {
			t.Errorf("%q became %q, not %q", text, got, want)
		}
	}
}

// TestFollowsTheDesktop: when the desktop goes dark all that is shown does, and back.
func TestFollowsTheDesktop(t *testing.T) {
	app := test.NewTempApp(t)
	for name, s := range handmade() {
		app.Settings().SetTheme(pinned{newTheme(locale.English, plainText), theme.VariantLight})
		_, w := frame(t, s, FrameSize)
		day := hues(w)
		app.Settings().SetTheme(pinned{newTheme(locale.English, plainText), theme.VariantDark})
		night := hues(w)
		if len(day) == 0 || len(day) != len(night) {
			t.Fatalf("%s: %d texts by day and %d by night", name, len(day), len(night))
		}
		for i := range day {
			if day[i] == night[i] {
				t.Errorf("%s: %q has the same colour in light and dark", name, day[i].words)
			}
		}
		app.Settings().SetTheme(pinned{newTheme(locale.English, plainText), theme.VariantLight})
		if again := hues(w); !reflect.DeepEqual(again, day) {
			t.Errorf("%s: it is not as it was: %v, %v", name, again, day)
		}
	}
}

// hue is a text with its colour, or a picture with the bytes that have it.
type hue struct {
	words string
	color uint32
	drawn string
}

// hues are those of all that is painted in a window.
func hues(w fyne.Window) []hue {
	var all []hue
	for _, l := range leaves(w.Content()) {
		switch o := l.object.(type) {
		case *canvas.Text:
			r, g, b, _ := o.Color.RGBA()
			all = append(all, hue{words: o.Text, color: r>>8<<16 | g>>8<<8 | b>>8})
		case *canvas.Image:
			if o.Resource != nil {
				all = append(all, hue{drawn: string(o.Resource.Content())})
			}
		}
	}
	return all
}
