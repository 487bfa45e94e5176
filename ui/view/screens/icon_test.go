package screens

import (
	"fmt"
	"image"
	"os"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/software"
)

// TestIcon: desktops that take no SVG show the same picture.
func TestIcon(t *testing.T) {
	svg, err := os.ReadFile("../icons/holdfast.svg")
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{48, 128} {
		check(t, fmt.Sprintf("../../../platform/package/tray/holdfast-%d.png", size), drawn(fyne.NewStaticResource("holdfast.svg", svg), size))
	}
}

// drawn is a resource as a square of size pixels on nothing.
func drawn(r fyne.Resource, size int) image.Image {
	c := software.NewTransparentCanvas()
	c.SetPadded(false)
	c.SetScale(1)
	c.SetContent(canvas.NewImageFromResource(r))
	c.Resize(fyne.NewSquareSize(float32(size)))
	return c.Capture()
}
