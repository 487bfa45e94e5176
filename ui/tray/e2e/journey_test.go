package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/interop/lab"
	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/tray/desk"
)

// tooltip waits until the icon says a status of the tray's words.
func (w *world) tooltip(icon *desk.Icon, key string, args ...locale.Arg) desk.Look {
	w.Helper()
	want := w.words.Text("tray.tooltip", locale.With("status", w.words.Text(key, args...)))
	return icon.Await(want, func(l desk.Look) bool { return strings.HasPrefix(l.Tooltip, want) })
}

// TestJourney: a person connects by the icon's menu, answers a login of two steps in the window, keeps working through an outage, and disconnects by the menu.
func TestJourney(t *testing.T) {
	w := newWorld(t)
	if w == nil {
		return
	}
	panel := w.bus.NewPanel()
	began := time.Now()
	app := w.startTray("--background")
	icon := panel.Icon()
	t.Logf("time to icon: %v", time.Since(began).Round(time.Millisecond))
	w.tooltip(icon, "window.headline.disconnected")
	if open := w.screen.Windows("Holdfast"); len(open) > 0 {
		t.Error("a window opens at a start in the background")
	}
	off := icon.Await("a picture", func(l desk.Look) bool { return l.Picture != nil })

	named := locale.With("host", host)
	icon.Click(w.words.Text("tray.connect"), host)
	w.tooltip(icon, "tray.status.asks", named)
	w.screen.Window("Holdfast") // it comes by itself: the person is needed
	w.becomes("authenticating")
	w.screen.Type(lab.Account)
	w.screen.Press("Tab")
	w.screen.Type(lab.Password)
	w.screen.Press("Return")
	w.asked(challenge)
	w.screen.Type(code)
	w.screen.Press("Return")
	w.becomes("connected")
	on := w.tooltip(icon, "tray.status.connected", named)
	if string(on.Picture.Pix) == string(off.Picture.Pix) {
		t.Error("the icon looks alike, connected or not")
	}

	w.lab.IP(w.client, "link set lan0 down")
	w.becomes("reconnecting")
	w.tooltip(icon, "tray.status.reconnecting", named)
	w.lab.IP(w.client, "link set lan0 up")
	w.becomes("connected")
	w.tooltip(icon, "tray.status.connected", named)

	icon.Click(w.words.Text("window.disconnect"))
	w.becomes("disconnected")
	w.tooltip(icon, "window.headline.disconnected")
	icon.Click(w.words.Text("tray.quit"))
	app.ends()
}

// asked waits until the gateway asks this.
func (w *world) asked(message string) {
	w.Helper()
	desk.Await(w.T, "the question "+message, func() bool {
		p := w.agent.State().Prompt
		return p != nil && strings.Contains(p.Message, message)
	})
}
