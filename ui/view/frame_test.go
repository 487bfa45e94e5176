package view

import (
	"testing"

	"fyne.io/fyne/v2/test"

	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
)

// TestFrame: every screen can be shown after every other, and the prompt takes the window's place while something is asked.
func TestFrame(t *testing.T) {
	test.NewTempApp(t).Settings().SetTheme(NewTheme(locale.English))
	f := NewFrame(func(model.Msg) {})
	w := test.NewTempWindow(t, f.Object())
	w.Resize(FrameSize)
	for name, s := range handmade() {
		f.Show(s.Window, s.Prompt)
		if asked := s.Prompt != nil; f.prompt.page.Visible() != asked || f.window.page.Visible() == asked {
			t.Errorf("%s: prompt %v, window %v", name, f.prompt.page.Visible(), f.window.page.Visible())
		}
	}
}
