package view

import (
	"reflect"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// DetailsSize is how large the details window is at first, in Fyne's pixels.
var DetailsSize = fyne.NewSize(820, 600)

// Details is the details window: the names of its pages at the side, and beside them the one that is open. Each page keeps what it looked like while another is open: its place in a long
// list, what is typed.
//
//	.--------.---------------------------.
//	| rail   | heading                   |
//	|        | page: a ledger, the       |
//	|        | timeline, preferences, …  |
//	|        |---------------------------|
//	|        | foot: buttons             |
//	'--------'---------------------------'
type Details struct {
	send  func(model.Msg)
	shown model.Details
	tabs  []model.Tab

	rail    *rail
	heading *text
	empty   *emptyPage
	ledgers map[model.Tab]*ledger
	history *historyPage
	wishes  *preferences
	bundle  *bundlePage
	about   *aboutPage
	foot    *fyne.Container
	buttons []*press
	bodies  map[model.Tab]fyne.CanvasObject
	all     *fyne.Container
}

// NewDetails returns it. What the person does goes to send.
func NewDetails(send func(model.Msg)) *Details {
	d := &Details{send: send, heading: newTextOf("", theme.SizeNameHeadingText, theme.ColorNameForeground).bold(), foot: newFlow(footGap, footGap)}
	d.foot.Hide() // until a page has buttons
	d.rail = newRail(func(i int) { d.open(d.tabs[i]) })
	d.rail.keyed = d.Key
	d.empty = newEmptyPage()
	d.ledgers = map[model.Tab]*ledger{}
	d.history = newHistoryPage(send, d.Key)
	d.wishes = newPreferences(send, d.Key)
	d.bundle = newBundlePage(send, d.Key)
	d.about = newAboutPage()
	d.bodies = map[model.Tab]fyne.CanvasObject{model.TabTimeline: d.history.page, model.TabPreferences: d.wishes.page, model.TabDiagnostics: d.bundle.page, model.TabAbout: d.about.page}
	for _, t := range []model.Tab{model.TabStatistics, model.TabRoutes, model.TabDNS, model.TabHistory} {
		d.ledgers[t] = newLedger(d.Key)
		d.bodies[t] = d.ledgers[t]
	}
	bodies := container.NewStack(d.empty.page)
	for t := model.TabStatistics; t <= model.TabAbout; t++ {
		d.bodies[t].Hide()
		bodies.Add(d.bodies[t])
	}
	d.all = container.New(&detailsLayout{d: d}, newGround(theme.ColorNameBackground), d.rail, d.heading, bodies, d.foot, newGround(colorLine))
	return d
}

// Object is what to put into a window, without padding.
func (d *Details) Object() fyne.CanvasObject { return d.all }

// Focus puts the keyboard where one begins, when the window comes forward.
func (d *Details) Focus() {
	if on := fyne.CurrentApp().Driver().CanvasForObject(d.rail); on != nil && on.Focused() == nil {
		on.Focus(d.rail)
	}
}

// Key takes a key that no widget has: give it to the canvas of the window (fyne.Canvas.SetOnTypedKey).
func (d *Details) Key(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeyEscape:
		d.send(model.HideDetails{})
	case fyne.KeyF5:
		d.open(d.shown.Open)
	default:
		d.scroll(e)
	}
}

// scroll gives a key to the page that is open.
func (d *Details) scroll(e *fyne.KeyEvent) {
	switch d.shown.Open {
	case model.TabTimeline:
		d.history.page.key(e)
	case model.TabPreferences:
		d.wishes.page.key(e)
	case model.TabDiagnostics:
		d.bundle.page.key(e)
	case model.TabAbout:
		d.about.page.key(e)
	}
}

