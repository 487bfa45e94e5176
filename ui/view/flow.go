package view

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
)

// tall is what knows how high it is at a width. Fyne asks for a size without one, which is too little for text that breaks into lines.
type tall interface{ heightFor(width float32) float32 }

// tallLayout is a layout that knows it.
type tallLayout interface {
	fyne.Layout
	heightOf(objects []fyne.CanvasObject, width float32) float32
}

// heightAt is how high an object is at a width.
func heightAt(o fyne.CanvasObject, width float32) float32 {
	switch o := o.(type) {
	case tall:
		return o.heightFor(width)
	case *fyne.Container:
		if l, ok := o.Layout.(tallLayout); ok {
			return l.heightOf(o.Objects, width)
		}
	}
	return o.MinSize().Height
}

// place moves an object and gives it a size. One that had this size already is laid out again all the same, which Fyne would leave out: what is in it may have changed.
func place(o fyne.CanvasObject, x, y, width, height float32) {
	o.Move(fyne.NewPos(x, y))
	size := fyne.NewSize(width, height)
	if o.Size() != size {
		o.Resize(size)
		return
	}
	switch o := o.(type) {
	case *fyne.Container:
		o.Layout.Layout(o.Objects, size)
	case interface{ layOut() }:
		o.layOut()
	}
}

// column puts what is visible below each other, with a gap between. What height is left goes to grow, if that is one of them.
type column struct {
	gap  float32
	grow fyne.CanvasObject
}

// newColumn returns a container of objects below each other.
func newColumn(gap float32, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(&column{gap: gap}, objects...)
}

func (c *column) heightOf(objects []fyne.CanvasObject, width float32) float32 {
	var height float32
	for _, o := range objects {
		if o.Visible() {
			if height > 0 {
				height += c.gap
			}
			height += heightAt(o, width)
		}
	}
	return height
}

// Layout implements fyne.Layout.
func (c *column) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	extra := max(0, size.Height-c.heightOf(objects, size.Width))
	var y float32
	for _, o := range objects {
		if !o.Visible() {
			continue
		}
		height := heightAt(o, size.Width)
		if o == c.grow {
			height += extra
		}
		place(o, 0, y, size.Width, height)
		y += height + c.gap
	}
}

// MinSize implements fyne.Layout. Its height is that at the width it has.
func (c *column) MinSize(objects []fyne.CanvasObject) fyne.Size { return minimum(c, objects) }

// minimum is the least width of the objects, and the height at the width they have now.
func minimum(l tallLayout, objects []fyne.CanvasObject) fyne.Size {
	var width, now float32
	for _, o := range objects {
		if o.Visible() {
			width = max(width, o.MinSize().Width)
			now = max(now, o.Size().Width)
		}
	}
	return fyne.NewSize(width, l.heightOf(objects, max(width, now)))
}

// row puts what is visible beside each other, at the top of a line as high as the highest. All have the width they need but grow, which has the rest.
type row struct {
	gap    float32
	grow   fyne.CanvasObject
	middle bool // halfway down the line in place of at its top
}

// newRow returns a container of objects beside each other.
func newRow(gap float32, grow fyne.CanvasObject, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(&row{gap: gap, grow: grow}, objects...)
}

// newMiddleRow is a row of objects on one axis.
func newMiddleRow(gap float32, grow fyne.CanvasObject, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(&row{gap: gap, grow: grow, middle: true}, objects...)
}

// widths are those of the objects in a line; what is hidden has none.
func (r *row) widths(objects []fyne.CanvasObject, width float32) []float32 {
	out := make([]float32, len(objects))
	rest, shown := width, 0
	for i, o := range objects {
		if !o.Visible() {
			continue
		}
		if shown++; shown > 1 {
			rest -= r.gap
		}
		if o != r.grow {
			out[i] = naturalWidth(o)
			rest -= out[i]
		}
	}
	for i, o := range objects {
		if o == r.grow && o.Visible() {
			out[i] = max(1, rest)
		}
	}
	return out
}

// naturalWidth is how wide an object would like to be.
func naturalWidth(o fyne.CanvasObject) float32 {
	if t, ok := o.(interface{ natural() float32 }); ok {
		return t.natural()
	}
	return o.MinSize().Width
}

func (r *row) heightOf(objects []fyne.CanvasObject, width float32) float32 {
	var height float32
	for i, w := range r.widths(objects, width) {
		if w > 0 {
			height = max(height, heightAt(objects[i], w))
		}
	}
	return height
}

// Layout implements fyne.Layout.
func (r *row) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	var x float32
	for i, w := range r.widths(objects, size.Width) {
		if w == 0 {
			continue
		}
		var y float32
		height := heightAt(objects[i], w)
		if r.middle {
			y = max(0, (size.Height-height)/2)
		}
		place(objects[i], x, y, w, height)
		x += w + r.gap
	}
}

// MinSize implements fyne.Layout.
func (r *row) MinSize(objects []fyne.CanvasObject) fyne.Size {
	var width, now float32
	for _, o := range objects {
		if o.Visible() {
			if width > 0 {
				width += r.gap
			}
			if o == r.grow {
				width += o.MinSize().Width
			} else {
				width += naturalWidth(o)
			}
			now = max(now, o.Position().X+o.Size().Width)
		}
	}
	return fyne.NewSize(width, r.heightOf(objects, max(width, now)))
}
