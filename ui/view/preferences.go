package view

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// preferences is the page of what a person may choose: each value with what it does, where it comes from, and a lock with its reason where it is not the person's. Rows stay while their value
// changes, with what is being typed into them.
type preferences struct {
	send  func(model.Msg)
	keyed func(*fyne.KeyEvent)
	page  *page
	top   *text
	list  *fyne.Container
	rows  []*preference
}

// Distances of a row, in Fyne's pixels.
const (
	preferenceGap  = 10 // between rows
	preferenceNear = 3  // of what belongs together
	preferenceLock = 15
	preferenceWide = 340 // of a choice and of an entry
)

// newPreferences returns an empty page; keys that nothing on it has a use for go to keyed.
func newPreferences(send func(model.Msg), keyed func(*fyne.KeyEvent)) *preferences {
	p := &preferences{send: send, keyed: keyed, top: newTextOf("", theme.SizeNameText, colorFaint), list: newColumn(preferenceGap)}
	p.page = newPage(newColumn(preferenceGap, p.top, p.list), nil)
	return p
}

// set changes what is shown.
func (p *preferences) set(s model.Preferences) {
	p.top.set(s.For)
	if !slices.EqualFunc(p.rows, s.List, func(r *preference, m model.Preference) bool { return r.fits(m) }) {
		p.list.RemoveAll()
		p.rows = nil
		for _, m := range s.List {
			r := newPreference(m, p.send)
			r.connect(p.key, p.page.reveal)
			p.rows = append(p.rows, r)
			p.list.Add(r.all)
		}
	}
	for i, m := range s.List {
		p.rows[i].set(m, s.Reset)
	}
	p.page.Refresh()
}

// key scrolls, or goes on.
func (p *preferences) key(e *fyne.KeyEvent) {
	if !p.page.key(e) {
		p.keyed(e)
	}
}

// preference is one value.
type preference struct {
	name    string
	kind    model.PreferenceKind
	heading string
	shown   *model.Preference
	send    func(model.Msg)

	label, help, origin, why, wrong *text
	lock, alert                     fyne.CanvasObject
	reset                           *press
	toggle                          *toggle
	choice                          *choice
	entry                           *entry
	all                             *fyne.Container
}

// newPreference returns a row for values of that kind.
func newPreference(m model.Preference, send func(model.Msg)) *preference {
	r := &preference{name: m.Name, kind: m.Kind, heading: m.Heading, send: send,
		label: newText("").bold(), help: newTextOf("", theme.SizeNameText, colorFaint), origin: newTextOf("", theme.SizeNameCaptionText, colorFaint),
		why: newTextOf("", theme.SizeNameCaptionText, theme.ColorNameForeground), wrong: newTextOf("", theme.SizeNameText, theme.ColorNameError),
	}
	r.lock = newMiddleRow(6, r.why, newEmblem(glyph("lock"), colorFaint, preferenceLock), r.why)
	r.alert = newRow(6, r.wrong, newEmblem(glyph("bad"), theme.ColorNameError, preferenceLock), r.wrong)
	r.reset = newPress(pressQuiet, func() { send(model.Prefer{Name: r.name, Reset: true}) })
	origin := newFlow(12, 2, r.origin, r.reset)
	words := newColumn(preferenceNear, r.label, r.help, origin, r.lock, r.alert)
	body := words
	if m.Kind == model.PreferenceSwitch {
		body = newMiddleRow(16, words, words, r.control())
	} else { // below, where a narrow window has room for it
		words.Add(newSpace(2))
		words.Add(newSized(r.control(), preferenceWide))
	}
	r.all = newColumn(preferenceGap, newCard(body))
	if m.Heading != "" {
		r.all = newColumn(preferenceGap, newSpace(4), newTextOf(m.Heading, theme.SizeNameSubHeadingText, theme.ColorNameForeground).bold(), newCard(body))
	}
	return r
}

// control makes the widget that changes the value, once.
func (r *preference) control() fyne.CanvasObject {
	switch r.kind {
	case model.PreferenceSwitch:
		if r.toggle == nil {
			r.toggle = newToggle(func(on bool) { r.choose(map[bool]string{true: "true", false: "false"}[on]) })
		}
		return r.toggle
	case model.PreferenceChoice:
		if r.choice == nil {
			r.choice = newChoice(func(i int) { r.choose(r.shown.Options[i].Value) })
		}
		return r.choice
	}
	if r.entry == nil {
		r.entry = newEntry(false)
		r.entry.OnSubmitted = r.choose
	}
	return r.entry
}

// choose asks for another value. What is shown stays the value in force until the agent says otherwise.
func (r *preference) choose(value string) {
	if value == r.shown.Value {
		return
	}
	r.send(model.Prefer{Name: r.name, Value: value})
	was := *r.shown
	r.shown = nil
	r.set(was, r.reset.label.words)
}

// fits reports whether the row can show a value.
func (r *preference) fits(m model.Preference) bool {
	return r.name == m.Name && r.kind == m.Kind && r.heading == m.Heading
}

// connect says where keys go that the row has no use for, and what brings it in sight.
func (r *preference) connect(keyed func(*fyne.KeyEvent), shown func(fyne.CanvasObject)) {
	r.reset.keyed, r.reset.shown = keyed, shown
	switch r.kind {
	case model.PreferenceSwitch:
		r.toggle.keyed, r.toggle.shown = keyed, shown
	case model.PreferenceChoice:
		r.choice.keyed, r.choice.shown = keyed, shown
	default:
		r.entry.keyed, r.entry.shown = keyed, shown
	}
}

// set changes what is shown.
func (r *preference) set(m model.Preference, reset string) {
	if r.shown != nil && same(*r.shown, m) {
		return
	}
	typed := r.shown == nil || r.shown.Value != m.Value // else what is being typed stays
	r.shown = &m
	r.label.set(m.Label)
	r.help.set(m.Help)
	r.origin.set(m.Origin)
	r.why.set(m.Why)
	r.wrong.set(m.Error)
	hide(r.lock, !m.Locked)
	hide(r.alert, m.Error == "")
	r.reset.set(reset, pressQuiet, m.Reset && !m.Busy)
	hide(r.reset, !m.Reset)
	free := !m.Locked && !m.Busy
	switch r.kind {
	case model.PreferenceSwitch:
		r.toggle.set(m.Value == "true", free)
	case model.PreferenceChoice:
		labels := make([]string, len(m.Options))
		for i, o := range m.Options {
			labels[i] = o.Label
		}
		r.choice.set(labels, slices.IndexFunc(m.Options, func(o model.Option) bool { return o.Value == m.Value }), free)
	default:
		if typed {
			r.entry.SetText(m.Value)
		}
		if free {
			r.entry.Enable()
		} else {
			r.entry.Disable()
		}
	}
}

// same reports whether two values look alike.
func same(a, b model.Preference) bool {
	options := slices.Equal(a.Options, b.Options)
	a.Options, b.Options = nil, nil
	return options && a.Label == b.Label && a.Help == b.Help && a.Value == b.Value && a.Origin == b.Origin && a.Locked == b.Locked && a.Why == b.Why && a.Reset == b.Reset &&
		a.Busy == b.Busy && a.Error == b.Error
}

// hide hides or shows an object.
func hide(o fyne.CanvasObject, hidden bool) {
	if hidden {
		o.Hide()
	} else {
		o.Show()
	}
}
