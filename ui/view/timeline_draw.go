package view

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// CreateRenderer implements fyne.Widget.
func (t *timeline) CreateRenderer() fyne.WidgetRenderer {
	r := &timelineRenderer{of: t, ring: &canvas.Rectangle{}, base: &canvas.Rectangle{}, stem: &canvas.Rectangle{}, halo: &canvas.Circle{}}
	r.fill()
	return r
}

// timelineRenderer draws a timeline. Its objects are kept from one picture to the next, as far as there are as many.
type timelineRenderer struct {
	of         *timeline
	ring, base *canvas.Rectangle // where the keyboard is; the line that marks stand on
	stem       *canvas.Rectangle // from the current mark to the card
	halo       *canvas.Circle    // around it
	bands      []*canvas.Rectangle
	shapes     []*emblem
	names      []*text // in the bands that have room
	marks      []fyne.CanvasObject
	tones      []model.Tone
	ticks      []*canvas.Rectangle
	labels     []*text
}

func (r *timelineRenderer) Destroy() {}

func (r *timelineRenderer) Objects() []fyne.CanvasObject {
	out := []fyne.CanvasObject{r.ring}
	for _, o := range r.ticks {
		out = append(out, o)
	}
	for _, o := range r.bands {
		out = append(out, o)
	}
	for _, o := range r.shapes {
		out = append(out, o)
	}
	for _, o := range r.names {
		out = append(out, o)
	}
	out = append(out, r.base)
	out = append(out, r.marks...)
	for _, o := range r.labels {
		out = append(out, o)
	}
	out = append(out, r.stem, r.halo, r.of.card.panel)
	if i := r.of.current(); i >= 0 && i < len(r.marks) { // over its halo, which is over its neighbours
		out = append(out, r.marks[i])
	}
	return out
}

func (r *timelineRenderer) MinSize() fyne.Size {
	return fyne.NewSize(200, r.of.heightFor(max(200, r.of.Size().Width)))
}

func (r *timelineRenderer) Refresh() {
	r.fill()
	r.Layout(r.of.Size())
	canvas.Refresh(r.of)
}

// sized makes a list as long as it shall be.
func sized[T any](list []T, n int, make func() T) []T {
	for len(list) < n {
		list = append(list, make())
	}
	return list[:n]
}

// fill makes the objects and gives them the colours of now.
func (r *timelineRenderer) fill() {
	t := r.of
	r.bands = sized(r.bands, len(t.shown.Bands), func() *canvas.Rectangle { return &canvas.Rectangle{} })
	r.shapes = sized(r.shapes, len(t.shown.Bands), func() *emblem { return newEmblem(nil, "", timelineShape) })
	r.names = sized(r.names, len(t.shown.Bands), func() *text { return newText("") })
	r.ticks = sized(r.ticks, len(t.shown.Axis), func() *canvas.Rectangle { return &canvas.Rectangle{} })
	r.labels = sized(r.labels, len(t.shown.Axis), func() *text { return newTextOf("", theme.SizeNameCaptionText, colorFaint) })
	for i, b := range t.shown.Bands {
		ink, tint := shapeTone(b.Shape)
		r.bands[i].FillColor, r.bands[i].CornerRadius = shade(tint, t), 4
		r.bands[i].StrokeColor, r.bands[i].StrokeWidth = shade(ink, t), 1
		if i == t.band {
			r.bands[i].StrokeWidth = 2
		}
		r.shapes[i].set(picture(b.Shape.String()), ink, "")
		r.names[i].setTone(b.Label, ink)
	}
	for i, a := range t.shown.Axis {
		r.ticks[i].FillColor = shade(colorLine, t)
		r.labels[i].words = a.Label
		r.labels[i].Refresh()
	}
	r.fillMarks()
	r.base.FillColor = shade(colorLine, t)
	r.ring.FillColor, r.ring.StrokeColor, r.ring.StrokeWidth = color.Transparent, color.Transparent, 2
	r.ring.CornerRadius = measure(theme.SizeNameInputRadius, t)
	if t.focused {
		r.ring.StrokeColor = shade(theme.ColorNamePrimary, t)
	}
	i := t.current()
	r.stem.Hidden, r.halo.Hidden = i < 0, i < 0
	if i >= 0 {
		ink := shade(theme.ColorNamePrimary, t)
		r.stem.FillColor = ink
		r.halo.FillColor, r.halo.StrokeColor, r.halo.StrokeWidth = shade(theme.ColorNameBackground, t), ink, 2
	}
}