// Shortcuts gives a window those of this one: Ctrl+Page Down and Ctrl+Page Up, or Ctrl+Tab, for the next page and the one before, Ctrl+C for the page's text.
func (d *Details) Shortcuts(c fyne.Canvas) {
	for _, s := range []struct {
		key fyne.KeyName
		mod fyne.KeyModifier
		by  int
	}{
		{fyne.KeyPageDown, fyne.KeyModifierShortcutDefault, 1}, {fyne.KeyPageUp, fyne.KeyModifierShortcutDefault, -1},
		{fyne.KeyTab, fyne.KeyModifierControl, 1}, {fyne.KeyTab, fyne.KeyModifierControl | fyne.KeyModifierShift, -1},
	} {
		c.AddShortcut(&desktop.CustomShortcut{KeyName: s.key, Modifier: s.mod}, func(fyne.Shortcut) { d.turn(s.by) })
	}
	c.AddShortcut(&fyne.ShortcutCopy{}, func(fyne.Shortcut) { d.send(model.Copy{}) })
}

// turn opens a page further on, the first after the last.
func (d *Details) turn(by int) {
	if n := len(d.tabs); n > 0 {
		d.open(d.tabs[(d.rail.open+by+n)%n])
	}
}

func (d *Details) open(t model.Tab) { d.send(model.ShowDetails{Tab: t}) }

// Show shows the window; nil is one that is closed and changes nothing. What is as it was stays untouched.
func (d *Details) Show(s *model.Details) {
	if s == nil || reflect.DeepEqual(*s, d.shown) {
		return
	}
	was := d.shown
	d.shown = *s
	d.names(s)
	for t, body := range d.bodies {
		hide(body, t != s.Open || s.Empty != "")
	}
	d.empty.set(s.Empty)
	hide(d.empty.page, s.Empty == "")
	if s.Empty == "" {
		d.fill(s)
	}
	if !reflect.DeepEqual(was.Buttons, s.Buttons) {
		d.setFoot(s.Buttons)
	}
	if was.Open != s.Open || was.Empty != s.Empty || !reflect.DeepEqual(was.Buttons, s.Buttons) || !reflect.DeepEqual(was.Tabs, s.Tabs) {
		d.all.Refresh() // else what changed has drawn itself
	}
}

// names shows the names of the pages.
func (d *Details) names(s *model.Details) {
	d.tabs = d.tabs[:0]
	var names []string
	open := 0
	for i, t := range s.Tabs {
		d.tabs = append(d.tabs, t.Tab)
		names = append(names, t.Label)
		if t.Tab == s.Open {
			open = i
			d.heading.set(t.Label)
		}
	}
	d.rail.set(names, open)
}

// fill fills the page that is open.
func (d *Details) fill(s *model.Details) {
	switch s.Open {
	case model.TabStatistics:
		d.ledgers[s.Open].set(sectionRows(s.Statistics))
	case model.TabRoutes:
		d.ledgers[s.Open].set(sectionRows(s.Routes))
	case model.TabDNS:
		d.ledgers[s.Open].set(sectionRows(s.DNS))
	case model.TabHistory:
		d.ledgers[s.Open].set(historyRows(s.History))
	case model.TabTimeline:
		if s.Timeline != nil {
			d.history.set(*s.Timeline)
		}
	case model.TabPreferences:
		if s.Preferences != nil {
			d.wishes.set(*s.Preferences)
		}
	case model.TabDiagnostics:
		if s.Diagnostics != nil {
			d.bundle.set(*s.Diagnostics)
		}
	case model.TabAbout:
		if s.About != nil {
			d.about.set(*s.About)
		}
	}
}

// setFoot shows the buttons of a page. Those that are there stay, with the keyboard at them.
func (d *Details) setFoot(list []model.Button) {
	for len(d.buttons) < len(list) {
		i := len(d.buttons)
		p := newPress(pressPlain, func() {
			if msg := d.shown.Buttons[i].Msg; msg != nil {
				d.send(msg)
			}
		})
		p.keyed = d.Key
		d.buttons = append(d.buttons, p)
		d.foot.Add(p)
	}
	for i, p := range d.buttons {
		hide(p, i >= len(list))
		if i < len(list) {
			p.set(list[i].Label, pressPlain, list[i].Msg != nil)
		}
	}
	hide(d.foot, len(list) == 0)
}
