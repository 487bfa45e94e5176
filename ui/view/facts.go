package view

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// facts are labels with their values, in two columns. A value with a tone has a picture before it.
type facts struct {
	widget.BaseWidget
	list []model.Fact
	rows []factRow
}

// factRow is one of them.
type factRow struct {
	label, value *text
	mark         *emblem
}

// Distances between facts, in Fyne's pixels.
const (
	factGapX = 14
	factGapY = 8
	factMark = 15
)

// newFacts returns no facts.
func newFacts() *facts {
	f := &facts{}
	f.ExtendBaseWidget(f)
	return f
}

// set changes what is shown.
func (f *facts) set(list []model.Fact) {
	if slices.Equal(f.list, list) {
		return
	}
	f.list = slices.Clone(list)
	for len(f.rows) < len(list) {
		f.rows = append(f.rows, factRow{newTextOf("", theme.SizeNameText, colorFaint), newText(""), newEmblem(nil, "", factMark)})
	}
	f.rows = f.rows[:len(list)]
	for i, fact := range list {
		r := f.rows[i]
		r.label.words, r.value.words = fact.Label, fact.Value
		r.value.color = toneColor(fact.Tone)
		r.mark.Hidden = fact.Tone == model.TonePlain || fact.Tone == model.ToneFaint
		r.mark.set(toneGlyph(fact.Tone), r.value.color, "")
		r.label.Refresh()
		r.value.Refresh()
	}
	f.Refresh()
}

// labels is how wide the column of labels is: as wide as the widest, but never more than nine twentieths.
func (f *facts) labels(width float32) float32 {
	var most float32
	for _, r := range f.rows {
		most = max(most, r.label.natural())
	}
	return min(most, width*0.45)
}

// place calls put with every row's height and the widths of its two parts.
func (f *facts) place(width float32, put func(r factRow, height, label, value, indent float32)) {
	label := f.labels(width)
	for _, r := range f.rows {
		var indent float32
		if !r.mark.Hidden {
			indent = factMark + 6
		}
		value := max(1, width-label-factGapX-indent)
		put(r, max(r.label.heightFor(label), r.value.heightFor(value)), label, value, indent)
	}
}

func (f *facts) heightFor(width float32) float32 {
	height := float32(-factGapY)
	f.place(width, func(_ factRow, h, _, _, _ float32) { height += h + factGapY })
	return max(0, height)
}

// CreateRenderer implements fyne.Widget.
func (f *facts) CreateRenderer() fyne.WidgetRenderer { return &factsRenderer{f} }

// factsRenderer lays facts out.
type factsRenderer struct{ of *facts }

func (r *factsRenderer) Destroy() {}

func (r *factsRenderer) Objects() []fyne.CanvasObject {
	out := make([]fyne.CanvasObject, 0, 3*len(r.of.rows))
	for _, row := range r.of.rows {
		out = append(out, row.label, row.mark, row.value)
	}
	return out
}

func (r *factsRenderer) MinSize() fyne.Size {
	return fyne.NewSize(1, r.of.heightFor(max(1, r.of.Size().Width)))
}

func (r *factsRenderer) Layout(size fyne.Size) {
	var y float32
	r.of.place(size.Width, func(row factRow, height, label, value, indent float32) {
		row.label.Move(fyne.NewPos(0, y))
		row.label.Resize(fyne.NewSize(label, height))
		line := fyne.MeasureText("X", measure(theme.SizeNameText, r.of), fyne.TextStyle{}).Height
		row.mark.Move(fyne.NewPos(label+factGapX, y+(line-factMark)/2))
		row.mark.Resize(fyne.NewSquareSize(factMark))
		row.value.Move(fyne.NewPos(label+factGapX+indent, y))
		row.value.Resize(fyne.NewSize(value, height))
		y += height + factGapY
	})
}

func (r *factsRenderer) Refresh() {
	r.Layout(r.of.Size())
	canvas.Refresh(r.of)
}
