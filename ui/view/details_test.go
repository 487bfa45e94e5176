package view

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
	"github.com/holdfast-vpn/holdfast/ui/model/modeltest"
)

// opened is a details window that notes what is sent.
func opened(t *testing.T) (d *Details, w fyne.Window, sent func() model.Msg) {
	t.Helper()
	dress(t, locale.English, theme.VariantLight, plainText)
	var last model.Msg
	d = NewDetails(func(m model.Msg) { last = m })
	w = test.NewTempWindow(t, d.Object())
	w.SetPadded(false)
	w.Resize(DetailsSize)
	return d, w, func() model.Msg { m := last; last = nil; return m }
}

// shown is the details window of a situation.
func shown(t *testing.T, name string) *model.Details {
	t.Helper()
	for _, c := range modeltest.Details(locale.English) {
		if c.Name == name {
			return c.Model.Screen(c.Now).Details
		}
	}
	t.Fatalf("no situation %s", name)
	return nil
}

// key presses keys.
func key(o fyne.Focusable, names ...fyne.KeyName) {
	for _, n := range names {
		o.TypedKey(&fyne.KeyEvent{Name: n})
	}
}

// TestNoButtons: a page without buttons has no foot, though it is the first that is shown.
func TestNoButtons(t *testing.T) {
	d, _, _ := opened(t)
	for _, name := range []string{"details-preferences", "details-statistics", "details-preferences"} {
		s := shown(t, name)
		d.Show(s)
		line := d.all.Objects[len(d.all.Objects)-1]
		if want := len(s.Buttons) > 0; d.foot.Visible() != want || line.Visible() != want {
			t.Errorf("%s: a foot %v, its line %v, want %v", name, d.foot.Visible(), line.Visible(), want)
		}
	}
}

// TestDetailsPages: every page can be shown after every other, and one of them is to be seen.
func TestDetailsPages(t *testing.T) {
	d, _, _ := opened(t)
	cases := modeltest.Details(locale.German)
	for _, c := range append(cases, cases...) {
		s := c.Model.Screen(c.Now).Details
		d.Show(s)
		visible := 0
		for _, b := range d.bodies {
			if b.Visible() {
				visible++
			}
		}
		if s.Empty != "" && (visible != 0 || !d.empty.page.Visible()) || s.Empty == "" && (visible != 1 || !d.bodies[s.Open].Visible()) {
			t.Errorf("%s: %d pages, empty %v", c.Name, visible, d.empty.page.Visible())
		}
	}
}

// TestRailKeys: the arrows go from page to page, Escape closes the window, and the shortcuts turn the pages.
func TestRailKeys(t *testing.T) {
	d, w, sent := opened(t)
	d.Show(shown(t, "details-dns"))
	w.Canvas().Focus(d.rail)
	key(d.rail, fyne.KeyDown)
	if m := sent(); m != (model.ShowDetails{Tab: model.TabHistory}) {
		t.Errorf("down: %v", m)
	}
	key(d.rail, fyne.KeyEnd)
	if m := sent(); m != (model.ShowDetails{Tab: model.TabAbout}) {
		t.Errorf("end: %v", m)
	}
	key(d.rail, fyne.KeyEscape)
	if m := sent(); m != (model.HideDetails{}) {
		t.Errorf("escape: %v", m)
	}
	d.turn(-3)
	if m := sent(); m != (model.ShowDetails{Tab: model.TabAbout}) {
		t.Errorf("three pages back: %v", m)
	}
	test.TapAt(d.rail, fyne.NewPos(20, railPad+d.rail.line()/2))
	if m := sent(); m != (model.ShowDetails{Tab: model.TabStatistics}) {
		t.Errorf("clicked: %v", m)
	}
}

