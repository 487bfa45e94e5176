package view

import (
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// ledgerLine draws one line of a ledger.
type ledgerLine struct {
	widget.BaseWidget
	of      *ledger
	row     ledgerRow
	a, b, c *text
	mark    *emblem
}

// Distances in a line, in Fyne's pixels.
const (
	ledgerPadX   = 20
	ledgerPadY   = 4
	ledgerAbove  = 14 // a heading
	ledgerGap    = 4  // that Fyne's list puts between lines
	ledgerMark   = 16
	ledgerNarrow = 360 // so narrow that a value stands below its label
)

// newLedgerLine returns an empty one.
func newLedgerLine() *ledgerLine {
	l := &ledgerLine{a: newText(""), b: newText(""), c: newTextOf("", theme.SizeNameCaptionText, colorFaint), mark: newEmblem(nil, "", ledgerMark)}
	l.ExtendBaseWidget(l)
	return l
}

// set changes what is shown.
func (l *ledgerLine) set(r ledgerRow) {
	if l.row == r && l.a.words == r.a {
		return
	}
	l.fill(r)
	l.a.Refresh()
	l.b.Refresh()
	l.c.Refresh()
	l.Refresh()
}

// fill takes a row without drawing it.
func (l *ledgerLine) fill(r ledgerRow) {
	l.row = r
	l.a.words, l.b.words, l.c.words = r.a, r.b, r.c
	l.a.size, l.a.color, l.a.style.Bold = theme.SizeNameText, theme.ColorNameForeground, false
	l.b.color = theme.ColorNameForeground
	l.mark.Hidden, l.c.Hidden, l.b.Hidden = true, true, r.b == ""
	switch r.kind {
	case ledgerHeading:
		l.a.size, l.a.style.Bold = theme.SizeNameSubHeadingText, true
	case ledgerNote:
		l.a.color = colorFaint
	case ledgerFact:
		if r.b != "" {
			l.a.color = colorFaint
		}
		l.b.color = toneColor(r.tone)
	case ledgerMessage:
		l.a.color = colorFaint
		l.mark.Hidden, l.c.Hidden = false, false
		l.mark.drawing, l.mark.color = toneGlyph(r.tone), toneColor(r.tone)
		if l.mark.color == theme.ColorNameForeground {
			l.mark.color = colorFaint
		}
	}
}

// tall is how high a row is at a width.
func (l *ledgerLine) tall(r ledgerRow, width float32) float32 {
	l.fill(r)
	return l.place(max(1, width), false)
}

// place gives the parts their places at a width where put, and returns the height.
func (l *ledgerLine) place(width float32, put bool) float32 {
	inner := max(1, width-2*ledgerPadX)
	set := func(o fyne.CanvasObject, x, y, w, h float32) {
		if put {
			place(o, ledgerPadX+x, ledgerPadY+y, w, h)
		}
	}
	switch {
	case l.row.kind == ledgerMessage:
		first := min(float32(math.Ceil(float64(l.of.clock))), inner*0.35)
		line := l.a.heightFor(1000)
		mark := l.mark.side()
		x := first + 12 + mark + 10
		rest := max(1, inner-x)
		body, below := l.b.heightFor(rest), l.c.heightFor(rest)
		height := max(l.a.heightFor(first), body+below)
		set(l.a, 0, 0, first, l.a.heightFor(first))
		set(l.mark, first+12, (line-mark)/2, mark, mark)
		set(l.b, x, 0, rest, body)
		set(l.c, x, body, rest, below)
		return height + 2*ledgerPadY
	case l.row.kind == ledgerFact && l.row.b != "" && inner < ledgerNarrow:
		first, second := l.a.heightFor(inner), l.b.heightFor(inner)
		set(l.a, 0, 0, inner, first)
		set(l.b, 0, first, inner, second)
		return first + second + 2*ledgerPadY
	case l.row.kind == ledgerFact && l.row.b != "":
		label := inner * 0.45
		value := max(1, inner-label-12)
		height := max(l.a.heightFor(label), l.b.heightFor(value))
		set(l.a, 0, 0, label, height)
		set(l.b, label+12, 0, value, height)
		return height + 2*ledgerPadY
	}
	height := l.a.heightFor(inner)
	var above float32
	if l.row.kind == ledgerHeading {
		above = ledgerAbove
	}
	set(l.a, 0, above, inner, height)
	return above + height + 2*ledgerPadY
}

// CreateRenderer implements fyne.Widget.
func (l *ledgerLine) CreateRenderer() fyne.WidgetRenderer { return &ledgerLineRenderer{l} }

type ledgerLineRenderer struct{ of *ledgerLine }

func (r *ledgerLineRenderer) Destroy() {}

func (r *ledgerLineRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.of.a, r.of.mark, r.of.b, r.of.c}
}

func (r *ledgerLineRenderer) MinSize() fyne.Size {
	return fyne.NewSize(1, r.of.a.heightFor(1000)+2*ledgerPadY)
}

func (r *ledgerLineRenderer) Layout(size fyne.Size) { r.of.place(size.Width, true) }

func (r *ledgerLineRenderer) Refresh() {
	r.of.mark.Refresh()
	r.Layout(r.of.Size())
	canvas.Refresh(r.of)
}
