package view

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// choice is one of several, in a menu that opens below. It knows its options by index: two gateways, or two groups of a hostile one, may have the same name. Space and the arrows open the menu; other
// keys go to the surroundings.
type choice struct {
	control
	options []string
	chosen  int // -1 for none
	changed func(index int)

	label *text
	menu  *widget.PopUpMenu
}

// choicePad is the distance of label and arrow from the sides, that of Fyne's entry.
const choicePad = 10

// newChoice returns a choice without options.
func newChoice(changed func(index int)) *choice {
	c := &choice{chosen: -1, changed: changed, label: newText("")}
	c.label.single = true
	c.is(c)
	return c
}

// set changes the options and which one is chosen, without a call of changed.
func (c *choice) set(options []string, chosen int, enabled bool) {
	c.options, c.chosen = options, chosen
	if enabled {
		c.Enable()
	} else {
		c.Disable()
		c.close()
	}
	c.Refresh()
}

// choose takes an option and says so.
func (c *choice) choose(index int) {
	if c.Disabled() || index < 0 || index >= len(c.options) {
		return
	}
	c.chosen = index
	c.Refresh()
	if c.changed != nil {
		c.changed(index)
	}
}

// open shows the menu.
func (c *choice) open() {
	if c.Disabled() || len(c.options) == 0 {
		return
	}
	c.menu = dropDown(c, c.options, c.choose)
}

// dropDown shows a menu of options below an object, as wide as it.
func dropDown(below fyne.Widget, options []string, choose func(int)) *widget.PopUpMenu {
	driver := fyne.CurrentApp().Driver()
	on := driver.CanvasForObject(below)
	if on == nil {
		return nil
	}
	items := make([]*fyne.MenuItem, len(options))
	for i, o := range options {
		items[i] = fyne.NewMenuItem(o, func() { choose(i) })
	}
	menu := widget.NewPopUpMenu(fyne.NewMenu("", items...), on)
	menu.ShowAtPosition(driver.AbsolutePositionForObject(below).AddXY(0, below.Size().Height+2))
	menu.Resize(fyne.NewSize(below.Size().Width, menu.MinSize().Height))
	return menu
}

// close takes the menu away.
func (c *choice) close() {
	if c.menu != nil {
		c.menu.Hide()
		c.menu = nil
	}
}

func (c *choice) heightFor(float32) float32 { return c.label.heightFor(1000) + 2*pressPadY }

// Hide implements fyne.CanvasObject.
func (c *choice) Hide() {
	c.close()
	c.control.Hide()
}

// Tapped implements fyne.Tappable.
func (c *choice) Tapped(*fyne.PointEvent) {
	if on := fyne.CurrentApp().Driver().CanvasForObject(c); on != nil && !c.Disabled() {
		on.Focus(c)
	}
	c.open()
}

// TypedKey opens the menu, or takes the option before or after.
func (c *choice) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeySpace, fyne.KeyDown, fyne.KeyUp:
		c.open()
	case fyne.KeyRight:
		c.choose(c.chosen + 1)
	case fyne.KeyLeft:
		c.choose(c.chosen - 1)
	default:
		c.leave(e)
	}
}

// CreateRenderer implements fyne.Widget.
func (c *choice) CreateRenderer() fyne.WidgetRenderer {
	r := &choiceRenderer{of: c, face: &canvas.Rectangle{}, veil: &canvas.Rectangle{}, arrow: &canvas.Image{FillMode: canvas.ImageFillContain}}
	r.paint()
	return r
}

// choiceRenderer draws a choice: face, label, and an arrow at the end.
type choiceRenderer struct {
	of         *choice
	face, veil *canvas.Rectangle
	arrow      *canvas.Image
}

func (r *choiceRenderer) Destroy() {}

func (r *choiceRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.face, r.veil, r.of.label, r.arrow}
}

func (r *choiceRenderer) MinSize() fyne.Size { return fyne.NewSize(120, r.of.heightFor(0)) }

func (r *choiceRenderer) Layout(size fyne.Size) {
	r.face.Resize(size)
	r.veil.Resize(size)
	height := r.of.label.heightFor(1000)
	r.of.label.Move(fyne.NewPos(choicePad, (size.Height-height)/2))
	side := pressIcon * em(r.of)
	r.of.label.Resize(fyne.NewSize(max(1, size.Width-2*choicePad-8-side), height))
	r.arrow.Move(fyne.NewPos(size.Width-choicePad-side, (size.Height-side)/2))
	r.arrow.Resize(fyne.NewSquareSize(side))
}

func (r *choiceRenderer) Refresh() {
	r.paint()
	r.Layout(r.of.Size())
	canvas.Refresh(r.of)
}

func (r *choiceRenderer) paint() {
	label, edge, width := theme.ColorNameForeground, theme.ColorNameInputBorder, float32(1)
	r.face.FillColor = shade(theme.ColorNameInputBackground, r.of)
	switch {
	case r.of.Disabled():
		label, edge = colorFaint, colorLine
		r.face.FillColor = shade(theme.ColorNameDisabledButton, r.of)
	case r.of.focused:
		edge, width = theme.ColorNamePrimary, 2
	}
	radius := measure(theme.SizeNameInputRadius, r.of)
	r.face.StrokeColor, r.face.StrokeWidth, r.face.CornerRadius = shade(edge, r.of), width, radius
	r.veil.FillColor, r.veil.CornerRadius = color.Transparent, radius
	if r.of.hovered && !r.of.Disabled() {
		r.veil.FillColor = shade(theme.ColorNameHover, r.of)
	}
	words := ""
	if r.of.chosen >= 0 && r.of.chosen < len(r.of.options) {
		words = r.of.options[r.of.chosen]
	}
	r.of.label.words, r.of.label.color = words, label
	r.of.label.Refresh()
	r.arrow.Hidden = r.of.Disabled()
	r.arrow.Resource = tinted(glyph("down"), shade(colorFaint, r.of))
	r.arrow.Refresh()
}
