package view

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
)

// newSpace returns nothing, so high.
func newSpace(height float32) fyne.CanvasObject {
	s := layout.NewSpacer()
	return container.New(fixed{height: height}, s)
}

// newSized returns an object that is so wide, where there is room, and at the left.
func newSized(o fyne.CanvasObject, width float32) fyne.CanvasObject {
	return container.New(fixed{width: width}, o)
}

// fixed gives an object a width, or a height; 0 is its own.
type fixed struct{ width, height float32 }

func (f fixed) heightOf(objects []fyne.CanvasObject, width float32) float32 {
	if f.height > 0 {
		return f.height
	}
	return heightAt(objects[0], min(width, f.width))
}

// Layout implements fyne.Layout.
func (f fixed) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	width := size.Width
	if f.width > 0 {
		width = min(width, f.width)
	}
	place(objects[0], 0, 0, width, size.Height)
}

// MinSize implements fyne.Layout.
func (f fixed) MinSize(objects []fyne.CanvasObject) fyne.Size {
	if f.height > 0 {
		return fyne.NewSize(1, f.height)
	}
	return fyne.NewSize(1, objects[0].MinSize().Height)
}

// flow puts objects beside each other and goes on in a new line where there is no more room.
type flow struct{ gapX, gapY float32 }

// newFlow returns a container of objects in lines.
func newFlow(gapX, gapY float32, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(flow{gapX, gapY}, objects...)
}

// each calls put with the place of every object, and returns the height.
func (f flow) each(objects []fyne.CanvasObject, width float32, put func(o fyne.CanvasObject, x, y, w, h float32)) float32 {
	var x, y, line float32
	for _, o := range objects {
		if !o.Visible() {
			continue
		}
		w := min(width, naturalWidth(o))
		h := heightAt(o, w)
		if x > 0 && x+w > width {
			x, y, line = 0, y+line+f.gapY, 0
		}
		put(o, x, y, w, h)
		x, line = x+w+f.gapX, max(line, h)
	}
	return y + line
}

func (f flow) heightOf(objects []fyne.CanvasObject, width float32) float32 {
	return f.each(objects, width, func(fyne.CanvasObject, float32, float32, float32, float32) {})
}

// Layout implements fyne.Layout.
func (f flow) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	f.each(objects, size.Width, func(o fyne.CanvasObject, x, y, w, h float32) { place(o, x, y, w, h) })
}

// MinSize implements fyne.Layout.
func (f flow) MinSize(objects []fyne.CanvasObject) fyne.Size { return minimum(f, objects) }
