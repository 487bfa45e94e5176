package model

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// Bounds on what a gateway may ask.
const (
	maxFields  = 64  // agent/ipc takes no more in an answer
	maxOptions = 256 // of one field
)

const (
	// waitID is the id of the question that nobody can answer here: an approval elsewhere.
	waitID = "wait"
	// waitAfter is how long the gateway keeps us waiting before we suppose that it waits for the person: most answers are not worth a word.
	waitAfter = 3 * time.Second
	// countFrom is when a question begins to say how much time is left.
	countFrom = time.Minute
)

// prompt is the question as it is to be seen; nil when nothing is asked.
func (m Model) prompt(now time.Time) *Prompt {
	switch q := m.question(); {
	case m.cert.asking != "":
		return m.certificatePrompt()
	case q != nil:
		p := m.asks(q, now)
		p.Until, p.Left = q.Until, m.left(q.Until, countFrom, now)
		return &p
	case m.pushed(now):
		w := m.state.Waiting
		return &Prompt{
			ID: waitID, Kind: PromptWait, Title: m.text("prompt.wait"), Message: m.text("prompt.wait.how"), Until: w.Until, Left: m.left(w.Until, 0, now),
			Cancel: Button{Label: m.text("window.cancel"), Msg: Answer{Prompt: waitID, Cancel: true}},
		}
	}
	return nil
}

// pushed reports that the gateway waits for something that the person does elsewhere.
func (m Model) pushed(now time.Time) bool {
	w := m.state.Waiting
	return m.own() && w != nil && !now.Before(w.Since.Add(waitAfter)) && phaseOf(m.state).trying()
}

// left is the time until a question is given up, once there is no more than from; from 0 is always.
func (m Model) left(until time.Time, from time.Duration, now time.Time) string {
	d := until.Sub(now)
	if until.IsZero() || from > 0 && d > from {
		return ""
	}
	return m.text("prompt.left", fill("left", m.words.Remaining(d)))
}

// asks is a question of the agent's. Its title is never the gateway's: who asks must not be able to look like this computer, or like a question for the person's own certificate.
func (m Model) asks(q *ipc.Prompt, now time.Time) Prompt {
	p := Prompt{
		ID: q.ID, Message: worded(q), Error: finish(clean(q.Error)), Busy: m.answer.sent == q.ID,
		Submit: Button{Label: m.text("prompt.continue"), Primary: true},
		Cancel: Button{Label: m.text("window.cancel"), Msg: Answer{Prompt: q.ID, Cancel: true}},
	}
	if m.answer.err != nil {
		p.Error = m.say(m.answer.err)
	}
	switch q.Kind {
	case kindBanner:
		p.Title = m.text("prompt.banner", fill("host", m.target()))
		p.Kind = PromptBanner
		p.Submit.Label, p.Submit.Msg = m.text("prompt.accept"), accept(q.ID, true)
		p.Cancel.Label, p.Cancel.Msg = m.text("prompt.decline"), accept(q.ID, false)
	case kindTrust:
		p.Title = m.text("prompt.trust")
		p.Kind = PromptTrust
		m.distrust(&p, q, now)
	case kindBrowser:
		p.Title = m.text("prompt.browser")
		p.Kind = PromptBrowser
		m.sendOut(&p, q)
	default:
		p.Title = m.text("prompt.form", fill("host", m.target()))
		p.Fields = m.fields(q.Fields)
	}
	if p.Busy {
		p.Submit.Msg = nil
	}
	return p
}

// worded is what the gateway says of its question: what it calls it, where that says more, and its text.
func worded(q *ipc.Prompt) string {
	title, text := clean(q.Title), lines(q.Message)
	if strings.EqualFold(title, text) || strings.EqualFold(title, "Login") { // which is what an ASA calls every form
		title = ""
	}
	return joined("\n\n", title, text)
}

func accept(id string, yes bool) Msg { return Answer{Prompt: id, Accept: &yes} }

// sendOut is the question to sign in at a page.
func (m Model) sendOut(p *Prompt, q *ipc.Prompt) {
	if b := q.Browser; b != nil && strings.HasPrefix(b.URL, "https://") {
		p.URL = clean(b.URL)
		if len(b.URL) != len(p.URL) { // one that had to be cut is none
			p.URL = address(b.URL)
		}
		p.Message = m.text("prompt.browser.how", fill("host", clean(b.Host)))
		p.Submit.Label, p.Submit.Msg = m.text("prompt.browser.open"), OpenPage{}
		if m.answer.browsed == q.ID {
			p.Message, p.Submit.Label = m.text("prompt.browser.wait", fill("host", clean(b.Host))), m.text("prompt.browser.again")
		}
		return
	}
	p.Message, p.Submit = m.text("prompt.browser.unusable"), Button{}
}