// TestLedgerKeepsItsPlace: numbers change where somebody has scrolled and chosen a line, and both stay; a message that comes in front moves nothing that is in sight.
func TestLedgerKeepsItsPlace(t *testing.T) {
	d, w, _ := opened(t)
	s := shown(t, "details-statistics")
	d.Show(s)
	l := d.ledgers[model.TabStatistics]
	w.Canvas().Focus(l)
	key(l, fyne.KeyEnd)
	for l.at > 13 {
		key(l, fyne.KeyUp)
	}
	offset := l.GetScrollOffset()
	next := *s
	next.Statistics = append([]model.Section{}, s.Statistics...)
	next.Statistics[2].Rows = append([]model.Fact{}, s.Statistics[2].Rows...)
	next.Statistics[2].Rows[0].Value = "99"
	d.Show(&next)
	if l.GetScrollOffset() != offset || l.at != 13 || offset == 0 || w.Canvas().Focused() != l {
		t.Errorf("at line %d, scrolled to %v, then %v", l.at, offset, l.GetScrollOffset())
	}
	if text := l.chosen(); text != "Bytes\nBytes Sent: 99\nBytes Received: 184201934" {
		t.Errorf("copied: %q", text)
	}

	h := shown(t, "details-history")
	for len(h.History) < 200 {
		h.History = append(h.History, h.History[0])
	}
	d.Show(h)
	l = d.ledgers[model.TabHistory]
	l.ScrollToOffset(500)
	more := *h
	more.History = append([]model.HistoryLine{{At: "12:00:00", Text: "new"}}, h.History...)
	d.Show(&more)
	if got := l.GetScrollOffset(); got <= 500 || got > 560 {
		t.Errorf("scrolled to 500, then %v", got)
	}
}

// TestLedgerCopies: Ctrl+C copies the line that is chosen.
func TestLedgerCopies(t *testing.T) {
	d, w, _ := opened(t)
	d.Show(shown(t, "details-statistics"))
	l := d.ledgers[model.TabStatistics]
	w.Canvas().Focus(l)
	key(l, fyne.KeyDown)
	l.TypedShortcut(&fyne.ShortcutCopy{})
	if got := fyne.CurrentApp().Clipboard().Content(); got != "Connection State: Connected" {
		t.Errorf("%q", got)
	}
}

// TestCopiedIsTold: the window hears of each text that goes on the clipboard, which is fetched from this program, and of no password.
func TestCopiedIsTold(t *testing.T) {
	d, w, _ := opened(t)
	var told []string
	w.Canvas().AddShortcut(&Copied{}, func(s fyne.Shortcut) { told = append(told, s.(*Copied).Text) })
	d.Show(shown(t, "details-statistics"))
	l := d.ledgers[model.TabStatistics]
	w.Canvas().Focus(l)
	key(l, fyne.KeyDown)
	l.TypedShortcut(&fyne.ShortcutCopy{})
	d.Show(shown(t, "details-timeline"))
	key(d.history.picture, fyne.KeyHome)
	d.history.picture.TypedShortcut(&fyne.ShortcutCopy{})
	plain, secret := newEntry(false), newEntry(true)
	w.SetContent(container.NewVBox(plain, secret))
	for _, e := range []*entry{plain, secret} {
		e.TypedShortcut(&fyne.ShortcutCopy{Clipboard: fyne.CurrentApp().Clipboard()}) // nothing is chosen
		e.SetText("typed")
		e.TypedShortcut(&fyne.ShortcutSelectAll{})
		e.TypedShortcut(&fyne.ShortcutCopy{Clipboard: fyne.CurrentApp().Clipboard()})
	}
	if len(told) != 3 || told[0] != "Connection State: Connected" || !strings.HasPrefix(told[1], "Connect asked for") || told[2] != "typed" {
		t.Errorf("%q", told)
	}
}

