package view

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// emptyPage says why there is nothing to show.
type emptyPage struct {
	words *text
	page  *page
}

// newEmptyPage returns one that says nothing.
func newEmptyPage() *emptyPage {
	e := &emptyPage{words: newTextOf("", theme.SizeNameText, colorFaint)}
	e.page = newPage(newColumn(0, newPanel(colorTint, newRow(10, e.words, newEmblem(glyph("info"), colorFaint, 18), e.words))), nil)
	return e
}

func (e *emptyPage) set(words string) {
	if e.words.words != words {
		e.words.set(words)
		e.page.Refresh()
	}
}

// historyPage is the timeline with the choice of its length above it and the legend below.
type historyPage struct {
	send    func(model.Msg)
	keyed   func(*fyne.KeyEvent)
	page    *page
	spans   *fyne.Container
	choices []*press
	shown   []model.SpanChoice
	legend  *fyne.Container
	entries []model.Band
	picture *timeline
}

// newHistoryPage returns an empty one.
func newHistoryPage(send func(model.Msg), keyed func(*fyne.KeyEvent)) *historyPage {
	h := &historyPage{send: send, keyed: keyed, spans: newFlow(8, 8), legend: newFlow(18, 6)}
	h.picture = newTimeline(h.key)
	h.page = newPage(newColumn(16, h.spans, h.legend, h.picture), nil)
	return h
}

// key scrolls, or goes on.
func (h *historyPage) key(e *fyne.KeyEvent) {
	if !h.page.key(e) {
		h.keyed(e)
	}
}

// set changes what is shown.
func (h *historyPage) set(t model.Timeline) {
	h.setSpans(t.Spans)
	if !slices.EqualFunc(h.entries, t.Legend, func(a, b model.Band) bool { return a.Shape == b.Shape && a.Label == b.Label }) {
		h.entries = t.Legend
		h.legend.RemoveAll()
		for _, l := range t.Legend {
			ink, _ := shapeTone(l.Shape)
			words := newTextOf(l.Label, theme.SizeNameCaptionText, colorFaint)
			h.legend.Add(newLegend(newEmblem(picture(l.Shape.String()), ink, 16), words))
		}
	}
	h.picture.set(t)
	h.page.Refresh()
}

// newLegend returns a picture with its name beside it.
func newLegend(mark *emblem, words *text) fyne.CanvasObject {
	return newMiddleRow(6, nil, mark, words)
}

// setSpans shows how much time can be chosen, and how much is.
func (h *historyPage) setSpans(list []model.SpanChoice) {
	h.shown = list
	for len(h.choices) < len(list) {
		i := len(h.choices)
		p := newPress(pressPlain, func() { h.send(h.shown[i].Msg) })
		p.keyed, p.shown = h.key, h.page.reveal
		h.choices = append(h.choices, p)
		h.spans.Add(p)
	}
	for i, p := range h.choices {
		hide(p, i >= len(list))
		if i < len(list) {
			kind := pressPlain
			if list[i].Chosen {
				kind = pressPrimary
			}
			p.set(list[i].Label, kind, true)
		}
	}
}

// bundlePage makes a bundle for support.
type bundlePage struct {
	send    func(model.Msg)
	shown   model.Diagnostics
	page    *page
	words   *text
	bar     *bar
	step    *text
	result  *text
	alert   *alert
	buttons []*press
	foot    *fyne.Container
	found   *fyne.Container
	keyed   func(*fyne.KeyEvent)
}

// newBundlePage returns one.
func newBundlePage(send func(model.Msg), keyed func(*fyne.KeyEvent)) *bundlePage {
	b := &bundlePage{send: send, keyed: keyed, words: newText(""), bar: newBar(), step: newTextOf("", theme.SizeNameText, colorFaint), result: newText(""), alert: newAlert(), foot: newFlow(footGap, footGap), found: newColumn(8)}
	b.page = newPage(newColumn(14, b.words, b.bar, b.step, b.result, b.alert.panel, b.foot, b.found), nil)
	return b
}

// set changes what is shown.
func (b *bundlePage) set(s model.Diagnostics) {
	if !slices.Equal(b.shown.Findings, s.Findings) {
		b.setFound(s.Findings)
	}
	b.shown = s
	b.words.set(s.Text)
	hide(b.bar, s.Progress < 0)
	b.bar.set(s.Progress)
	b.step.set(s.Step)
	hide(b.step, s.Progress < 0 || s.Step == "")
	b.result.set(s.Result)
	b.alert.set(model.ToneBad, s.Error, "", "")
	for len(b.buttons) < len(s.Buttons) {
		i := len(b.buttons)
		p := newPress(pressPlain, func() { b.send(b.shown.Buttons[i].Msg) })
		p.keyed, p.shown = b.keyed, b.page.reveal
		b.buttons = append(b.buttons, p)
		b.foot.Add(p)
	}
	for i, p := range b.buttons {
		hide(p, i >= len(s.Buttons))
		if i < len(s.Buttons) {
			kind := pressPlain
			if s.Buttons[i].Primary {
				kind = pressPrimary
			}
			p.set(s.Buttons[i].Label, kind, s.Buttons[i].Msg != nil)
		}
	}
	b.page.Refresh()
}

// setFound shows what the agent concluded of itself.
func (b *bundlePage) setFound(list []model.Note) {
	b.found.RemoveAll()
	for _, n := range list {
		ink := toneColor(n.Tone)
		if n.Tone == model.TonePlain {
			ink = colorFaint
		}
		words := newText(n.Text)
		b.found.Add(newPanel(toneTint(n.Tone), newRow(10, words, newEmblem(toneGlyph(n.Tone), ink, 18), words)))
	}
}

// aboutPage says what runs here.
type aboutPage struct {
	page       *page
	name, text *text
	facts      *facts
}

// newAboutPage returns one.
func newAboutPage() *aboutPage {
	a := &aboutPage{name: newTextOf("", theme.SizeNameHeadingText, theme.ColorNameForeground).bold(), text: newText(""), facts: newFacts()}
	a.page = newPage(newColumn(16, newMiddleRow(14, a.name, newEmblem(AppIcon(), theme.ColorNamePrimary, 44), a.name), newCard(a.facts), a.text), nil)
	return a
}

// set changes what is shown.
func (a *aboutPage) set(s model.About) {
	a.name.set(s.Name)
	a.facts.set(s.Lines)
	a.text.set(s.Text)
	a.page.Refresh()
}
