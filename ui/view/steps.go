package view

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// steps shows how far connecting is: a bar, and each step with its own picture.
type steps struct {
	list []model.Step
	bar  *bar
	rows *fyne.Container
	all  *fyne.Container
}

// newSteps returns no steps.
func newSteps() *steps {
	s := &steps{bar: newBar(), rows: newColumn(8)}
	s.all = newColumn(14, s.bar, s.rows)
	return s
}

// set changes what is shown.
func (s *steps) set(list []model.Step, progress float32) {
	s.bar.set(progress)
	if slices.Equal(s.list, list) {
		return
	}
	s.list = slices.Clone(list)
	s.rows.RemoveAll()
	for _, step := range list {
		drawing, mark, words := stepLook(step.State)
		label := newTextOf(step.Label, theme.SizeNameText, words)
		label.style.Bold = step.State == model.StepNow
		s.rows.Add(newRow(10, label, newEmblem(glyph(drawing), mark, 18), label))
	}
}

// stepLook is the picture of a step's state with its colour, and the colour of its words.
func stepLook(s model.StepState) (drawing string, mark, words fyne.ThemeColorName) {
	switch s {
	case model.StepDone:
		return "good", theme.ColorNameSuccess, theme.ColorNameForeground
	case model.StepNow:
		return "now", theme.ColorNamePrimary, theme.ColorNameForeground
	case model.StepFailed:
		return "bad", theme.ColorNameError, theme.ColorNameError
	default:
		return "ahead", colorFaint, colorFaint
	}
}

// bar is a part of a whole. Fyne's progress bar would write a number into it.
type bar struct {
	widget.BaseWidget
	part float32
}

// barTall is its height, in Fyne's pixels.
const barTall = 4

// newBar returns an empty one.
func newBar() *bar {
	b := &bar{}
	b.ExtendBaseWidget(b)
	return b
}

// set changes how much of it is full, from 0 to 1.
func (b *bar) set(part float32) {
	if part = max(0, min(1, part)); part != b.part {
		b.part = part
		b.Refresh()
	}
}

// CreateRenderer implements fyne.Widget.
func (b *bar) CreateRenderer() fyne.WidgetRenderer {
	r := &barRenderer{of: b, whole: &canvas.Rectangle{CornerRadius: barTall / 2}, part: &canvas.Rectangle{CornerRadius: barTall / 2}}
	r.paint()
	return r
}

// barRenderer draws a bar.
type barRenderer struct {
	of          *bar
	whole, part *canvas.Rectangle
}

func (r *barRenderer) Destroy()                     {}
func (r *barRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.whole, r.part} }
func (r *barRenderer) MinSize() fyne.Size           { return fyne.NewSize(barTall, barTall) }

func (r *barRenderer) Layout(size fyne.Size) {
	r.whole.Resize(size)
	width := size.Width * r.of.part
	r.part.Hidden = width < barTall
	r.part.Resize(fyne.NewSize(width, size.Height))
}

func (r *barRenderer) Refresh() {
	r.paint()
	r.Layout(r.of.Size())
	canvas.Refresh(r.of)
}

func (r *barRenderer) paint() {
	r.whole.FillColor, r.part.FillColor = shade(colorPrimaryTint, r.of), shade(theme.ColorNamePrimary, r.of)
}
