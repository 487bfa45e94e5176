package view

import (
	"bytes"
	"embed"
	"fmt"
	"image/color"
	"path"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// The pictures. Each is drawn in one ink, as filled shapes on 24 by 24; what they look like in a colour, on a panel or as large as one likes is made from that.
//
//go:embed icons/*.svg icons/glyph/*.svg
var pictures embed.FS

// ink is the colour that they are drawn in.
const ink = "#102030"

// picture is a drawing by its path without the ending.
func picture(name string) fyne.Resource {
	raw, err := pictures.ReadFile(path.Join("icons", name+".svg"))
	if err != nil {
		panic(fmt.Sprintf("view: %v", err)) // they are part of the program
	}
	return fyne.NewStaticResource(name+".svg", raw)
}

// glyph is one of the small pictures that stand beside words.
func glyph(name string) fyne.Resource { return picture("glyph/" + name) }

// tinted is a drawing in a colour.
func tinted(drawing fyne.Resource, c color.Color) fyne.Resource {
	hex := hexOf(c)
	return fyne.NewStaticResource(strings.ReplaceAll(drawing.Name(), "/", "-")+hex, bytes.ReplaceAll(drawing.Content(), []byte(ink), []byte(hex)))
}

// hexOf is a colour as SVG has it.
func hexOf(c color.Color) string {
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}

// AppIcon is the application's own picture: of windows, notifications and what starts it.
func AppIcon() fyne.Resource { return picture("holdfast") }

// PanelIcon is the picture of a state for a panel, which may be light or dark and does not say: in colours that are seen on both. It is an SVG, of which Fyne and the desktop make what they want.
func PanelIcon(s model.Shape) fyne.Resource {
	return tinted(picture(s.String()), panelColor(s))
}

// emblem shows a drawing in a colour of the theme, at a size.
type emblem struct {
	widget.BaseWidget
	drawing fyne.Resource
	color   fyne.ThemeColorName
	size    float32
	tint    fyne.ThemeColorName // of a disc behind it; "" for none
}

// newEmblem returns a picture as large as size in both directions, where plain text is as large as most people have it.
func newEmblem(drawing fyne.Resource, color fyne.ThemeColorName, size float32) *emblem {
	i := &emblem{drawing: drawing, color: color, size: size}
	i.ExtendBaseWidget(i)
	return i
}

// newBadge returns a picture on a disc of its tint.
func newBadge(size float32) *emblem {
	i := newEmblem(nil, "", size)
	i.tint = colorTint
	return i
}

// side is how large it is now: pictures beside text grow with it.
func (i *emblem) side() float32 {
	if i.tint != "" {
		return i.size
	}
	return i.size * em(i)
}

// set changes what is shown.
func (i *emblem) set(drawing fyne.Resource, color, tint fyne.ThemeColorName) {
	if i.drawing != nil && i.drawing.Name() == drawing.Name() && i.color == color && i.tint == tint {
		return
	}
	i.drawing, i.color, i.tint = drawing, color, tint
	i.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (i *emblem) CreateRenderer() fyne.WidgetRenderer {
	r := &emblemRenderer{of: i, disc: &canvas.Circle{}, image: &canvas.Image{FillMode: canvas.ImageFillContain}}
	r.paint()
	return r
}

// emblemRenderer draws an emblem.
type emblemRenderer struct {
	of    *emblem
	disc  *canvas.Circle
	image *canvas.Image
}

func (r *emblemRenderer) Destroy()                     {}
func (r *emblemRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.disc, r.image} }
func (r *emblemRenderer) MinSize() fyne.Size           { return fyne.NewSquareSize(r.of.side()) }

func (r *emblemRenderer) Layout(fyne.Size) {
	side, in := r.of.side(), float32(0)
	if r.of.tint != "" {
		in = side * 0.24
	}
	r.disc.Resize(fyne.NewSquareSize(side))
	r.image.Move(fyne.NewPos(in, in))
	r.image.Resize(fyne.NewSquareSize(side - 2*in))
}

func (r *emblemRenderer) Refresh() {
	r.paint()
	r.Layout(r.of.Size())
	canvas.Refresh(r.of)
}

func (r *emblemRenderer) paint() {
	r.disc.Hidden, r.image.Hidden = r.of.tint == "", r.of.drawing == nil
	if r.of.tint != "" {
		r.disc.FillColor = shade(r.of.tint, r.of)
	}
	if r.of.drawing != nil {
		r.image.Resource = tinted(r.of.drawing, shade(r.of.color, r.of))
	}
	r.image.Refresh()
}

// toneGlyph is the picture beside a text of a tone, so that the tone is not said by colour alone.
func toneGlyph(t model.Tone) fyne.Resource {
	switch t {
	case model.ToneGood:
		return glyph("good")
	case model.ToneWarn:
		return glyph("warn")
	case model.ToneBad:
		return glyph("bad")
	default:
		return glyph("info")
	}
}
