package view

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
)

// newFoot returns the line of buttons at the end of a prompt: both as wide as half of it, or below each other, what stands out first, where a label needs more.
func newFoot(cancel, submit *press) *fyne.Container { return container.New(foot{}, cancel, submit) }

// foot lays buttons out.
type foot struct{}

const footGap = 10

// beside reports how many buttons are to be seen, and whether they have room beside each other.
func (foot) beside(objects []fyne.CanvasObject, width float32) (shown []fyne.CanvasObject, each float32) {
	each = width
	for _, o := range objects {
		if o.Visible() {
			shown = append(shown, o)
		}
	}
	if n := float32(len(shown)); n > 1 {
		each = (width - footGap*(n-1)) / n
		for _, o := range shown {
			if naturalWidth(o) > each {
				return shown, width
			}
		}
	}
	return shown, each
}

func (l foot) heightOf(objects []fyne.CanvasObject, width float32) float32 {
	shown, each := l.beside(objects, width)
	var sum, most float32
	for _, o := range shown {
		h := heightAt(o, each)
		sum += h
		most = max(most, h)
	}
	if each == width && len(shown) > 1 {
		return sum + footGap*float32(len(shown)-1)
	}
	return most
}

// standsOut is 1 for the button that one is most likely to want, else 0.
func standsOut(o fyne.CanvasObject) int {
	if p, ok := o.(*press); ok && p.kind == pressPrimary {
		return 1
	}
	return 0
}

// Layout implements fyne.Layout.
func (l foot) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	shown, each := l.beside(objects, size.Width)
	if each == size.Width {
		slices.SortStableFunc(shown, func(a, b fyne.CanvasObject) int { return standsOut(b) - standsOut(a) })
	}
	var x, y float32
	for _, o := range shown {
		h := heightAt(o, each)
		place(o, x, y, each, h)
		if each == size.Width {
			y += h + footGap
		} else {
			x += each + footGap
		}
	}
}

// MinSize implements fyne.Layout.
func (l foot) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(1, l.heightOf(objects, pageMinWide))
}
