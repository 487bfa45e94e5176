package tray

import (
	"runtime/debug"
	"time"
)

// restless is how long the main thread runs on after something happened without a window, before it parks: long enough for Fyne to destroy a window that was closed, and to hear what the display
// has to say.
const restless = 250 * time.Millisecond

// Fyne's main loop looks for events sixty times a second for as long as it runs, which costs a hundredth of a processor for an application that has nothing on the screen. So, while no window is
// open, the main thread waits here instead, and takes messages as they come. What Fyne is asked to do meanwhile by others (a changed theme, SIGTERM) waits for the same while or ends it.
//
// Nothing needs the main thread then: icon and menu are on the bus (parks), and windows that do not exist get no events. The exception is a text that we put on the clipboard, by a button or by
// the keys of a window: in X11 it is fetched from us when somebody pastes it, so while it is there the thread does not park.

// settle parks the main thread soon, if nothing is open then.
func (t *Tray) settle() {
	if !parks || t.opts.awake || !t.stage.empty() || t.leaving.Err() != nil {
		return
	}
	if t.rest != nil {
		t.rest.Stop()
	}
	t.rest = time.AfterFunc(restless, func() { t.opts.do(t.park) })
}

// park waits for a message, or for the application's end.
func (t *Tray) park() {
	if !t.stage.empty() || t.lends() || t.leaving.Err() != nil || !t.inbox.park() {
		return
	}
	if t.stage.closed {
		t.stage.closed = false
		t.release()
	}
	select {
	case <-t.inbox.kick:
	case <-t.leaving.Done():
	}
	t.inbox.unpark()
	t.take()
}

// release gives back what a window had: Fyne's fonts and pictures, which it forgets when a theme is set; the heap; the code of what drew it.
func (t *Tray) release() {
	settings := t.opts.App.Settings()
	settings.SetTheme(settings.Theme())
	debug.FreeOSMemory()
	trim()
}

// clip puts a text on the clipboard.
func (t *Tray) clip(text string) {
	t.lent = text
	t.opts.App.Clipboard().SetContent(text)
}

// lends reports whether the clipboard has a text of ours, which is fetched from us.
func (t *Tray) lends() bool {
	if t.lent != "" && t.opts.App.Clipboard().Content() != t.lent {
		t.lent = ""
	}
	return t.lent != ""
}
