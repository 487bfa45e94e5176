package view

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/holdfast-vpn/holdfast/ui/locale"
)

// TestFileButton: a line for a file has a button at its end that looks for one, and it is drawn.
func TestFileButton(t *testing.T) {
	for _, s := range screens(locale.English) {
		if s.name != "prompt-certificate" {
			continue
		}
		p := sit(t, s.screen)
		line, ok := p.w.Canvas().Focused().(*entry)
		if !ok || line.ActionItem == nil {
			t.Fatal("the keyboard is not at a line with a button")
		}
		drawn := false
		for _, o := range test.WidgetRenderer(line).Objects() {
			drawn = drawn || o == fyne.CanvasObject(line.ActionItem)
		}
		if !drawn {
			t.Error("the button is not drawn")
		}
		return
	}
	t.Error("there is no such situation")
}
