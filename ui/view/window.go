package view

import (
	"reflect"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// overview is what the small window shows while nothing is asked: the state, the gateway, the one button, and what there is to say beside.
type overview struct {
	send  func(model.Msg)
	shown model.Window
	page  *page

	badge          *emblem
	headline, line *text
	hint           *text
	alert          *alert
	hosts          *hosts
	button, more   *press
	steps          *steps
	facts          *facts
	plot           *plot
	stepCard       *card
	factCard       *card
	plotCard       *card
	notes          *fyne.Container
}

// Distances in the window, in Fyne's pixels.
const (
	windowGap  = 14
	windowNear = 4  // of what belongs together
	badgeSize  = 52 // the picture of the state
)

// newOverview returns it. What the person does goes to send.
func newOverview(send func(model.Msg)) *overview {
	w := &overview{
		send: send, badge: newBadge(badgeSize), alert: newAlert(),
		headline: newTextOf("", theme.SizeNameHeadingText, theme.ColorNameForeground).bold(),
		line:     newText(""), hint: newTextOf("", theme.SizeNameText, colorFaint),
		steps: newSteps(), facts: newFacts(), plot: newPlot(), notes: newColumn(windowNear * 2),
	}
	w.hosts = newHosts(send, w.enter)
	w.button = newPress(pressPrimary, w.enter)
	w.more = newPress(pressQuiet, w.details)
	w.more.icon = glyph("gear")
	w.stepCard, w.factCard, w.plotCard = newCard(w.steps.all), newCard(w.facts), newCard(w.plot)
	words := newColumn(windowNear, newMiddleRow(windowGap, w.headline, w.headline, w.more), w.line, w.hint)
	body := newColumn(windowGap,
		newMiddleRow(windowGap, words, w.badge, words),
		w.alert.panel,
		newColumn(windowGap-4, w.hosts.all, w.button),
		w.notes, w.stepCard, w.factCard, w.plotCard)
	body.Layout.(*column).grow = w.plotCard
	w.page = newPage(body, nil)
	w.notes.Hide()
	for _, p := range []*press{w.button, w.more} {
		p.keyed, p.shown = w.key, w.page.reveal
	}
	return w
}

// Show shows a window. What is as it was stays untouched: what somebody types or scrolls is not taken from under his hands.
func (w *overview) Show(s model.Window) {
	if reflect.DeepEqual(s, w.shown) {
		return
	}
	was := w.shown
	w.shown = s
	w.head(s)
	w.hosts.set(s)
	w.button.set(s.Button.Label, kindOf(s.Button), s.Button.Msg != nil)
	w.button.Hidden = s.Button.Label == ""
	w.more.Hidden = s.More.Msg == nil
	w.stepCard.Hidden = len(s.Steps) == 0
	w.steps.set(s.Steps, s.Progress)
	w.factCard.Hidden = len(s.Facts) == 0
	w.facts.set(s.Facts)
	if w.plotCard.Hidden = s.Graph == nil; s.Graph != nil {
		w.plot.set(*s.Graph)
	}
	if !reflect.DeepEqual(s.Notes, was.Notes) {
		w.setNotes(s.Notes)
	}
	w.page.Refresh()
}

// head shows the state. What went wrong stands in a panel of its own below it.
func (w *overview) head(s model.Window) {
	color, tint := shapeTone(s.Shape)
	w.badge.set(picture(s.Shape.String()), color, tint)
	w.headline.set(s.Headline)
	if wrong := s.Tone == model.ToneWarn || s.Tone == model.ToneBad; wrong {
		w.line.set("")
		w.hint.set("")
		w.alert.set(s.Tone, s.Line, s.Hint, s.Code)
		return
	}
	w.alert.set(model.TonePlain, "", "", "")
	w.line.set(s.Line) // a good one needs no colour: the picture beside it has it
	w.hint.set(s.Hint)
}

// setNotes shows the notes anew, with the keyboard where it was.
func (w *overview) setNotes(notes []model.Note) {
	w.notes.RemoveAll()
	w.notes.Hidden = len(notes) == 0
	for _, n := range notes {
		w.notes.Add(w.note(n))
	}
}

// note is one of them.
func (w *overview) note(n model.Note) fyne.CanvasObject {
	color := toneColor(n.Tone)
	if n.Tone == model.TonePlain {
		color = colorFaint
	}
	words := newColumn(windowNear, newText(n.Text))
	if a := n.Action; a != nil {
		p := newPress(pressQuiet, func() {
			if a.Msg != nil {
				w.send(a.Msg)
			}
		})
		p.set(a.Label, pressQuiet, a.Msg != nil)
		p.keyed, p.shown = w.key, w.page.reveal
		words.Add(newRow(0, nil, p))
	}
	return newPanel(toneTint(n.Tone), newRow(10, words, newEmblem(toneGlyph(n.Tone), color, 18), words))
}

// details opens the other window.
func (w *overview) details() {
	if w.shown.More.Msg != nil {
		w.send(w.shown.More.Msg)
	}
}

// enter presses the button.
func (w *overview) enter() {
	if w.shown.Button.Msg != nil {
		w.send(w.shown.Button.Msg)
	}
}

// key takes the keys that nothing else has a use for.
func (w *overview) key(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeyReturn, fyne.KeyEnter:
		if w.shown.Button.Primary {
			w.enter()
		}
	case fyne.KeyEscape:
		w.send(model.Hide{})
	default:
		w.page.key(e)
	}
}