// TestShortcutsEverywhere: the window's shortcuts work whatever has the keyboard, and Ctrl+C copies the card of the timeline.
func TestShortcutsEverywhere(t *testing.T) {
	d, w, sent := opened(t)
	d.Shortcuts(w.Canvas())
	turn := &desktop.CustomShortcut{KeyName: fyne.KeyPageDown, Modifier: fyne.KeyModifierShortcutDefault}
	d.Show(shown(t, "details-dns"))
	d.ledgers[model.TabDNS].TypedShortcut(turn)
	if m := sent(); m != (model.ShowDetails{Tab: model.TabHistory}) {
		t.Errorf("in a list: %v", m)
	}
	d.Show(shown(t, "details-timeline"))
	p := d.history.picture
	p.TypedShortcut(turn)
	if m := sent(); m != (model.ShowDetails{Tab: model.TabPreferences}) {
		t.Errorf("in the timeline: %v", m)
	}
	key(p, fyne.KeyHome)
	p.TypedShortcut(&fyne.ShortcutCopy{})
	if got := fyne.CurrentApp().Clipboard().Content(); !strings.HasPrefix(got, "Connect asked for\nTime: ") {
		t.Errorf("%q", got)
	}
	d.Show(shown(t, "details-preferences"))
	for _, r := range d.wishes.rows {
		if r.entry != nil {
			r.entry.TypedShortcut(turn)
			break
		}
	}
	if m := sent(); m != (model.ShowDetails{Tab: model.TabAbout}) {
		t.Errorf("in an entry: %v", m)
	}
}

// TestTimelineKeys: Left and Right go from mark to mark, Enter holds the card while the mouse goes elsewhere, Escape lets go, and another picture keeps the mark.
func TestTimelineKeys(t *testing.T) {
	d, w, sent := opened(t)
	s := shown(t, "details-timeline")
	d.Show(s)
	p := d.history.picture
	w.Canvas().Focus(p)
	key(p, fyne.KeyLeft)
	if p.mark != len(s.Timeline.Marks)-1 || p.card.title.words != "Sign-in failed" {
		t.Fatalf("left of nothing is the last: %d %q", p.mark, p.card.title.words)
	}
	key(p, fyne.KeyHome, fyne.KeyRight, fyne.KeyReturn)
	title := p.card.title.words
	if p.mark != 1 || !p.pinned {
		t.Fatalf("mark %d, held %v", p.mark, p.pinned)
	}
	p.point(fyne.NewPos(p.x(s.Timeline.Marks[5].At, p.Size().Width), 10))
	if p.card.title.words != title {
		t.Errorf("the mouse took the card of %q to %q", title, p.card.title.words)
	}
	next := *s
	moved := *s.Timeline
	moved.Marks = moved.Marks[1:]
	next.Timeline = &moved
	d.Show(&next)
	if p.mark != 0 || p.card.title.words != title || !p.pinned {
		t.Errorf("after another picture: mark %d, %q", p.mark, p.card.title.words)
	}
	key(p, fyne.KeyEscape)
	if p.pinned || sent() != nil {
		t.Error("the first Escape lets go of the card and nothing else")
	}
	key(p, fyne.KeyEscape)
	if m := sent(); m != (model.HideDetails{}) {
		t.Errorf("the second: %v", m)
	}
}

// TestTimelinePoints: the mouse on a mark shows its cause and evidence, on a band for how long it lasted, at every width.
func TestTimelinePoints(t *testing.T) {
	d, w, _ := opened(t)
	s := shown(t, "details-timeline")
	d.Show(s)
	for _, wide := range []float32{820, 480, 1400} {
		w.Resize(fyne.NewSize(wide, 600))
		p := d.history.picture
		lost := s.Timeline.Marks[8]
		p.point(fyne.NewPos(p.x(lost.At, p.Size().Width), 12))
		text := ""
		for _, f := range p.card.facts.list {
			text += f.Label + "=" + f.Value + ";"
		}
		if p.card.title.words != "Network changed" || !strings.Contains(text, "Cause=") || !strings.Contains(text, "Evidence=wlan0/198.51.100.7;") {
			t.Errorf("at %v wide: %q %s", wide, p.card.title.words, text)
		}
		p.point(fyne.NewPos(p.Size().Width/4, timelineMarks+timelineBand/2))
		if !strings.HasPrefix(p.card.title.words, "Connected, ") {
			t.Errorf("at %v wide the band says %q", wide, p.card.title.words)
		}
		p.MouseOut()
		if p.card.title.words != s.Timeline.Hint {
			t.Errorf("at %v wide nothing says %q", wide, p.card.title.words)
		}
	}
}