// distrust is the question whether to go on with a gateway that nobody vouches for: what is wrong, and what to compare.
func (m Model) distrust(p *Prompt, q *ipc.Prompt, now time.Time) {
	p.Early = now.Before(m.considered())
	p.Message = m.text("prompt.trust.how", fill("host", m.target()))
	p.Submit = Button{Label: m.text("prompt.trust.accept"), Msg: accept(q.ID, true)} // not the button that Enter presses
	p.Cancel = Button{Label: m.text("prompt.trust.refuse"), Msg: accept(q.ID, false), Primary: true}
	t := q.Trust
	if t == nil {
		return
	}
	p.Message = m.text("prompt.trust.how", fill("host", clean(t.Host)))
	for _, problem := range t.Problems[:min(len(t.Problems), 8)] {
		p.Facts = append(p.Facts, Fact{Label: m.text("prompt.trust.wrong"), Value: m.problem(problem), Tone: ToneBad})
	}
	names := make([]string, 0, 8)
	for _, n := range t.Names[:min(len(t.Names), cap(names))] {
		names = append(names, clean(n))
	}
	for _, f := range []Fact{
		{Label: m.text("prompt.trust.pin"), Value: grouped(clean(t.Pin)), Digits: true}, // what is to be compared comes in sight first
		{Label: m.text("prompt.trust.subject"), Value: clean(t.Subject)},
		{Label: m.text("prompt.trust.names"), Value: clean(strings.Join(names, ", "))},
		{Label: m.text("prompt.trust.issuer"), Value: clean(t.Issuer)},
		{Label: m.text("prompt.trust.dates"), Value: m.dates(t.NotBefore, t.NotAfter)},
		{Label: m.text("prompt.trust.certificate"), Value: grouped(clean(t.Certificate)), Digits: true},
	} {
		if f.Value != "" {
			p.Facts = append(p.Facts, f)
		}
	}
}

// grouped writes a fingerprint, which may begin with the name of its hash, as people compare it: in fours.
func grouped(s string) string {
	name, digits, ok := strings.Cut(s, ":")
	if !ok || strings.Contains(digits, ":") {
		name, digits = "", s
	}
	var b strings.Builder
	b.WriteString(name)
	for i, r := range []rune(strings.ReplaceAll(digits, ":", "")) {
		if i%4 == 0 && b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}

// problem is what is wrong with a certificate, in words; one that we do not know is something else.
func (m Model) problem(code string) string {
	known := []string{ipc.ProblemAuthority, ipc.ProblemName, ipc.ProblemExpired, ipc.ProblemNotYet, ipc.ProblemUsage, ipc.ProblemWeak, ipc.ProblemInvalid}
	if !slices.Contains(known, code) {
		code = ipc.ProblemInvalid
	}
	return m.words.Text("prompt.problem." + code)
}

func (m Model) dates(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return ""
	}
	return m.text("prompt.trust.range", fill("from", m.words.Date(from)), fill("to", m.words.Date(to)))
}

// certificatePrompt is the question for a certificate of the person's own.
func (m Model) certificatePrompt() *Prompt {
	file := clean(m.cert.files[m.cert.asking])
	p := &Prompt{
		ID: certificateID, Kind: PromptCertificate, Title: m.text("prompt.certificate"), Message: m.text("prompt.certificate.how", fill("host", clean(m.cert.asking))),
		Fields: []Field{
			{Name: CertificateFile, Label: m.text("prompt.certificate.file"), Type: FieldFile, Value: file, Focus: file == ""},
			{Name: CertificatePassphrase, Label: m.text("prompt.certificate.passphrase"), Type: FieldPassword, Focus: file != ""},
		},
		Submit: Button{Label: m.text("window.connect"), Primary: true},
		Cancel: Button{Label: m.text("window.cancel"), Msg: Answer{Prompt: certificateID, Cancel: true}},
		Busy:   m.cert.busy,
	}
	if m.cert.err != nil {
		p.Error = m.say(m.cert.err)
	}
	return p
}

// fields are those of a form, the keyboard at the first that has to be filled in.
func (m Model) fields(asked []ipc.Field) []Field {
	var all []Field
	focus := -1
	for _, f := range asked {
		if f.Name == "" || len(all) == maxFields || slices.ContainsFunc(all, func(o Field) bool { return o.Name == f.Name }) {
			continue
		}
		field := m.field(f)
		if focus < 0 && field.Value == "" {
			focus = len(all)
		}
		all = append(all, field)
	}
	if len(all) > 0 {
		all[max(focus, 0)].Focus = true
	}
	return all
}

// field is one of them.
func (m Model) field(f ipc.Field) Field {
	field := Field{Name: f.Name, Label: strings.TrimRight(clean(f.Label), " :："), Value: clean(f.Value)}
	if last := clean(f.Last); last != "" { // what this person gave the last time comes before the gateway's own default
		field.Value = last
	}
	switch options := offered(f.Options); {
	case f.Type == "password":
		field.Type, field.Value = FieldPassword, ""
	case f.Type == "select" && len(options) > 0:
		field.Type, field.Options, field.Value = FieldSelect, options, options[0].Value
		for _, wanted := range []string{f.Value, f.Last} {
			if wanted != "" && slices.ContainsFunc(options, func(o Option) bool { return o.Value == wanted }) {
				field.Value = wanted
			}
		}
	}
	if field.Label == "" && field.Type == FieldPassword {
		field.Label = m.text("prompt.field.password")
	} else if field.Label == "" {
		field.Label = m.text("prompt.field.text")
	}
	return field
}

// offered are the choices of a field that have something to be read.
func offered(options []ipc.Option) []Option {
	var all []Option
	for _, o := range options[:min(len(options), maxOptions)] {
		label := clean(o.Label)
		if label == "" {
			label = clean(o.Value)
		}
		if label != "" {
			all = append(all, Option{Value: o.Value, Label: label})
		}
	}
	return all
}
