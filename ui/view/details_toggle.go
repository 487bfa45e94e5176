package view

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
)

// toggle is a switch. On and off are told apart by the place of the knob and by a tick in it, not by colour alone. Space and Enter change it; other keys go to the surroundings.
type toggle struct {
	control
	on      bool
	changed func(bool)
}

// Sizes of a switch, in Fyne's pixels where text has its plain size: it grows with it.
const (
	toggleWide = 44
	toggleTall = 24
	toggleKnob = 18
)

// newToggle returns a switch that is off.
func newToggle(changed func(bool)) *toggle {
	t := &toggle{changed: changed}
	t.is(t)
	return t
}

// set changes it without a call of changed.
func (t *toggle) set(on, enabled bool) {
	if t.on == on && t.Disabled() != enabled {
		return
	}
	t.on = on
	if enabled {
		t.Enable()
	} else {
		t.Disable()
	}
	t.Refresh()
}

func (t *toggle) flip() {
	if !t.Disabled() {
		t.changed(!t.on)
	}
}

// Tapped implements fyne.Tappable.
func (t *toggle) Tapped(*fyne.PointEvent) {
	if on := fyne.CurrentApp().Driver().CanvasForObject(t); on != nil && !t.Disabled() {
		on.Focus(t)
	}
	t.flip()
}

// TypedKey changes it.
func (t *toggle) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeySpace, fyne.KeyReturn, fyne.KeyEnter:
		t.flip()
	default:
		t.leave(e)
	}
}

// CreateRenderer implements fyne.Widget.
func (t *toggle) CreateRenderer() fyne.WidgetRenderer {
	r := &toggleRenderer{of: t, ring: &canvas.Rectangle{StrokeWidth: 2}, track: &canvas.Rectangle{}, knob: &canvas.Circle{}, tick: newEmblem(glyph("tick"), theme.ColorNamePrimary, toggleKnob-6)}
	r.paint()
	return r
}

type toggleRenderer struct {
	of          *toggle
	ring, track *canvas.Rectangle
	knob        *canvas.Circle
	tick        *emblem
}

func (r *toggleRenderer) Destroy() {}

func (r *toggleRenderer) MinSize() fyne.Size {
	return fyne.NewSize(toggleWide*em(r.of), toggleTall*em(r.of))
}

func (r *toggleRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.ring, r.track, r.knob, r.tick}
}

func (r *toggleRenderer) Layout(fyne.Size) {
	k := em(r.of)
	wide, tall, knob := toggleWide*k, toggleTall*k, toggleKnob*k
	place(r.ring, -ringGap, -ringGap, wide+2*ringGap, tall+2*ringGap)
	place(r.track, 0, 0, wide, tall)
	edge := (tall - knob) / 2
	x := edge
	if r.of.on {
		x = wide - knob - edge
	}
	place(r.knob, x, edge, knob, knob)
	tick := r.tick.side()
	place(r.tick, x+(knob-tick)/2, edge+(knob-tick)/2, tick, tick)
}

func (r *toggleRenderer) Refresh() {
	r.paint()
	r.Layout(r.of.Size())
	canvas.Refresh(r.of)
}

func (r *toggleRenderer) paint() {
	track, knob, edge := theme.ColorNameInputBackground, theme.ColorNameInputBorder, theme.ColorNameInputBorder
	switch {
	case r.of.Disabled() && r.of.on:
		track, knob, edge = theme.ColorNameDisabled, colorCard, theme.ColorNameDisabled
	case r.of.Disabled():
		track, knob, edge = theme.ColorNameDisabledButton, theme.ColorNameDisabled, theme.ColorNameDisabled
	case r.of.on:
		track, knob, edge = theme.ColorNamePrimary, theme.ColorNameForegroundOnPrimary, theme.ColorNamePrimary
	}
	r.track.FillColor, r.track.StrokeColor, r.track.StrokeWidth, r.track.CornerRadius = shade(track, r.of), shade(edge, r.of), 1.5, toggleTall/2*em(r.of)
	r.knob.FillColor = shade(knob, r.of)
	r.ring.StrokeColor, r.ring.CornerRadius = color.Transparent, toggleTall/2*em(r.of)+ringGap
	if r.of.focused && !r.of.Disabled() {
		r.ring.StrokeColor = shade(theme.ColorNamePrimary, r.of)
	}
	r.tick.Hidden = !r.of.on
	r.tick.set(glyph("tick"), track, "")
}
