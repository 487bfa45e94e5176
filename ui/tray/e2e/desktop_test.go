package e2e

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/interop/lab"
	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/tray/desk"
)

// TestNoPanel: without a panel the application is reachable all the same: a start shows the window, which can be closed, and the next start shows it again and ends. A panel that comes later has the icon,
// and so has the one that takes its place after a crash.
func TestNoPanel(t *testing.T) {
	w := newWorld(t)
	if w == nil {
		return
	}
	app := w.startTray()
	w.screen.Window("Holdfast")
	w.screen.Press("ctrl+w")
	w.gone("Holdfast")
	w.startsAgain()
	w.screen.Window("Holdfast")
	w.screen.Press("ctrl+w")
	w.gone("Holdfast")
	for range 2 {
		panel := w.bus.NewPanel()
		icon := panel.Icon()
		w.tooltip(icon, "window.headline.disconnected")
		icon.Activate()
		w.screen.Window("Holdfast")
		w.startsAgain() // brings forward what is there
		if n := len(w.screen.Windows("Holdfast")); n != 1 {
			t.Errorf("there are %d windows", n)
		}
		w.screen.Press("ctrl+w")
		w.gone("Holdfast")
		panel.Crash()
	}
	app.end(syscall.SIGTERM) // while it sleeps without a window
}

// TestNoBus: without a session bus there is no icon and no notification, and the window works.
func TestNoBus(t *testing.T) {
	w := newWorld(t)
	if w == nil {
		return
	}
	w.env = append(w.env, "DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent")
	app := w.startTray()
	w.screen.Window("Holdfast")
	w.screen.Press("ctrl+q")
	app.ends()
}

// TestNoScreen: where nothing can be shown the application says so in a sentence, and ends.
func TestNoScreen(t *testing.T) {
	w := newWorld(t)
	if w == nil {
		return
	}
	for _, display := range []string{"", ":4711"} {
		cmd := exec.Command(os.Getenv(trayEnv))
		cmd.Env = append(w.env, "DISPLAY="+display)
		out, err := cmd.CombinedOutput()
		if err == nil || bad.Match(out) || !strings.Contains(string(out), "there is no screen") {
			t.Errorf("at the display %q: %v\n%s", display, err, out)
		}
	}
}

// gone waits until a window can no longer be seen.
func (w *world) gone(title string) {
	w.Helper()
	desk.Await(w.T, "no window "+title, func() bool { return len(w.screen.Windows(title)) == 0 })
}

// startsAgain starts the application once more, which ends at once and well.
func (w *world) startsAgain() {
	w.Helper()
	cmd := exec.Command(os.Getenv(trayEnv))
	cmd.Env = w.env
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		w.Errorf("a second start: %v\n%s", err, out)
	}
}

// TestAgentRestarts: while the agent is restarted the icon says so, the session that the agent keeps is seen again after it, and no notification tells of what was over in a moment. An outage that lasts is
// told, once, and the notification goes when the tunnel is back.
func TestAgentRestarts(t *testing.T) {
	w := newWorld(t)
	if w == nil {
		return
	}
	panel, notes := w.bus.NewPanel(), w.bus.NewNotes()
	app := w.startTray("--background")
	icon := panel.Icon()
	named := locale.With("host", host)
	w.connect(icon)
	w.gone("Holdfast") // by itself: MinimizeOnConnect

	w.agent.Stop(syscall.SIGKILL)
	w.tooltip(icon, "window.headline.waiting")
	w.agent = w.lab.StartAgent(w.client, "agent")
	w.becomes("connected")
	w.tooltip(icon, "tray.status.connected", named)
	if all := notes.All(); len(all) > 0 {
		t.Errorf("notifications: %+v", all)
	}

	w.lab.IP(w.client, "link set lan0 down")
	desk.Await(t, "a notification of the outage", func() bool {
		shown := notes.Shown()
		return len(shown) == 1 && shown[0].Title == w.words.Text("tray.broken", named)
	})
	w.lab.IP(w.client, "link set lan0 up")
	desk.Await(t, "its end", func() bool { return len(notes.Shown()) == 0 })
	if all := notes.All(); len(all) != 1 {
		t.Errorf("notifications: %+v", all)
	}

	icon.Click(w.words.Text("tray.quit.stays"))
	app.ends()
	if s := w.agent.State().State; s != "connected" {
		t.Errorf("the application's end left the session %s", s)
	}
}

// connect connects by the menu and answers what is asked.
func (w *world) connect(icon *desk.Icon) {
	w.Helper()
	icon.Click(w.words.Text("tray.connect"), host)
	w.tooltip(icon, "tray.status.asks", locale.With("host", host))
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
}

// TestAgentAbsent: no agent, then one: the window says what to do, and then what there is to connect to.
func TestAgentAbsent(t *testing.T) {
	w := newWorld(t)
	if w == nil {
		return
	}
	w.agent.Stop(syscall.SIGTERM)
	icon := w.bus.NewPanel()
	w.startTray()
	i := icon.Icon()
	i.Await("word of an agent that does not run", func(l desk.Look) bool { return l.Status == "NeedsAttention" })
	began := time.Now()
	w.agent = w.lab.StartAgent(w.client, "agent")
	w.tooltip(i, "window.headline.disconnected")
	t.Logf("found %v after it came", time.Since(began).Round(time.Millisecond))
	i.Await("a menu to connect", func(l desk.Look) bool { _, ok := l.Menu.Find(w.words.Text("tray.connect"), host); return ok })
}

// TestAgentHangs: a person who asks something of an agent that hangs is told soon, and everything goes on when it answers again.
func TestAgentHangs(t *testing.T) {
	w := newWorld(t)
	if w == nil {
		return
	}
	panel := w.bus.NewPanel()
	w.startTray("--background")
	icon := panel.Icon()
	w.tooltip(icon, "window.headline.disconnected")
	w.agent.Signal(syscall.SIGSTOP)
	began := time.Now()
	icon.Click(w.words.Text("tray.connect"), host)
	w.tooltip(icon, "window.hung")
	t.Logf("told after %v", time.Since(began).Round(time.Millisecond))
	w.agent.Signal(syscall.SIGCONT)
	w.tooltip(icon, "tray.status.asks", locale.With("host", host)) // what was asked for goes on
	icon.Click(w.words.Text("window.cancel"))
	w.tooltip(icon, "window.headline.disconnected")
}
