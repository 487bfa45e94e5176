package view

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// Colours of ours that Fyne has no name for.
const (
	colorCard        fyne.ThemeColorName = "holdfast.card"    // what lies on the background
	colorLine        fyne.ThemeColorName = "holdfast.line"    // the edge of a card
	colorFaint       fyne.ThemeColorName = "holdfast.faint"   // text that explains
	colorTint        fyne.ThemeColorName = "holdfast.tint"    // behind a picture without a tone
	colorPrimaryTint fyne.ThemeColorName = "holdfast.primary" // and of the tones
	colorGoodTint    fyne.ThemeColorName = "holdfast.good"
	colorWarnTint    fyne.ThemeColorName = "holdfast.warn"
	colorBadTint     fyne.ThemeColorName = "holdfast.bad"
	colorUp          fyne.ThemeColorName = "holdfast.up" // the curve of what is sent; what is received has the primary colour
)

// rgb is a colour as 0xRRGGBB.
func rgb(c uint32) color.Color {
	return color.NRGBA{R: uint8(c >> 16), G: uint8(c >> 8), B: uint8(c), A: 0xff} // #nosec G115 -- cut on purpose
}

// veil is a colour that lets through what is below it.
func veil(c uint32, alpha uint8) color.Color {
	return color.NRGBA{R: uint8(c >> 16), G: uint8(c >> 8), B: uint8(c), A: alpha} // #nosec G115 -- cut on purpose
}

// light and dark are the colours. A test holds every pair of text and ground to a contrast of 4.5 (WCAG AA), and edges and pictures to 3.
var (
	light = map[fyne.ThemeColorName]color.Color{
		theme.ColorNameBackground:          rgb(0xf5f6f8),
		theme.ColorNameForeground:          rgb(0x18202b),
		theme.ColorNamePlaceHolder:         rgb(0x667080),
		theme.ColorNameDisabled:            rgb(0x8b95a3),
		theme.ColorNamePrimary:             rgb(0x1d5fcc),
		theme.ColorNameHyperlink:           rgb(0x1d5fcc),
		theme.ColorNameForegroundOnPrimary: rgb(0xffffff),
		theme.ColorNameSuccess:             rgb(0x17703f),
		theme.ColorNameWarning:             rgb(0x8a5600),
		theme.ColorNameError:               rgb(0xb3261e),
		theme.ColorNameForegroundOnSuccess: rgb(0xffffff),
		theme.ColorNameForegroundOnWarning: rgb(0xffffff),
		theme.ColorNameForegroundOnError:   rgb(0xffffff),
		theme.ColorNameButton:              rgb(0xffffff),
		theme.ColorNameDisabledButton:      rgb(0xe9ecf0),
		theme.ColorNameInputBackground:     rgb(0xffffff),
		theme.ColorNameInputBorder:         rgb(0x848e9d),
		theme.ColorNameMenuBackground:      rgb(0xffffff),
		theme.ColorNameOverlayBackground:   rgb(0xffffff),
		theme.ColorNameHeaderBackground:    rgb(0xeceff3),
		theme.ColorNameSeparator:           rgb(0xdfe3e9),
		theme.ColorNameHover:               veil(0x18202b, 0x10),
		theme.ColorNamePressed:             veil(0x18202b, 0x1c),
		theme.ColorNameFocus:               veil(0x1d5fcc, 0x38),
		theme.ColorNameSelection:           veil(0x1d5fcc, 0x38),
		theme.ColorNameScrollBar:           veil(0x18202b, 0x66),
		theme.ColorNameScrollBarBackground: veil(0x18202b, 0x00),
		theme.ColorNameShadow:              veil(0x18202b, 0x30),
		colorCard:                          rgb(0xffffff),
		colorLine:                          rgb(0xdfe3e9),
		colorFaint:                         rgb(0x566172),
		colorTint:                          rgb(0xe7ebf0),
		colorPrimaryTint:                   rgb(0xe2ecfc),
		colorGoodTint:                      rgb(0xe0f2e8),
		colorWarnTint:                      rgb(0xfcf0d9),
		colorBadTint:                       rgb(0xfce8e6),
		colorUp:                            rgb(0x0b7a70),
	}
	dark = map[fyne.ThemeColorName]color.Color{
		theme.ColorNameBackground:          rgb(0x14181e),
		theme.ColorNameForeground:          rgb(0xe9edf2),
		theme.ColorNamePlaceHolder:         rgb(0x8f9bab),
		theme.ColorNameDisabled:            rgb(0x66717f),
		theme.ColorNamePrimary:             rgb(0x84aeff),
		theme.ColorNameHyperlink:           rgb(0x84aeff),
		theme.ColorNameForegroundOnPrimary: rgb(0x0b1b36),
		theme.ColorNameSuccess:             rgb(0x63cf97),
		theme.ColorNameWarning:             rgb(0xedb458),
		theme.ColorNameError:               rgb(0xff9188),
		theme.ColorNameForegroundOnSuccess: rgb(0x07210f),
		theme.ColorNameForegroundOnWarning: rgb(0x281a00),
		theme.ColorNameForegroundOnError:   rgb(0x330a07),
		theme.ColorNameButton:              rgb(0x262e38),
		theme.ColorNameDisabledButton:      rgb(0x20262e),
		theme.ColorNameInputBackground:     rgb(0x1c222a),
		theme.ColorNameInputBorder:         rgb(0x6d7887),
		theme.ColorNameMenuBackground:      rgb(0x262e38),
		theme.ColorNameOverlayBackground:   rgb(0x1c222a),
		theme.ColorNameHeaderBackground:    rgb(0x1c222a),
		theme.ColorNameSeparator:           rgb(0x2e3743),
		theme.ColorNameHover:               veil(0xffffff, 0x12),
		theme.ColorNamePressed:             veil(0xffffff, 0x1e),
		theme.ColorNameFocus:               veil(0x84aeff, 0x48),
		theme.ColorNameSelection:           veil(0x84aeff, 0x48),
		theme.ColorNameScrollBar:           veil(0xffffff, 0x66),
		theme.ColorNameScrollBarBackground: veil(0xffffff, 0x00),
		theme.ColorNameShadow:              veil(0x000000, 0x70),
		colorCard:                          rgb(0x1c222a),
		colorLine:                          rgb(0x2e3743),
		colorFaint:                         rgb(0xa0acba),
		colorTint:                          rgb(0x29313c),
		colorPrimaryTint:                   rgb(0x1d2c47),
		colorGoodTint:                      rgb(0x16301f),
		colorWarnTint:                      rgb(0x352710),
		colorBadTint:                       rgb(0x3d1d1b),
		colorUp:                            rgb(0x4fc7ba),
	}
)

