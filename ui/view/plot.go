package view

import (
	"image"
	"image/color"
	"math"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// plot is the throughput of the last minute: what is received above a middle line, what is sent below it, each beside its label, so that the two are told apart by place, arrow and colour. It has no timer: it is drawn when
// it is given other values, which is once a second while a window is open.
type plot struct {
	widget.BaseWidget
	graph            model.Graph
	down, up, top    *text
	received, sent   *emblem
	picture          *canvas.Raster
	canvas           *image.NRGBA // kept from one drawing to the next
	values, mirrored []float64    // of one pixel column each; kept too
}

// Sizes of a plot, in Fyne's pixels.
const (
	plotTall = 56 // of the curves, at least
	plotGap  = 6
	plotMark = 14
	plotLine = 1.5
)

// newPlot returns an empty one.
func newPlot() *plot {
	p := &plot{
		down: newText(""), up: newText(""), top: newTextOf("", theme.SizeNameCaptionText, colorFaint),
		received: newEmblem(glyph("received"), theme.ColorNamePrimary, plotMark), sent: newEmblem(glyph("sent"), colorUp, plotMark),
	}
	p.picture = canvas.NewRaster(p.draw)
	p.ExtendBaseWidget(p)
	return p
}

// set changes what is shown.
func (p *plot) set(g model.Graph) {
	if g.Top == p.graph.Top && g.TopLabel == p.graph.TopLabel && g.DownLabel == p.graph.DownLabel && g.UpLabel == p.graph.UpLabel &&
		slices.Equal(g.Down, p.graph.Down) && slices.Equal(g.Up, p.graph.Up) {
		return
	}
	p.graph = g
	p.graph.Down, p.graph.Up = slices.Clone(g.Down), slices.Clone(g.Up)
	p.down.words, p.up.words, p.top.words = g.DownLabel, g.UpLabel, g.TopLabel
	p.Refresh()
}

func (p *plot) heightFor(width float32) float32 {
	return p.head(width) + p.up.heightFor(width) + 2*plotGap + plotTall
}

// head is the height above the curves: a line for what is received and for the top of the scale at its right end, or one for each where they have no room beside each other.
func (p *plot) head(width float32) float32 {
	height := p.down.heightFor(width)
	if p.received.side()+4+p.down.natural()+plotGap+p.top.natural() > width {
		height += p.top.heightFor(width)
	}
	return height
}

// draw makes the picture, w by h pixels of the screen.
func (p *plot) draw(w, h int) image.Image {
	if p.canvas == nil || p.canvas.Rect.Dx() != w || p.canvas.Rect.Dy() != h {
		p.canvas = image.NewNRGBA(image.Rect(0, 0, w, h))
		p.values, p.mirrored = make([]float64, w), make([]float64, w)
	}
	clear(p.canvas.Pix)
	scale := 1.0
	if size := p.picture.Size(); size.Width > 0 {
		scale = float64(w) / float64(size.Width)
	}
	thick := plotLine * scale
	middle := float64(h) / 2
	room := middle - thick
	resample(p.values, p.graph.Down, p.graph.Top, room)
	resample(p.mirrored, p.graph.Up, p.graph.Top, room)
	c := curve{on: p.canvas, thick: thick}
	c.fill(p.values, middle, -1, rgba(shade(theme.ColorNamePrimary, p)))
	c.fill(p.mirrored, middle, 1, rgba(shade(colorUp, p)))
	axis := rgba(shade(colorLine, p))
	for x := range w {
		c.blend(x, int(middle), axis, 1)
	}
	return p.canvas
}

// rgba is a colour that its alpha is not multiplied into.
func rgba(c color.Color) color.NRGBA {
	return color.NRGBAModel.Convert(c).(color.NRGBA)
}

// resample spreads samples over columns, the latest at the right end: as high as room at top, with soft bends between.
func resample(columns, samples []float64, top, room float64) {
	clear(columns)
	if len(samples) == 0 || top <= 0 || len(columns) < 2 {
		return
	}
	at := func(i int) float64 {
		i = max(0, min(len(samples)-1, i))
		return max(0, min(1, samples[i]/top)) * room
	}
	step := float64(model.GraphSamples-1) / float64(len(columns)-1)
	missing := float64(model.GraphSamples - len(samples)) // before the first, nothing was measured
	for x := range columns {
		s := float64(x)*step - missing
		if s < 0 {
			continue
		}
		i, part := int(s), s-math.Floor(s)
		part = part * part * (3 - 2*part) // level at the samples: no overshoot
		columns[x] = at(i)*(1-part) + at(i+1)*part
	}
}

// curve draws filled curves.
type curve struct {
	on    *image.NRGBA
	thick float64
}

// fill draws one: a veil between the middle and the values, and a line along them. Toward is -1 for upwards, 1 for downwards.
func (c *curve) fill(values []float64, middle, toward float64, ink color.NRGBA) {
	h := c.on.Rect.Dy()
	for x, v := range values {
		if v == 0 && (x == 0 || values[x-1] == 0) && (x == len(values)-1 || values[x+1] == 0) {
			continue
		}
		// the line is as thick across as along: where it is steep it is higher
		slope := 0.0
		if x > 0 && x < len(values)-1 {
			slope = (values[x+1] - values[x-1]) / 2
		}
		half := c.thick / 2 * math.Sqrt(1+slope*slope)
		for y := range h {
			d := (float64(y) + 0.5 - middle) * toward // from the middle outwards
			if d < 0 || d > v+half+1 {
				continue
			}
			line := max(0, min(1, min(d-(v-half), v+half-d)+0.5))
			veil := max(0, min(1, v-d+0.5)) * (0.10 + 0.22*d/max(1, middle))
			c.blend(x, y, ink, max(line, veil))
		}
	}
}

// blend puts ink on a pixel, over what is there.
func (c *curve) blend(x, y int, ink color.NRGBA, alpha float64) {
	if y < 0 || y >= c.on.Rect.Dy() {
		return
	}
	i := c.on.PixOffset(x, y)
	was := float64(c.on.Pix[i+3]) / 255
	now := alpha + was*(1-alpha)
	if now == 0 {
		return
	}
	for k, v := range [3]uint8{ink.R, ink.G, ink.B} {
		c.on.Pix[i+k] = uint8(math.Round((float64(v)*alpha + float64(c.on.Pix[i+k])*was*(1-alpha)) / now))
	}
	c.on.Pix[i+3] = uint8(math.Round(now * 255))
}

// CreateRenderer implements fyne.Widget.
func (p *plot) CreateRenderer() fyne.WidgetRenderer { return &plotRenderer{p} }

// plotRenderer lays a plot out.
type plotRenderer struct{ of *plot }

func (r *plotRenderer) Destroy() {}

func (r *plotRenderer) Objects() []fyne.CanvasObject {
	p := r.of
	return []fyne.CanvasObject{p.picture, p.received, p.down, p.sent, p.up, p.top}
}

func (r *plotRenderer) MinSize() fyne.Size {
	return fyne.NewSize(1, r.of.heightFor(max(1, r.of.Size().Width)))
}

func (r *plotRenderer) Layout(size fyne.Size) {
	p := r.of
	head, line := p.head(size.Width), p.up.heightFor(size.Width)
	label := func(mark *emblem, words *text, y float32) {
		side := mark.side()
		place(mark, 0, y+(line-side)/2, side, side)
		place(words, side+4, y, min(words.natural(), size.Width-side-4), line)
	}
	label(p.received, p.down, 0)
	label(p.sent, p.up, size.Height-line)
	width, height := p.top.natural(), p.top.heightFor(size.Width)
	y := (line - height) / 2
	if head > line {
		y = line
	}
	place(p.top, size.Width-width, y, width, height)
	place(p.picture, 0, head+plotGap, size.Width, max(1, size.Height-head-line-2*plotGap))
}

func (r *plotRenderer) Refresh() {
	p := r.of
	for _, t := range []*text{p.down, p.up, p.top} {
		t.Refresh()
	}
	r.Layout(p.Size())
	p.picture.Refresh()
	canvas.Refresh(p)
}
