package view

import (
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// text shows words in as many lines as they need. Unlike Fyne's label it has no padding, so that what is beside it can be aligned with it, says how high it is at a width, and breaks
// lines of Chinese and Japanese where their readers expect it.
type text struct {
	widget.BaseWidget
	words  string
	size   fyne.ThemeSizeName
	color  fyne.ThemeColorName
	style  fyne.TextStyle
	align  fyne.TextAlign
	single bool // one line, which ends in … where it has no room

	known []lined // how it was broken before; it is asked many times while a window is laid out
}

// lined is a text broken into lines at a width, for the words and size that it had then.
type lined struct {
	words string
	size  float32
	style fyne.TextStyle
	width float32
	lines []string
	most  fyne.Size
}

// newText returns a text of plain size and colour.
func newText(words string) *text {
	t := &text{words: words, size: theme.SizeNameText, color: theme.ColorNameForeground}
	t.ExtendBaseWidget(t)
	return t
}

// newTextOf returns a text of a size and colour.
func newTextOf(words string, size fyne.ThemeSizeName, color fyne.ThemeColorName) *text {
	t := newText(words)
	t.size, t.color = size, color
	return t
}

// bold makes it so.
func (t *text) bold() *text {
	t.style.Bold = true
	return t
}

// set changes the words, and hides a text without any.
func (t *text) set(words string) { t.setTone(words, t.color) }

// setTone changes words and colour.
func (t *text) setTone(words string, color fyne.ThemeColorName) {
	t.Hidden = words == ""
	if t.words != words || t.color != color {
		t.words, t.color = words, color
		t.Refresh()
	}
}

// lines are what is shown at a width, and how wide and high the widest and highest of them is.
func (t *text) lines(width float32) ([]string, fyne.Size) {
	size := measure(t.size, t)
	for _, k := range t.known {
		if k.words == t.words && k.width == width && k.size == size && k.style == t.style {
			return k.lines, k.most
		}
	}
	wide := func(s string) float32 { return fyne.MeasureText(s, size, t.style).Width }
	k := lined{words: t.words, size: size, style: t.style, width: width}
	if t.single {
		k.lines = []string{shorten(t.words, width, wide)}
	} else {
		k.lines = wrap(t.words, width, wide)
	}
	for _, l := range k.lines {
		k.most = k.most.Max(fyne.MeasureText(l, size, t.style))
	}
	if len(t.known) == 4 {
		t.known = t.known[1:]
	}
	t.known = append(t.known, k)
	return k.lines, k.most
}

// shorten cuts a line to a width and puts … where something was cut.
func shorten(s string, limit float32, width func(string) float32) string {
	if width(s) <= limit {
		return s
	}
	runes := []rune(s)
	low, high := 0, len(runes) // so many fit, so many do not
	for high-low > 1 {
		mid := (low + high) / 2
		if width(string(runes[:mid])+"…") <= limit {
			low = mid
		} else {
			high = mid
		}
	}
	return string(runes[:low]) + "…"
}

// natural is how wide it would like to be.
func (t *text) natural() float32 {
	_, size := t.lines(math.MaxFloat32)
	return float32(math.Ceil(float64(size.Width)))
}

// heightFor is how high it is at a width.
func (t *text) heightFor(width float32) float32 {
	lines, size := t.lines(width)
	return float32(len(lines)) * size.Height
}

// CreateRenderer implements fyne.Widget.
func (t *text) CreateRenderer() fyne.WidgetRenderer { return &textRenderer{of: t} }

// textRenderer has one canvas text for each line.
type textRenderer struct {
	of    *text
	lines []fyne.CanvasObject
}

func (r *textRenderer) Destroy()                     {}
func (r *textRenderer) Objects() []fyne.CanvasObject { return r.lines }

// MinSize is the height at the width it has; in width it takes what it is given.
func (r *textRenderer) MinSize() fyne.Size {
	width := r.of.Size().Width
	if width == 0 {
		width = r.of.natural()
	}
	return fyne.NewSize(1, r.of.heightFor(width))
}

func (r *textRenderer) Layout(size fyne.Size) {
	lines, most := r.of.lines(size.Width)
	for len(r.lines) < len(lines) {
		r.lines = append(r.lines, canvas.NewText("", nil))
	}
	r.lines = r.lines[:len(lines)]
	for i, l := range lines {
		line := r.lines[i].(*canvas.Text)
		line.Text, line.TextStyle, line.Alignment = l, r.of.style, r.of.align
		line.TextSize, line.Color = measure(r.of.size, r.of), shade(r.of.color, r.of)
		line.Move(fyne.NewPos(0, float32(i)*most.Height))
		line.Resize(fyne.NewSize(size.Width, most.Height))
		line.Refresh()
	}
}

func (r *textRenderer) Refresh() {
	r.Layout(r.of.Size())
	canvas.Refresh(r.of)
}
