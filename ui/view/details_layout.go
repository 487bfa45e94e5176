package view

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"
)

// detailsLayout puts the parts of the details window into their places: ground, rail, heading, page, foot, the line above that.
type detailsLayout struct{ d *Details }

// Layout implements fyne.Layout.
func (l *detailsLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	side := min(l.d.rail.natural(), size.Width*0.4)
	width := size.Width - side
	place(objects[0], 0, 0, size.Width, size.Height)
	place(objects[1], 0, 0, side, size.Height)
	top := heightAt(objects[2], width-2*pagePad) + pagePad + detailsGap
	place(objects[2], side+pagePad, pagePad, width-2*pagePad, top-pagePad-detailsGap)
	var foot float32
	if objects[4].Visible() {
		height := heightAt(objects[4], width-2*pagePad)
		foot = height + 2*pageFootGap
		place(objects[4], side+pagePad, size.Height-height-pageFootGap, width-2*pagePad, height)
	}
	place(objects[3], side, top, width, max(0, size.Height-top-foot))
	hide(objects[5], foot == 0)
	place(objects[5], side, size.Height-foot, width, 1)
}

// MinSize implements fyne.Layout.
func (l *detailsLayout) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(480, 360) }

// detailsGap is between the heading and the page, in Fyne's pixels.
const detailsGap = 10

// ground is a colour of the theme.
type ground struct {
	widget.BaseWidget
	color fyne.ThemeColorName
}

// newGround returns it.
func newGround(color fyne.ThemeColorName) *ground {
	g := &ground{color: color}
	g.ExtendBaseWidget(g)
	return g
}

// CreateRenderer implements fyne.Widget.
func (g *ground) CreateRenderer() fyne.WidgetRenderer {
	r := &groundRenderer{of: g, face: &canvas.Rectangle{}}
	r.paint()
	return r
}

type groundRenderer struct {
	of   *ground
	face *canvas.Rectangle
}

func (r *groundRenderer) Destroy()                     {}
func (r *groundRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.face} }
func (r *groundRenderer) MinSize() fyne.Size           { return fyne.NewSize(1, 1) }
func (r *groundRenderer) Layout(size fyne.Size)        { r.face.Resize(size) }
func (r *groundRenderer) paint()                       { r.face.FillColor = shade(r.of.color, r.of) }

func (r *groundRenderer) Refresh() {
	r.paint()
	canvas.Refresh(r.of)
}
