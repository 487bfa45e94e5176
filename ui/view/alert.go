package view

import (
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// alert is what went wrong, what to do about it, and the code for support.
type alert struct {
	panel            *card
	mark             *emblem
	line, hint, code *text
}

// newAlert returns an empty one, which is not seen.
func newAlert() *alert {
	a := &alert{
		mark: newEmblem(glyph("warn"), theme.ColorNameWarning, 18), line: newText("").bold(), hint: newText(""),
		code: newTextOf("", theme.SizeNameCaptionText, colorFaint),
	}
	words := newColumn(windowNear, a.line, a.hint, a.code)
	a.panel = newPanel(colorWarnTint, newRow(10, words, a.mark, words))
	a.set(model.TonePlain, "", "", "")
	return a
}

// set changes what it says; without a line nothing is seen.
func (a *alert) set(tone model.Tone, line, hint, code string) {
	a.panel.Hidden = line == ""
	a.panel.set(toneTint(tone))
	color := colorFaint
	if tone != model.TonePlain {
		color = toneColor(tone)
	}
	a.mark.set(toneGlyph(tone), color, "")
	a.line.set(line)
	a.hint.set(hint)
	a.code.set(code)
}
