package view

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/ui/model"
)

// question is what the small window shows while something is asked. It is not a window above it, which can be lost behind another.
//
// What is typed lives in its entries only. It goes into one model.Answer as secrets, and the entries are emptied and dropped when that is sent, when the prompt is withdrawn or replaced, and when the window closes.
type question struct {
	send  func(model.Msg)
	shown *model.Prompt
	page  *page
	root  fyne.CanvasObject // the content of the window that it is in

	badge          *emblem
	title, message *text
	wrong          *alert
	facts          *facts
	factCard       *card
	fields         *fields
	address        *text // of a page to sign in at
	copy           *press
	link           *fyne.Container // both
	wait           *text
	cancel, submit *press
}

// newQuestion returns it. What the person does goes to send.
func newQuestion(send func(model.Msg)) *question {
	p := &question{
		send: send, badge: newBadge(badgeSize), wrong: newAlert(), facts: newFacts(),
		title:   newTextOf("", theme.SizeNameSubHeadingText, theme.ColorNameForeground).bold(),
		message: newText(""), wait: newTextOf("", theme.SizeNameText, colorFaint),
		address: newTextOf("", theme.SizeNameCaptionText, colorFaint),
	}
	p.factCard = newCard(p.facts)
	p.fields = newFields(p)
	p.cancel, p.submit = newPress(pressPlain, p.Cancel), newPress(pressPrimary, p.accept)
	p.address.single = true
	p.copy = newPress(pressPlain, func() { fyne.CurrentApp().Clipboard().SetContent(p.address.words) })
	p.copy.icon = glyph("copy")
	p.link = newMiddleRow(10, p.address, p.address, p.copy)
	body := newColumn(windowGap,
		newMiddleRow(windowGap, p.title, p.badge, p.title),
		p.wrong.panel, p.message, p.factCard, p.fields.all, p.link, p.wait)
	p.page = newPage(body, newFoot(p.cancel, p.submit))
	p.root = p.page
	for _, b := range []*press{p.cancel, p.submit, p.copy} {
		b.keyed = p.key
	}
	p.copy.shown = p.page.reveal
	return p
}

// Show shows a question, or with nil takes it away and forgets what was typed.
func (p *question) Show(s *model.Prompt) {
	if s == nil {
		p.Forget()
		p.shown = nil
		return
	}
	fresh := p.shown == nil || p.shown.ID != s.ID
	refused := !fresh && p.shown.Busy && !s.Busy // and asked again
	copied := *s
	p.shown = &copied
	drawing, color, tint := promptLook(s.Kind)
	p.badge.set(drawing, color, tint)
	p.title.set(s.Title)
	p.wrong.set(model.ToneBad, s.Error, "", "")
	p.message.set(s.Message)
	p.facts.set(s.Facts)
	p.factCard.Hidden = len(s.Facts) == 0
	p.fields.set(s.Fields, fresh, s.Busy)
	p.address.set(s.URL)
	p.link.Hidden = s.URL == ""
	p.wait.size, p.wait.style.Bold = theme.SizeNameText, false
	if s.Kind == model.PromptWait { // there is nothing else to look at
		p.wait.size, p.wait.style.Bold = theme.SizeNameSubHeadingText, true
	}
	p.wait.set(s.Left)
	p.buttons(s)
	p.page.Refresh()
	if fresh || refused {
		p.page.top()
		p.Focus()
	}
}

// buttons shows what answers. Where a gateway cannot be verified, to decline is what stands out.
func (p *question) buttons(s *model.Prompt) {
	p.cancel.set(s.Cancel.Label, kindOf(s.Cancel), true)
	p.submit.set(s.Submit.Label, kindOf(s.Submit), !s.Busy && !s.Early)
	p.cancel.Hidden, p.submit.Hidden = s.Cancel.Label == "", s.Submit.Label == ""
}

// kindOf is how much a button stands out.
func kindOf(b model.Button) pressKind {
	if b.Primary {
		return pressPrimary
	}
	return pressPlain
}

// promptLook is the picture of a question, with its colours.
func promptLook(k model.PromptKind) (fyne.Resource, fyne.ThemeColorName, fyne.ThemeColorName) {
	switch k {
	case model.PromptTrust:
		return glyph("warn"), theme.ColorNameWarning, colorWarnTint
	case model.PromptBanner:
		return glyph("page"), theme.ColorNamePrimary, colorPrimaryTint
	case model.PromptBrowser:
		return glyph("globe"), theme.ColorNamePrimary, colorPrimaryTint
	case model.PromptCertificate:
		return glyph("card"), theme.ColorNamePrimary, colorPrimaryTint
	case model.PromptWait:
		return glyph("clock"), theme.ColorNamePrimary, colorPrimaryTint
	default:
		return glyph("key"), theme.ColorNamePrimary, colorPrimaryTint
	}
}

// Focus puts the keyboard where it is needed: the field that the question names, else the first that is empty; the answer that is safe where there is none.
func (p *question) Focus() {
	on := canvasOf(p.root)
	if on == nil || p.shown == nil {
		return
	}
	if f := p.fields.first(); f != nil {
		on.Focus(f)
		return
	}
	for _, b := range []*press{p.submit, p.cancel} {
		if b.kind == pressPrimary && !b.Hidden && !b.Disabled() {
			on.Focus(b)
			return
		}
	}
	if !p.cancel.Hidden {
		on.Focus(p.cancel)
	}
}

// accept sends the answer.
func (p *question) accept() {
	s := p.shown
	if s == nil || s.Busy || s.Early || s.Submit.Label == "" {
		return
	}
	if s.Submit.Msg != nil {
		p.send(s.Submit.Msg)
		return
	}
	answer := model.Answer{Prompt: s.ID}
	if len(s.Fields) > 0 {
		answer.Fields = p.fields.take()
	} else {
		yes := true
		answer.Accept = &yes
	}
	p.send(answer)
}

// Cancel sends that the question is declined.
func (p *question) Cancel() {
	s := p.shown
	if s == nil {
		return
	}
	p.Forget()
	if s.Cancel.Msg != nil {
		p.send(s.Cancel.Msg)
		return
	}
	answer := model.Answer{Prompt: s.ID, Cancel: true}
	if s.Kind == model.PromptBanner || s.Kind == model.PromptTrust {
		no := false
		answer = model.Answer{Prompt: s.ID, Accept: &no}
	}
	p.send(answer)
}

// Forget empties what was typed: the window closes, or the question is over.
func (p *question) Forget() { p.fields.forget() }

// key takes the keys that nothing else has a use for.
func (p *question) key(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeyEscape:
		p.Cancel()
	case fyne.KeyReturn, fyne.KeyEnter:
		p.enter()
	default:
		p.page.key(e)
	}
}

// enter is what Enter means where no button has the keyboard: the answer that stands out.
func (p *question) enter() {
	if p.cancel.kind == pressPrimary {
		p.Cancel()
		return
	}
	p.accept()
}

// secret makes a secret of what was typed.
func secret(s string) redact.Secret { return redact.NewString(s) }
