package view

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// FrameSize is how large the small window is at first, in Fyne's pixels. It can be made larger, and smaller.
var FrameSize = fyne.NewSize(380, 520)

// Frame is the whole of the small window: the overview, or in its place the question.
type Frame struct {
	window *overview
	prompt *question
	both   *fyne.Container
}

// NewFrame returns it. What the person does goes to send.
func NewFrame(send func(model.Msg)) *Frame {
	f := &Frame{window: newOverview(send), prompt: newQuestion(send)}
	f.prompt.page.Hide()
	f.both = container.NewStack(f.window.page, f.prompt.page)
	f.prompt.root = f.both
	return f
}

// canvasOf is the canvas of the window that an object is the content of. Fyne's driver says that only of what it has painted, and the keyboard belongs into what comes next.
func canvasOf(content fyne.CanvasObject) fyne.Canvas {
	for _, w := range fyne.CurrentApp().Driver().AllWindows() {
		if w.Content() == content {
			return w.Canvas()
		}
	}
	return nil
}

// Object is what to put into a window, without padding.
func (f *Frame) Object() fyne.CanvasObject { return f.both }

// Show shows a screen.
func (f *Frame) Show(w model.Window, p *model.Prompt) {
	f.window.Show(w)
	if p == nil {
		f.prompt.Show(nil)
		f.prompt.page.Hide()
		f.window.page.Show()
		return
	}
	f.window.page.Hide()
	f.prompt.page.Show()
	f.prompt.Show(p)
}

// Key takes a key that no widget has: give it to the canvas of the window (fyne.Canvas.SetOnTypedKey).
func (f *Frame) Key(e *fyne.KeyEvent) {
	if f.prompt.shown != nil {
		f.prompt.key(e)
		return
	}
	f.window.key(e)
}

// Focus puts the keyboard where it is needed, when the window comes forward.
func (f *Frame) Focus() { f.prompt.Focus() }

// Forget empties what was typed into a prompt. To be called when the window closes.
func (f *Frame) Forget() { f.prompt.Forget() }