// TestPreferenceRows: a switch asks for a change and shows the value in force until the agent answers; what is locked cannot be changed; Reset takes a choice back.
func TestPreferenceRows(t *testing.T) {
	d, _, sent := opened(t)
	s := shown(t, "details-preferences")
	d.Show(s)
	row := func(name string) *preference {
		for _, r := range d.wishes.rows {
			if r.name == name {
				return r
			}
		}
		t.Fatalf("no row %s", name)
		return nil
	}
	lan := row("LocalLanAccess")
	was := lan.toggle.on
	key(lan.toggle, fyne.KeySpace)
	if m := sent(); m != (model.Prefer{Name: "LocalLanAccess", Value: "false"}) || lan.toggle.on != was {
		t.Errorf("%v, the switch is %v", m, lan.toggle.on)
	}
	test.Tap(lan.reset)
	if m := sent(); m != (model.Prefer{Name: "LocalLanAccess", Reset: true}) {
		t.Errorf("%v", m)
	}
	if locked := row("AutoReconnect"); !locked.toggle.Disabled() || !locked.lock.Visible() || locked.why.words == "" || locked.reset.Visible() {
		t.Errorf("%+v", locked.shown)
	}
	test.Tap(row("AutoReconnect").toggle)
	if m := sent(); m != nil {
		t.Errorf("a locked switch asked for %v", m)
	}
	sleep := row("AutoReconnectBehavior")
	sleep.choice.choose(0)
	if m := sent(); m != (model.Prefer{Name: "AutoReconnectBehavior", Value: "DisconnectOnSuspend"}) || sleep.choice.chosen != 1 {
		t.Errorf("%v, shown is %d", m, sleep.choice.chosen)
	}
	proxy := row("PublicProxyServerAddress")
	proxy.entry.SetText("proxy.example.com:80")
	refused := shown(t, "details-refused")
	d.Show(refused)
	if proxy.entry.Text != "proxy.example.com:80" || !row("LocalLanAccess").alert.Visible() || row("LocalLanAccess") != lan {
		t.Errorf("typed %q, error shown %v", proxy.entry.Text, row("LocalLanAccess").alert.Visible())
	}
	proxy.entry.OnSubmitted(proxy.entry.Text)
	if m := sent(); m != (model.Prefer{Name: "PublicProxyServerAddress", Value: "proxy.example.com:80"}) {
		t.Errorf("%v", m)
	}
}

// TestFootButtons: the buttons of a page do what they say, and stay the same buttons while their labels change.
func TestFootButtons(t *testing.T) {
	d, w, sent := opened(t)
	s := shown(t, "details-dns")
	d.Show(s)
	copied := d.buttons[0]
	w.Canvas().Focus(copied)
	test.Tap(copied)
	if m := sent(); m != (model.Copy{}) {
		t.Errorf("%v", m)
	}
	next := *s
	next.Buttons = append([]model.Button{}, s.Buttons...)
	next.Buttons[0].Label = "Copied"
	d.Show(&next)
	if d.buttons[0] != copied || copied.label.words != "Copied" || w.Canvas().Focused() != copied {
		t.Error("the button was made anew")
	}
	d.Show(shown(t, "details-preferences"))
	if d.foot.Visible() {
		t.Error("a page without buttons has a foot")
	}
}

// TestFindings: what the agent concluded is shown on the page of diagnostics.
func TestFindings(t *testing.T) {
	d, _, _ := opened(t)
	s := shown(t, "details-diagnostics")
	s.Diagnostics.Findings = []model.Note{{Text: "UDP is blocked on this network.", Tone: model.ToneWarn}, {Text: "The clock is right.", Tone: model.ToneGood}}
	d.Show(s)
	if n := len(d.bundle.found.Objects); n != 2 {
		t.Errorf("%d findings", n)
	}
	for _, f := range faults(d.Object()) {
		t.Error(f)
	}
}
