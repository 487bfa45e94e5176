package view

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/view/fonts"
)

// Theme is how everything of ours looks: Fyne's theme with our colours, sizes and fonts. It follows the desktop's choice of light or dark.
type Theme struct {
	fyne.Theme
	text          float32 // size of plain text, in Fyne's pixels; the other sizes of text follow it
	regular, bold fyne.Resource
}

// plainText is the size of plain text for those who have asked for no other.
const plainText = 14

// NewTheme returns the theme with the letters of a language.
func NewTheme(l locale.Language) fyne.Theme { return newTheme(l, plainText) }

// newTheme returns the theme with plain text of a size.
func newTheme(l locale.Language, text float32) *Theme {
	regular, bold := fonts.For(l)
	return &Theme{theme.DefaultTheme(), text, regular, bold}
}

// Font is where letters are looked for first: Fyne's own font has those that this one lacks.
func (t *Theme) Font(s fyne.TextStyle) fyne.Resource {
	switch {
	case s.Symbol || s.Monospace:
		return t.Theme.Font(s)
	case s.Bold:
		return t.bold
	default:
		return t.regular
	}
}

// Color is the colour of a name; of a name that is not ours, Fyne's.
func (t *Theme) Color(name fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	colours := light
	if v == theme.VariantDark {
		colours = dark
	}
	if c, ok := colours[name]; ok {
		return c
	}
	return t.Theme.Color(name, v)
}

// sizes are those that differ from Fyne's; the sizes of text are multiples of plain text.
var sizes = map[fyne.ThemeSizeName]float32{
	theme.SizeNameInputRadius:     8,
	theme.SizeNameSelectionRadius: 6,
	theme.SizeNameScrollBar:       10,
	theme.SizeNameScrollBarSmall:  4,
	theme.SizeNameScrollBarRadius: 4,
	theme.SizeNameInnerPadding:    10,
}

// scales are the sizes of text and of what stands beside it, as parts of plain text.
var scales = map[fyne.ThemeSizeName]float32{
	theme.SizeNameText:           1,
	theme.SizeNameCaptionText:    12.0 / plainText,
	theme.SizeNameSubHeadingText: 16.0 / plainText,
	theme.SizeNameHeadingText:    21.0 / plainText,
	theme.SizeNameInlineIcon:     20.0 / plainText,
}

// Size is the size of a name, in Fyne's pixels.
func (t *Theme) Size(name fyne.ThemeSizeName) float32 {
	if s, ok := scales[name]; ok {
		return s * t.text
	}
	if s, ok := sizes[name]; ok {
		return s
	}
	return t.Theme.Size(name)
}

// shade is a colour of the theme that an object is shown in, as the desktop is now.
func shade(name fyne.ThemeColorName, o fyne.Widget) color.Color {
	return theme.CurrentForWidget(o).Color(name, fyne.CurrentApp().Settings().ThemeVariant())
}

// em is how much larger plain text is than most people have it.
func em(o fyne.Widget) float32 { return measure(theme.SizeNameText, o) / plainText }

// measure is a size of the theme that an object is shown in.
func measure(name fyne.ThemeSizeName, o fyne.Widget) float32 {
	return theme.CurrentForWidget(o).Size(name)
}
