package view

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
)

// pressKind is how much a button stands out.
type pressKind uint8

const (
	pressPlain   pressKind = iota // an edge and a face
	pressPrimary                  // filled: what one is most likely to want
	pressQuiet                    // words in the colour of a link
)

// press is a button. Unlike Fyne's it is pressed by Enter too, shows by an edge that the keyboard is at it, keeps the keyboard when it is clicked, breaks a long label into lines, and gives keys that it has no use
// for to its surroundings.
type press struct {
	control
	label *text
	icon  fyne.Resource // before the label, or alone; nil for none
	kind  pressKind
	do    func()
}

// Sizes of buttons and choices, in Fyne's pixels.
const (
	pressPadX = 16
	pressPadY = 10
	pressIcon = 18
)

// newPress returns a button that does something.
func newPress(kind pressKind, do func()) *press {
	p := &press{label: newText("").bold(), kind: kind, do: do}
	p.label.align = fyne.TextAlignCenter
	if kind == pressQuiet {
		p.label.align = fyne.TextAlignLeading
	}
	p.is(p)
	return p
}

// set changes label, kind and whether it can be pressed.
func (p *press) set(label string, kind pressKind, enabled bool) {
	same := p.label.words == label && p.kind == kind && p.Disabled() != enabled
	if same {
		return
	}
	p.kind = kind
	p.label.set(label)
	if enabled {
		p.Enable()
	} else {
		p.Disable()
	}
	p.Refresh()
}

// padX is the distance of the label from the sides.
func (p *press) padX() float32 {
	if p.kind == pressQuiet {
		return 0
	}
	return pressPadX
}

func (p *press) padY() float32 {
	if p.kind == pressQuiet {
		return 2
	}
	return pressPadY
}

// iconSpace is what the icon takes of the width.
func (p *press) iconSpace() float32 {
	switch {
	case p.icon == nil:
		return 0
	case p.label.words == "":
		return pressIcon * em(p)
	default:
		return pressIcon*em(p) + 8
	}
}

func (p *press) natural() float32 {
	if p.label.words == "" {
		return p.iconSpace() + 2*pressPadY
	}
	return p.label.natural() + p.iconSpace() + 2*p.padX()
}

func (p *press) heightFor(width float32) float32 {
	return max(p.label.heightFor(max(1, width-2*p.padX()-p.iconSpace())), measure(theme.SizeNameText, p)) + 2*p.padY()
}

// Tapped implements fyne.Tappable.
func (p *press) Tapped(*fyne.PointEvent) {
	if p.Disabled() || p.do == nil {
		return
	}
	p.do()
}

// TypedKey presses the button by Space and Enter.
func (p *press) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeySpace, fyne.KeyReturn, fyne.KeyEnter:
		p.Tapped(nil)
	default:
		p.leave(e)
	}
}

// Cursor is a hand over words that look like a link.
func (p *press) Cursor() desktop.Cursor {
	if p.kind == pressQuiet && !p.Disabled() {
		return desktop.PointerCursor
	}
	return desktop.DefaultCursor
}

// colors are those of label, face and edge.
func (p *press) colors() (label fyne.ThemeColorName, face, edge color.Color) {
	clear := color.Color(color.Transparent)
	switch {
	case p.Disabled() && p.kind == pressQuiet:
		return theme.ColorNameDisabled, clear, clear
	case p.Disabled():
		return theme.ColorNameDisabled, shade(theme.ColorNameDisabledButton, p), clear
	case p.kind == pressPrimary:
		return theme.ColorNameForegroundOnPrimary, shade(theme.ColorNamePrimary, p), clear
	case p.kind == pressQuiet && p.label.words == "":
		return colorFaint, clear, clear
	case p.kind == pressQuiet:
		return theme.ColorNameHyperlink, clear, clear
	default:
		return theme.ColorNameForeground, shade(theme.ColorNameButton, p), shade(theme.ColorNameInputBorder, p)
	}
}

// CreateRenderer implements fyne.Widget.
func (p *press) CreateRenderer() fyne.WidgetRenderer {
	r := &pressRenderer{of: p, ring: &canvas.Rectangle{StrokeWidth: 2}, face: &canvas.Rectangle{StrokeWidth: 1}, veil: &canvas.Rectangle{}, icon: &canvas.Image{FillMode: canvas.ImageFillContain}}
	r.paint()
	return r
}

// pressRenderer draws a press: a ring where the keyboard is, the face, a veil where the mouse is, icon and label.
type pressRenderer struct {
	of               *press
	ring, face, veil *canvas.Rectangle
	icon             *canvas.Image
}

func (r *pressRenderer) Destroy() {}

func (r *pressRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.ring, r.face, r.veil, r.icon, r.of.label}
}

func (r *pressRenderer) MinSize() fyne.Size {
	return fyne.NewSize(r.of.natural(), r.of.heightFor(r.of.natural()))
}

// ringGap is how far the ring of the keyboard is from what it surrounds.
const ringGap = 3

func (r *pressRenderer) Layout(size fyne.Size) {
	r.ring.Move(fyne.NewPos(-ringGap, -ringGap))
	r.ring.Resize(size.AddWidthHeight(2*ringGap, 2*ringGap))
	r.face.Resize(size)
	r.veil.Resize(size)
	width := size.Width - 2*r.of.padX() - r.of.iconSpace()
	height := r.of.label.heightFor(max(1, width))
	x := r.of.padX()
	if r.of.icon != nil {
		if r.of.kind != pressQuiet {
			x += max(0, (width-r.of.label.natural())/2)
		}
		side := pressIcon * em(r.of)
		if r.of.label.words == "" {
			x = (size.Width - side) / 2
			if r.of.kind == pressQuiet {
				x = size.Width - side // in line with what ends at the same edge, and the ring around it alone
				r.ring.Move(fyne.NewPos(x-2*ringGap, (size.Height-side)/2-2*ringGap))
				r.ring.Resize(fyne.NewSquareSize(side + 4*ringGap))
			}
		}
		r.icon.Move(fyne.NewPos(x, (size.Height-side)/2))
		r.icon.Resize(fyne.NewSquareSize(side))
		x += r.of.iconSpace()
		width = min(width, r.of.label.natural())
	}
	r.of.label.Move(fyne.NewPos(x, (size.Height-height)/2))
	r.of.label.Resize(fyne.NewSize(width, height))
}

func (r *pressRenderer) Refresh() {
	r.paint()
	r.Layout(r.of.Size())
	canvas.Refresh(r.of)
}

// paint takes the colours of now.
func (r *pressRenderer) paint() {
	label, face, edge := r.of.colors()
	radius := measure(theme.SizeNameInputRadius, r.of)
	r.face.FillColor, r.face.StrokeColor, r.face.CornerRadius = face, edge, radius
	r.veil.FillColor, r.veil.CornerRadius = color.Transparent, radius
	if r.of.hovered && !r.of.Disabled() && r.of.kind != pressQuiet {
		r.veil.FillColor = shade(theme.ColorNameHover, r.of)
	}
	r.ring.StrokeColor, r.ring.CornerRadius = color.Transparent, radius+ringGap
	if r.of.focused && !r.of.Disabled() {
		r.ring.StrokeColor = shade(theme.ColorNamePrimary, r.of)
	}
	if r.icon.Hidden = r.of.icon == nil; !r.icon.Hidden {
		r.icon.Resource = tinted(r.of.icon, shade(label, r.of))
		r.icon.Refresh()
	}
	r.of.label.color = label
	r.of.label.Refresh()
}
