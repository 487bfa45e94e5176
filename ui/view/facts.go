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
	factMark = 15 // of pictures, for plain text
	factWide = 9  // of a value, in sizes of text: where there is less room it stands below its label
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
		if i > 0 && list[i-1].Label == fact.Label {
			r.label.words = "" // one more of the same
		}
		r.value.style.Monospace = fact.Digits
		r.value.color = toneColor(fact.Tone)
		r.mark.Hidden = fact.Tone == model.TonePlain || fact.Tone == model.ToneFaint
		r.mark.set(toneGlyph(fact.Tone), r.value.color, "")
		r.label.Refresh()
		r.value.Refresh()
	}
	f.Refresh()
}

// labels is how wide the column of labels is, as wide as the widest; 0 where values stand below their labels: because they would have too little room beside them, or would break so often that all is lower so.
func (f *facts) labels(width float32) float32 {
	var most float32
	for _, r := range f.rows {
		most = max(most, r.label.natural())
	}
	if width-most-factGapX < factWide*measure(theme.SizeNameText, f) || f.tall(width, 0) < f.tall(width, most) {
		return 0
	}
	return most
}

// factPlace is where the parts of a row are.
type factPlace struct {
	height      float32
	labelWidth  float32
	labelHeight float32
	value       fyne.Position // from the row's corner
	valueWidth  float32
	valueHeight float32
	mark        fyne.Position
}

// at says where the parts of a row are at a width.
func (f *facts) at(r factRow, width, labels float32) factPlace {
	p := factPlace{labelWidth: labels, valueWidth: width}
	if labels > 0 {
		p.value.X = labels + factGapX
		p.labelHeight = r.label.heightFor(labels)
	} else {
		p.labelWidth = width
		if r.label.words != "" {
			p.labelHeight = r.label.heightFor(width)
		}
		p.value.Y = p.labelHeight
	}
	line := fyne.MeasureText("X", measure(theme.SizeNameText, f), fyne.TextStyle{}).Height
	p.mark = p.value.AddXY(0, (line-r.mark.side())/2)
	if !r.mark.Hidden {
		p.value.X += r.mark.side() + 6
	}
	p.valueWidth = max(1, width-p.value.X)
	p.valueHeight = r.value.heightFor(p.valueWidth)
	p.height = max(p.labelHeight, p.value.Y+p.valueHeight)
	return p
}

func (f *facts) heightFor(width float32) float32 { return f.tall(width, f.labels(width)) }

// tall is the height of all rows with a column of labels of a width.
func (f *facts) tall(width, labels float32) float32 {
	height := float32(-factGapY)
	for _, r := range f.rows {
		height += f.at(r, width, labels).height + factGapY
	}
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
	labels := r.of.labels(size.Width)
	for _, row := range r.of.rows {
		p := r.of.at(row, size.Width, labels)
		place(row.label, 0, y, p.labelWidth, p.labelHeight)
		place(row.mark, p.mark.X, y+p.mark.Y, row.mark.side(), row.mark.side())
		place(row.value, p.value.X, y+p.value.Y, p.valueWidth, p.valueHeight)
		y += p.height + factGapY
	}
}

func (r *factsRenderer) Refresh() {
	r.Layout(r.of.Size())
	canvas.Refresh(r.of)
}
