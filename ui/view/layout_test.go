package view

import (
	"fmt"
	"slices"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
)

// slack is what roundings may add up to, in Fyne's pixels.
const slack = 1

// faults says what of a window is cut off, lies outside of what holds it, or lies over something else.
func faults(o fyne.CanvasObject) []string {
	var out []string
	all := leaves(o)
	for i, l := range all {
		size := l.object.Size()
		if t, ok := l.object.(*canvas.Text); ok {
			size = t.MinSize()
			if size.Width > t.Size().Width+slack || size.Height > t.Size().Height+slack {
				out = append(out, fmt.Sprintf("%q needs %v and has %v", t.Text, size, t.Size()))
			}
		}
		inside := l.at.Subtract(l.in)
		if inside.X < -slack || inside.Y < -slack || inside.X+size.Width > l.room.Width+slack || inside.Y+size.Height > l.room.Height+slack {
			out = append(out, fmt.Sprintf("%s at %v of %v is not inside its %v", what(l.object), inside, size, l.room))
		}
		if l.at.X < 0 || l.at.X+size.Width > o.Size().Width+slack {
			out = append(out, fmt.Sprintf("%s at %v is not inside the window's width of %v", what(l.object), l.at, o.Size().Width))
		}
		for _, m := range all[:i] {
			if overlap(l, m) {
				out = append(out, fmt.Sprintf("%s lies over %s", what(l.object), what(m.object)))
			}
		}
	}
	return out
}

// overlap reports whether two things that are painted lie over each other. What scrolls below the foot of a page is not seen there.
func overlap(a, b leaf) bool {
	right := min(a.at.X+a.object.Size().Width, b.at.X+b.object.Size().Width) - max(a.at.X, b.at.X)
	below := min(a.at.Y+a.object.Size().Height, b.at.Y+b.object.Size().Height) - max(a.at.Y, b.at.Y)
	return right > slack && below > slack && a.scrolls == b.scrolls
}

// what names something that is painted.
func what(o fyne.CanvasObject) string {
	if t, ok := o.(*canvas.Text); ok {
		return fmt.Sprintf("%q", t.Text)
	}
	return fmt.Sprintf("%T", o)
}

// TestLayout: in every state and language nothing is cut off and nothing lies over something else; with large text and in a narrow window too. One window shows them all after each other, as it does in life.
func TestLayout(t *testing.T) {
	sizes := []struct {
		name string
		text float32
		size fyne.Size
	}{{"plain", plainText, FrameSize}, {"large text", 22, FrameSize}, {"narrow", plainText, fyne.NewSize(pageMinWide, pageMinTall)}, {"wide", plainText, fyne.NewSize(900, 700)}}
	var byHand []titled
	for name, s := range handmade() {
		byHand = append(byHand, titled{name, s})
	}
	for _, s := range sizes {
		for _, l := range locale.Languages() {
			dress(t, l, theme.VariantLight, s.text)
			f, w := frame(t, model.Screen{}, s.size)
			for _, shown := range slices.Concat(screens(l), byHand) {
				f.Show(shown.screen.Window, shown.screen.Prompt)
				for _, wrong := range faults(w.Content()) {
					t.Errorf("%s, %s, %s: %s", s.name, l, shown.name, wrong)
				}
			}
		}
	}
}

// TestFaults: the check sees what it is for.
func TestFaults(t *testing.T) {
	dress(t, locale.English, theme.VariantLight, plainText)
	_, w := frame(t, handmade()["failed"], FrameSize)
	if got := faults(w.Content()); len(got) > 0 {
		t.Fatalf("nothing was broken yet: %v", got)
	}
	for _, l := range leaves(w.Content()) {
		if text, ok := l.object.(*canvas.Text); ok && text.Text == "NET-002" {
			text.Move(fyne.NewPos(0, -30))
			if got := faults(w.Content()); len(got) < 2 {
				t.Errorf("a text was moved over another and out of its widget: %v", got)
			}
			text.Move(fyne.NewPos(0, 0))
			text.Resize(fyne.NewSize(10, 10))
			if got := faults(w.Content()); len(got) != 1 {
				t.Errorf("a text was cut: %v", got)
			}
			return
		}
	}
	t.Error("the code is not shown")
}
