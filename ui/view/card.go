package view

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// card is a ground with an edge, and something on it.
type card struct {
	widget.BaseWidget
	body fyne.CanvasObject
	fill fyne.ThemeColorName
	line fyne.ThemeColorName // "" for none
	padX float32
	padY float32
}

// newCard returns a card.
func newCard(body fyne.CanvasObject) *card {
	c := &card{body: body, fill: colorCard, line: colorLine, padX: 14, padY: 12}
	c.ExtendBaseWidget(c)
	return c
}

// newPanel returns a card without an edge, in a tint.
func newPanel(tint fyne.ThemeColorName, body fyne.CanvasObject) *card {
	c := newCard(body)
	c.fill, c.line, c.padX, c.padY = tint, "", 12, 10
	return c
}

// set changes its ground.
func (c *card) set(fill fyne.ThemeColorName) {
	if c.fill != fill {
		c.fill = fill
		c.Refresh()
	}
}

func (c *card) heightFor(width float32) float32 { return heightAt(c.body, width-2*c.padX) + 2*c.padY }

// layOut gives the body its place.
func (c *card) layOut() {
	size := c.Size()
	place(c.body, c.padX, c.padY, size.Width-2*c.padX, size.Height-2*c.padY)
}

// CreateRenderer implements fyne.Widget.
func (c *card) CreateRenderer() fyne.WidgetRenderer {
	r := &cardRenderer{of: c, ground: &canvas.Rectangle{}}
	r.paint()
	return r
}

// cardRenderer draws a card.
type cardRenderer struct {
	of     *card
	ground *canvas.Rectangle
}

func (r *cardRenderer) Destroy() {}

func (r *cardRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.ground, r.of.body}
}

func (r *cardRenderer) MinSize() fyne.Size {
	return r.of.body.MinSize().AddWidthHeight(2*r.of.padX, 2*r.of.padY)
}

func (r *cardRenderer) Layout(size fyne.Size) {
	r.ground.Resize(size)
	r.of.layOut()
}

func (r *cardRenderer) Refresh() {
	r.paint()
	r.Layout(r.of.Size())
	canvas.Refresh(r.of)
}

func (r *cardRenderer) paint() {
	r.ground.FillColor = shade(r.of.fill, r.of)
	r.ground.CornerRadius = measure(theme.SizeNameInputRadius, r.of) + 2
	r.ground.StrokeWidth = 0
	if r.of.line != "" {
		r.ground.StrokeColor, r.ground.StrokeWidth = shade(r.of.line, r.of), 1
	}
}
