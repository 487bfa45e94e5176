package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
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
	w.connect(icon)
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

// TestPreference: a person opens the details by the menu, goes to the preferences by keyboard and changes the first; the agent has it then, and the window shows it.
func TestPreference(t *testing.T) {
	w := newWorld(t)
	if w == nil {
		return
	}
	panel := w.bus.NewPanel()
	w.startTray("--background")
	panel.Icon().Click(w.words.Text("tray.details"))
	w.screen.Window(w.words.Text("details.title"))
	const x, y = 764, 192 // the switch of the first preference: dark while it is off
	bright := func() int {
		p, err := w.screen.Picture()
		if err != nil {
			t.Fatal(err)
		}
		r, g, b, _ := p.At(x-10, y).RGBA()
		return int(r+g+b) >> 8
	}
	for range 5 { // the sixth page
		w.screen.Press("ctrl+Next")
	}
	desk.Await(t, "a switch", func() bool { return bright() > 250 })
	off := bright()
	w.screen.Press("Tab", "space")
	desk.Await(t, "the preference, changed", func() bool { return w.preference("AutoConnectOnStart") == "true" })
	desk.Await(t, "the switch, changed", func() bool { return bright() > off+50 })
}

// preference is the value that is in force.
func (w *world) preference(name string) string {
	w.Helper()
	p, err := ipc.NewClient(w.socket()).Preferences(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	for _, s := range p.Settings {
		if s.Name == name {
			return s.Value
		}
	}
	return ""
}
