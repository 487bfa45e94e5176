package view

import (
	"image/color"
	"math"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
)

// luminance is the relative luminance of WCAG 2.2.
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	part := func(v uint32) float64 {
		s := float64(v) / 0xffff
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*part(r) + 0.7152*part(g) + 0.0722*part(b)
}

// contrast is the contrast ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b color.Color) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// TestContrast holds text to WCAG AA (4.5), and edges, curves and pictures that mean something to 3, in light and dark.
func TestContrast(t *testing.T) {
	grounds := []fyne.ThemeColorName{theme.ColorNameBackground, colorCard}
	texts := []fyne.ThemeColorName{theme.ColorNameForeground, colorFaint, theme.ColorNamePlaceHolder, theme.ColorNamePrimary, theme.ColorNameHyperlink, theme.ColorNameSuccess, theme.ColorNameWarning, theme.ColorNameError}
	type pair struct {
		text, ground fyne.ThemeColorName
		least        float64
	}
	pairs := []pair{
		{theme.ColorNameForegroundOnPrimary, theme.ColorNamePrimary, 4.5}, {theme.ColorNameForegroundOnSuccess, theme.ColorNameSuccess, 4.5},
		{theme.ColorNameForegroundOnWarning, theme.ColorNameWarning, 4.5}, {theme.ColorNameForegroundOnError, theme.ColorNameError, 4.5},
		{theme.ColorNameForeground, theme.ColorNameButton, 4.5}, {theme.ColorNameForeground, theme.ColorNameInputBackground, 4.5}, {theme.ColorNamePlaceHolder, theme.ColorNameInputBackground, 4.5},
		{theme.ColorNameForeground, theme.ColorNameMenuBackground, 4.5}, {theme.ColorNameForeground, theme.ColorNameHeaderBackground, 4.5},
		{colorFaint, theme.ColorNameDisabledButton, 4.5}, // a gateway that cannot be changed now is read all the same
		{theme.ColorNameInputBorder, theme.ColorNameInputBackground, 3}, {theme.ColorNameInputBorder, theme.ColorNameBackground, 3},
		{colorUp, colorCard, 3}, {theme.ColorNamePrimary, colorCard, 3},
	}
	for _, ground := range grounds {
		for _, text := range texts {
			pairs = append(pairs, pair{text, ground, 4.5})
		}
	}
	for tone := model.TonePlain; tone <= model.ToneFaint; tone++ {
		for _, text := range []fyne.ThemeColorName{theme.ColorNameForeground, colorFaint, theme.ColorNameHyperlink, toneColor(tone)} {
			pairs = append(pairs, pair{text, toneTint(tone), 4.5})
		}
	}
	for _, s := range model.Shapes() {
		mark, tint := shapeTone(s)
		pairs = append(pairs, pair{mark, tint, 3})
	}
	for _, s := range model.Shapes() {
		for _, panel := range []color.Color{color.Gray{0xf0}, color.Gray{0x20}} {
			if got := contrast(panelColor(s), panel); got < 3 {
				t.Errorf("%s has a contrast of %.2f to a panel of %v", s, got, panel)
			}
		}
	}
	for _, v := range variants {
		for _, p := range pairs {
			th := NewTheme(locale.English)
			if got := contrast(th.Color(p.text, v.is), th.Color(p.ground, v.is)); got < p.least {
				t.Errorf("%s: %s on %s has a contrast of %.2f, not %.1f", v.name, p.text, p.ground, got, p.least)
			}
		}
	}
}

// TestVariants: light and dark have colours for the same names, so that neither shows one of Fyne's among ours.
func TestVariants(t *testing.T) {
	for name := range light {
		if _, ok := dark[name]; !ok {
			t.Errorf("%s has no dark colour", name)
		}
	}
	for name := range dark {
		if _, ok := light[name]; !ok {
			t.Errorf("%s has no light colour", name)
		}
	}
}

// TestTextSizes: all sizes of text follow the one that a person asks for.
func TestTextSizes(t *testing.T) {
	plain, large := newTheme(locale.English, plainText), newTheme(locale.English, 2*plainText)
	for name := range scales {
		if got, want := large.Size(name), 2*plain.Size(name); got != want {
			t.Errorf("%s is %v, not %v", name, got, want)
		}
	}
}
