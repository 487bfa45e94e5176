package tray

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/holdfast-vpn/holdfast/ui/model"
	"github.com/holdfast-vpn/holdfast/ui/view"
)

// press gives the small window a key, as a person's keyboard does.
func (m *machine) press(key fyne.KeyName) {
	c := m.tray.stage.small.w.Canvas()
	if f := c.Focused(); f != nil {
		f.TypedKey(&fyne.KeyEvent{Name: key})
		return
	}
	c.OnTypedKey()(&fyne.KeyEvent{Name: key})
}

// types gives the small window's field that has the keyboard a text, and then Return.
func (m *machine) types(text string) {
	m.Helper()
	f := m.tray.stage.small.w.Canvas().Focused()
	if f == nil {
		m.Fatal("nothing has the keyboard")
	}
	test.Type(f, text)
	m.press(fyne.KeyReturn)
}

// headline waits for one in the window.
func (m *machine) headline(key string) model.Screen {
	m.Helper()
	want := m.tray.opts.Words.Text("window.headline." + key)
	return m.await(want, func(s model.Screen) bool { return s.Window.Headline == want && s.Prompt == nil })
}

// asked waits for a question.
func (m *machine) asked(kind model.PromptKind, words string) {
	m.Helper()
	m.await("the question "+words, func(s model.Screen) bool {
		return s.Prompt != nil && s.Prompt.Kind == kind && !s.Prompt.Busy && strings.Contains(s.Prompt.Message, words)
	})
}

// TestLends: what a window put on the clipboard is known for as long as it is there, because it is fetched from this process.
func TestLends(t *testing.T) {
	m := newMachine(t)
	m.headline("disconnected")
	clipboard := m.tray.opts.App.Clipboard()
	clipboard.SetContent("a line")
	m.tray.stage.small.w.Canvas().(fyne.Shortcutable).TypedShortcut(&view.Copied{Text: "a line"})
	if !m.tray.lends() {
		t.Error("it is not known")
	}
	clipboard.SetContent("of another program")
	if m.tray.lends() {
		t.Error("it is still waited for")
	}
}

// TestJourney: by keyboard alone a person changes a preference, connects to a gateway that nobody vouches for, answers what it asks, keeps the session through an outage and ends it; all against a real agent and
// a real gateway, under the race detector.
func TestJourney(t *testing.T) {
	m := newMachine(t)
	m.headline("disconnected")
	m.await("the profile's host", func(s model.Screen) bool { return len(s.Window.Hosts) == 1 && s.Window.Hosts[0].Name == "Office" })
	m.tray.send(model.ShowDetails{Tab: model.TabPreferences})
	value := func(s model.Screen) string {
		if s.Details != nil && s.Details.Preferences != nil {
			for _, p := range s.Details.Preferences.List {
				if p.Name == "BlockUntrustedServers" && !p.Busy {
					return p.Value
				}
			}
		}
		return ""
	}
	m.await("the preference", func(s model.Screen) bool { return value(s) == "true" })
	m.tray.send(model.Prefer{Name: "BlockUntrustedServers", Value: "false"})
	m.await("the preference, changed", func(s model.Screen) bool { return value(s) == "false" })
	m.tray.send(model.HideDetails{})

	m.press(fyne.KeyReturn)
	m.asked(model.PromptTrust, "")
	trust := m.await("trust, once it could be read", func(s model.Screen) bool { return s.Prompt != nil && !s.Prompt.Early })
	m.tray.send(trust.Prompt.Submit.Msg)
	m.asked(model.PromptForm, "password")
	m.types("alice")
	m.types("correct horse")
	m.asked(model.PromptForm, "code from your phone")
	m.types("424242")
	m.headline("connected")

	m.plug(false)
	m.headline("reconnecting")
	m.plug(true)
	m.headline("connected")

	m.tray.send(model.Disconnect{})
	m.headline("disconnected")
	if recent := newKept(m.tray.opts.Dir).remembered().Recent; len(recent) != 1 {
		t.Errorf("kept %q", recent)
	}
}
