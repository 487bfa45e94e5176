package view

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// page is what fills a window: a body that scrolls where it is higher than there is room, and a foot below it that is always in sight. The body is as wide as the page and as high as it must be at that
// width: so nothing is cut, in whatever language and size of text.
type page struct {
	widget.BaseWidget
	body   fyne.CanvasObject
	foot   fyne.CanvasObject // may be nil
	scroll *container.Scroll
	sheet  *sheet
}

// Distances of a page, in Fyne's pixels.
const (
	pagePad      = 20
	pageFootGap  = 14
	pageMinWide  = 300
	pageMinTall  = 280
	pageScrollBy = 48 // by an arrow key
)

// newPage returns a page.
func newPage(body, foot fyne.CanvasObject) *page {
	p := &page{body: body, foot: foot, sheet: &sheet{body: body}}
	p.sheet.ExtendBaseWidget(p.sheet)
	p.scroll = container.NewVScroll(p.sheet)
	p.ExtendBaseWidget(p)
	return p
}

// top scrolls to the beginning.
func (p *page) top() { p.scroll.ScrollToTop() }

// key scrolls by the keys that do so, and reports whether this was one.
func (p *page) key(e *fyne.KeyEvent) bool {
	by := p.scroll.Size().Height - pageScrollBy
	switch e.Name {
	case fyne.KeyPageDown:
	case fyne.KeyPageUp:
		by = -by
	case fyne.KeyDown:
		by = pageScrollBy
	case fyne.KeyUp:
		by = -pageScrollBy
	default:
		return false
	}
	p.to(p.scroll.Offset.Y + by)
	return true
}

// to scrolls to a height, as far as there is something.
func (p *page) to(y float32) {
	y = max(0, min(y, p.sheet.Size().Height-p.scroll.Size().Height))
	p.scroll.ScrollToOffset(fyne.NewPos(0, y))
}

// reveal scrolls so far that an object of the body is in sight.
func (p *page) reveal(o fyne.CanvasObject) {
	driver := fyne.CurrentApp().Driver()
	y := driver.AbsolutePositionForObject(o).Y - driver.AbsolutePositionForObject(p.sheet).Y
	switch seen := p.scroll.Size().Height; {
	case y-pagePad < p.scroll.Offset.Y:
		p.to(y - pagePad)
	case y+o.Size().Height+pagePad > p.scroll.Offset.Y+seen:
		p.to(y + o.Size().Height + pagePad - seen)
	}
}

// CreateRenderer implements fyne.Widget.
func (p *page) CreateRenderer() fyne.WidgetRenderer {
	r := &pageRenderer{of: p, ground: &canvas.Rectangle{}, line: &canvas.Rectangle{}}
	r.paint()
	return r
}

// pageRenderer lays a page out.
type pageRenderer struct {
	of           *page
	ground, line *canvas.Rectangle
}

func (r *pageRenderer) Destroy() {}

func (r *pageRenderer) Objects() []fyne.CanvasObject {
	if r.of.foot == nil {
		return []fyne.CanvasObject{r.ground, r.of.scroll}
	}
	return []fyne.CanvasObject{r.ground, r.of.scroll, r.line, r.of.foot}
}

func (r *pageRenderer) MinSize() fyne.Size { return fyne.NewSize(pageMinWide, pageMinTall) }

func (r *pageRenderer) Layout(size fyne.Size) {
	r.ground.Resize(size)
	var foot float32
	if r.of.foot != nil {
		height := heightAt(r.of.foot, size.Width-2*pagePad)
		foot = height + 2*pageFootGap
		place(r.of.foot, pagePad, size.Height-height-pageFootGap, size.Width-2*pagePad, height)
		r.line.Move(fyne.NewPos(0, size.Height-foot))
		r.line.Resize(fyne.NewSize(size.Width, 1))
	}
	room := fyne.NewSize(size.Width, max(0, size.Height-foot))
	r.of.sheet.width = room.Width
	r.of.scroll.Resize(room)
	r.of.scroll.Refresh() // what it scrolls may be of another height now
}

func (r *pageRenderer) Refresh() {
	r.paint()
	r.Layout(r.of.Size())
	canvas.Refresh(r.of)
}

func (r *pageRenderer) paint() {
	r.ground.FillColor = shade(theme.ColorNameBackground, r.of)
	r.line.FillColor = shade(colorLine, r.of)
}

// sheet is what a page scrolls: the body with a margin. It asks for the height at the width that the page has given it.
type sheet struct {
	widget.BaseWidget
	body  fyne.CanvasObject
	width float32
}

// CreateRenderer implements fyne.Widget.
func (s *sheet) CreateRenderer() fyne.WidgetRenderer { return &sheetRenderer{s} }

type sheetRenderer struct{ of *sheet }

func (r *sheetRenderer) Destroy()                     {}
func (r *sheetRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.of.body} }

func (r *sheetRenderer) MinSize() fyne.Size {
	return fyne.NewSize(1, heightAt(r.of.body, r.of.width-2*pagePad)+2*pagePad)
}

func (r *sheetRenderer) Layout(size fyne.Size) {
	place(r.of.body, pagePad, pagePad, size.Width-2*pagePad, size.Height-2*pagePad)
}

func (r *sheetRenderer) Refresh() {
	r.Layout(r.of.Size())
	canvas.Refresh(r.of)
}