// toneColor is the colour of a text of a tone.
func toneColor(t model.Tone) fyne.ThemeColorName {
	switch t {
	case model.ToneGood:
		return theme.ColorNameSuccess
	case model.ToneWarn:
		return theme.ColorNameWarning
	case model.ToneBad:
		return theme.ColorNameError
	case model.ToneFaint:
		return colorFaint
	default:
		return theme.ColorNameForeground
	}
}

// toneTint is what lies behind it.
func toneTint(t model.Tone) fyne.ThemeColorName {
	switch t {
	case model.ToneGood:
		return colorGoodTint
	case model.ToneWarn:
		return colorWarnTint
	case model.ToneBad:
		return colorBadTint
	default:
		return colorTint
	}
}

// shapeTone is the tone of a state: its picture says the same without it.
func shapeTone(s model.Shape) (fyne.ThemeColorName, fyne.ThemeColorName) {
	switch s {
	case model.ShapeConnected:
		return theme.ColorNameSuccess, colorGoodTint
	case model.ShapeConnecting:
		return theme.ColorNamePrimary, colorPrimaryTint
	case model.ShapeReconnecting, model.ShapeAttention:
		return theme.ColorNameWarning, colorWarnTint
	case model.ShapeBlocked:
		return theme.ColorNameError, colorBadTint
	default:
		return colorFaint, colorTint
	}
}

// panelColor is the colour of a state on a panel. Each is of a middle luminance, which has a contrast of 3 to a light panel and to a dark one.
func panelColor(s model.Shape) color.Color {
	switch s {
	case model.ShapeConnected:
		return rgb(0x1f9254)
	case model.ShapeConnecting:
		return rgb(0x3b7de9)
	case model.ShapeReconnecting, model.ShapeAttention:
		return rgb(0xb8720a)
	case model.ShapeBlocked:
		return rgb(0xdc4a41)
	default:
		return rgb(0x7d8590)
	}
}
