package view

import (
	"image/color"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// rail is the names of pages below each other, one of which is open. Fyne's tabs cannot be reached by keyboard; here the arrows go from page to page.
type rail struct {
	widget.BaseWidget
	labels []*text
	names  []string
	open   int
	choose func(int)
	keyed  func(*fyne.KeyEvent)

	focused bool
	hovered int // -1 for none
}

// Sizes of a rail, in Fyne's pixels.
const (
	railPad   = 10 // around it
	railPadX  = 12 // around a name
	railPadY  = 9
	railGap   = 2
	railLeast = 130 // how wide it is at least
	railMost  = 220 // and at most; a longer name is cut
)

// newRail returns one without names.
func newRail(choose func(int)) *rail {
	r := &rail{choose: choose, hovered: -1}
	r.ExtendBaseWidget(r)
	return r
}

// set changes the names and which one is open.
func (r *rail) set(names []string, open int) {
	if slices.Equal(r.names, names) && r.open == open {
		return
	}
	r.names, r.open = slices.Clone(names), open
	for len(r.labels) < len(names) {
		t := newText("")
		t.single = true
		r.labels = append(r.labels, t)
	}
	r.labels = r.labels[:len(names)]
	r.Refresh()
}

// line is the height of a name with what is around it.
func (r *rail) line() float32 {
	return fyne.MeasureText("X", measure(theme.SizeNameText, r), fyne.TextStyle{Bold: true}).Height + 2*railPadY
}

// natural is as wide as the longest name in bold, so that nothing moves when another is open.
func (r *rail) natural() float32 {
	var most float32
	for _, n := range r.names {
		most = max(most, fyne.MeasureText(n, measure(theme.SizeNameText, r), fyne.TextStyle{Bold: true}).Width)
	}
	return max(railLeast, min(railMost, most+2*railPadX+2*railPad+1))
}

// at is the name at a height; -1 for none.
func (r *rail) at(y float32) int {
	i := int((y - railPad) / (r.line() + railGap))
	if y < railPad || i >= len(r.names) {
		return -1
	}
	return i
}

// Tapped implements fyne.Tappable.
func (r *rail) Tapped(e *fyne.PointEvent) {
	if on := fyne.CurrentApp().Driver().CanvasForObject(r); on != nil {
		on.Focus(r)
	}
	if i := r.at(e.Position.Y); i >= 0 {
		r.choose(i)
	}
}

// MouseIn, MouseMoved and MouseOut implement desktop.Hoverable.
func (r *rail) MouseIn(e *desktop.MouseEvent) { r.hover(r.at(e.Position.Y)) }

// MouseMoved shows which name the mouse is at.
func (r *rail) MouseMoved(e *desktop.MouseEvent) { r.hover(r.at(e.Position.Y)) }

// MouseOut is called when the mouse has left.
func (r *rail) MouseOut() { r.hover(-1) }

func (r *rail) hover(i int) {
	if r.hovered != i {
		r.hovered = i
		r.Refresh()
	}
}

// FocusGained implements fyne.Focusable.
func (r *rail) FocusGained() {
	r.focused = true
	r.Refresh()
}

// FocusLost is called when the keyboard goes elsewhere.
func (r *rail) FocusLost() {
	r.focused = false
	r.Refresh()
}

// TypedRune takes no text.
func (r *rail) TypedRune(rune) {}

// TypedKey goes to the page before or after.
func (r *rail) TypedKey(e *fyne.KeyEvent) {
	to := r.open
	switch e.Name {
	case fyne.KeyUp:
		to--
	case fyne.KeyDown:
		to++
	case fyne.KeyHome:
		to = 0
	case fyne.KeyEnd:
		to = len(r.names) - 1
	default:
		r.keyed(e)
		return
	}
	if to >= 0 && to < len(r.names) {
		r.choose(to)
	}
}

// CreateRenderer implements fyne.Widget.
func (r *rail) CreateRenderer() fyne.WidgetRenderer {
	d := &railRenderer{of: r, ground: &canvas.Rectangle{}, edge: &canvas.Rectangle{}, face: &canvas.Rectangle{}, veil: &canvas.Rectangle{}}
	d.paint()
	return d
}

// railRenderer draws a rail: ground, the face of what is open with an edge where the keyboard is, a veil where the mouse is, and the names.
type railRenderer struct {
	of                       *rail
	ground, edge, face, veil *canvas.Rectangle
}

func (d *railRenderer) Destroy() {}

func (d *railRenderer) Objects() []fyne.CanvasObject {
	out := []fyne.CanvasObject{d.ground, d.edge, d.face, d.veil}
	for _, l := range d.of.labels {
		out = append(out, l)
	}
	return out
}

func (d *railRenderer) MinSize() fyne.Size {
	return fyne.NewSize(d.of.natural(), 2*railPad+float32(len(d.of.names))*(d.of.line()+railGap)-railGap)
}

func (d *railRenderer) Layout(size fyne.Size) {
	d.ground.Resize(size)
	place(d.edge, size.Width-1, 0, 1, size.Height)
	row := fyne.NewSize(size.Width-2*railPad, d.of.line())
	d.face.Resize(row)
	d.veil.Resize(row)
	for i, l := range d.of.labels {
		y := railPad + float32(i)*(row.Height+railGap)
		if i == d.of.open {
			d.face.Move(fyne.NewPos(railPad, y))
		}
		if i == d.of.hovered {
			d.veil.Move(fyne.NewPos(railPad, y))
		}
		place(l, railPad+railPadX, y+railPadY, row.Width-2*railPadX, row.Height-2*railPadY)
	}
}

func (d *railRenderer) Refresh() {
	d.paint()
	d.Layout(d.of.Size())
	canvas.Refresh(d.of)
}

func (d *railRenderer) paint() {
	radius := measure(theme.SizeNameInputRadius, d.of)
	d.ground.FillColor = shade(theme.ColorNameHeaderBackground, d.of)
	d.edge.FillColor = shade(colorLine, d.of)
	d.face.FillColor, d.face.CornerRadius = shade(colorPrimaryTint, d.of), radius
	d.face.StrokeColor, d.face.StrokeWidth = color.Transparent, 0
	if d.of.focused {
		d.face.StrokeColor, d.face.StrokeWidth = shade(theme.ColorNamePrimary, d.of), 2
	}
	d.veil.Hidden = d.of.hovered < 0 || d.of.hovered == d.of.open
	d.veil.FillColor, d.veil.CornerRadius = shade(theme.ColorNameHover, d.of), radius
	for i, l := range d.of.labels {
		l.words, l.color, l.style.Bold = d.of.names[i], theme.ColorNameForeground, i == d.of.open
		if i == d.of.open {
			l.color = theme.ColorNamePrimary
		}
		l.Refresh()
	}
}