// fillMarks makes the marks: their form says what their colour says.
func (r *timelineRenderer) fillMarks() {
	t := r.of
	if len(r.marks) > len(t.shown.Marks) {
		r.marks, r.tones = r.marks[:len(t.shown.Marks)], r.tones[:len(t.shown.Marks)]
	}
	for i, k := range t.shown.Marks {
		if i == len(r.marks) {
			r.marks, r.tones = append(r.marks, form(k.Tone)), append(r.tones, k.Tone)
		}
		if r.tones[i] != k.Tone {
			r.marks[i], r.tones[i] = form(k.Tone), k.Tone
		}
		ink := shade(toneColor(k.Tone), t)
		switch o := r.marks[i].(type) {
		case *canvas.Polygon:
			o.FillColor = ink
		case *canvas.Circle:
			o.FillColor, o.StrokeColor, o.StrokeWidth = ink, ink, 2
			if k.Tone != model.ToneGood {
				o.FillColor = shade(theme.ColorNameBackground, t)
			}
		}
	}
}

// form is the form of a mark: a triangle for a warning, a diamond for an error, else a disc, or a ring.
func form(tone model.Tone) fyne.CanvasObject {
	switch tone {
	case model.ToneWarn:
		return canvas.NewPolygon(3, color.Transparent)
	case model.ToneBad:
		return canvas.NewPolygon(4, color.Transparent)
	}
	return &canvas.Circle{}
}

// markSize is how large a mark is: what matters little is small.
func markSize(tone model.Tone) float32 {
	switch tone {
	case model.ToneFaint:
		return timelineDot - 4
	case model.ToneWarn, model.ToneBad:
		return timelineDot + 4
	}
	return timelineDot
}

func (r *timelineRenderer) Layout(size fyne.Size) {
	t := r.of
	lane, band := t.lane(), t.deep()-t.lane()
	place(r.ring, -2, -2, size.Width+4, t.deep()+4)
	place(r.base, timelineEdge, lane-1, size.Width-2*timelineEdge, 1)
	for i, b := range t.shown.Bands {
		from, to := t.ends(b, size.Width)
		place(r.bands[i], from, lane+3, to-from, band-3)
		side := r.shapes[i].side()
		r.shapes[i].Hidden = to-from < side+10
		r.name(i, from, to)
		place(r.shapes[i], from+7, lane+3+(band-3-side)/2, side, side)
	}
	for i, k := range t.shown.Marks {
		s := markSize(k.Tone) * em(t)
		place(r.marks[i], t.x(k.At, size.Width)-s/2, (lane-s)/2, s, s)
	}
	r.layAxis(size)
	r.layCard(size)
}

// name puts the name of a band behind its shape, where there is room for both.
func (r *timelineRenderer) name(i int, from, to float32) {
	wide := r.names[i].natural()
	tall := r.names[i].heightFor(wide)
	left := from + r.shapes[i].side() + 13
	r.names[i].Hidden = left+wide+8 > to
	place(r.names[i], left, r.of.lane()+3+(r.of.deep()-r.of.lane()-3-tall)/2, wide, tall)
}

// layAxis puts the labels below their ticks, and leaves out those that have no room and the one that the stem would go through.
func (r *timelineRenderer) layAxis(size fyne.Size) {
	t := r.of
	var free float32
	stem := float32(-100)
	if i := t.current(); i >= 0 {
		stem = t.x(t.shown.Marks[i].At, size.Width)
	}
	for i, a := range t.shown.Axis {
		x := t.x(a.At, size.Width)
		place(r.ticks[i], x, t.lane(), 1, t.deep()-t.lane()+5)
		w := r.labels[i].natural()
		left := max(0, min(x-w/2, size.Width-w))
		r.labels[i].Hidden = left < free || stem > left-3 && stem < left+w+3
		if !r.labels[i].Hidden {
			free = left + w + 12
		}
		place(r.labels[i], left, t.deep()+6, w, r.labels[i].heightFor(w))
	}
}

// layCard puts the card below what it is about.
func (r *timelineRenderer) layCard(size fyne.Size) {
	t := r.of
	wide := t.cardWide(size.Width)
	left, top := float32(0), t.tall()+timelineGap
	x := float32(-1)
	if i := t.current(); i >= 0 && i < len(t.shown.Marks) {
		x = t.x(t.shown.Marks[i].At, size.Width)
		s := (markSize(t.shown.Marks[i].Tone) + 9) * em(t)
		place(r.halo, x-s/2, (t.lane()-s)/2, s, s)
		place(r.stem, x-1, (t.lane()+s)/2, 2, top-(t.lane()+s)/2)
	} else if t.band >= 0 && t.band < len(t.shown.Bands) {
		from, to := t.ends(t.shown.Bands[t.band], size.Width)
		x = (from + to) / 2
	}
	if x >= 0 {
		left = max(0, min(x-wide/2, size.Width-wide))
	}
	place(t.card.panel, left, top, wide, t.card.panel.heightFor(wide))
}
