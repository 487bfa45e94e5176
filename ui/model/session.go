package model

import (
	"slices"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/ui/locale"
)

// A session's end is said to be near from here on.
const (
	endsSoon    = 15 * time.Minute
	endsAtOnce  = 5 * time.Minute
	leastOfSoon = 30 * time.Minute // what a session has in all for whom a quarter of an hour is soon
)

// facts are what a person asks of a session, in the order in which support asks.
func (m Model) facts(p phase, now time.Time) []Fact {
	s := m.state
	if m.foreign() || !phaseOf(s).held() || p != waiting && !p.held() {
		return nil
	}
	var all []Fact
	add := func(label, value string, tone Tone) {
		if value != "" {
			all = append(all, Fact{Label: label, Value: value, Tone: tone})
		}
	}
	if p == up {
		value, tone := m.transport(now)
		add(m.text("window.fact.transport"), value, tone)
	}
	if c := s.Session; c != nil {
		if !c.Started.IsZero() {
			add(m.text("window.fact.connected"), m.words.Duration(now.Sub(c.Started)), TonePlain)
		}
		if c.Expires != nil {
			end, tone := c.Expires.Round(time.Second), TonePlain
			if end.Sub(now) <= endsSoon {
				tone = ToneWarn
			}
			left := m.text("window.left", fill("left", m.words.Remaining(end.Sub(now))), fill("time", m.words.When(end, now)))
			add(m.text("window.fact.left"), left, tone)
		}
	}
	add(m.text("window.fact.address"), addresses(s.Addresses), TonePlain)
	if r := s.LastReconnect; r != nil && !r.At.IsZero() {
		took := fill("took", m.words.Remaining(max(1, time.Duration(r.OutageMS)*time.Millisecond)))
		add(m.text("window.fact.reconnect"), m.text("window.reconnect", fill("time", m.words.When(r.At, now)), took), ToneFaint)
	}
	return all
}

// transport is how packets travel, and where that is the slower way, why, since when, and when the faster one is tried again.
func (m Model) transport(now time.Time) (string, Tone) {
	s := m.state
	name := strings.ToUpper(clean(s.Transport))
	key := "transport." + clean(s.TransportCode)
	why := strings.TrimRight(m.words.Text(key), ".。")
	if s.TransportCode == "" || !m.words.Has(key) {
		why = clean(s.TransportReason)
	}
	args := []locale.Arg{fill("name", name), fill("why", why)}
	switch {
	case name == "":
		return "", TonePlain
	case why == "":
		return name, TonePlain
	case s.TransportSince == nil || s.TransportSince.IsZero():
		return m.text("window.transport", args...), TonePlain
	}
	args = append(args, fill("time", m.words.When(*s.TransportSince, now)))
	switch at := s.TransportRetryAt; {
	case at != nil && at.After(now):
		return m.text("window.transport.retry", append(args, fill("left", m.words.Remaining(at.Sub(now))))...), TonePlain
	case at != nil:
		return m.text("window.transport.trying", args...), TonePlain
	}
	return m.text("window.transport.since", args...), TonePlain
}

// addresses are ours inside the tunnel, without the length of a network of one.
func addresses(cidrs []string) string {
	var all []string
	for _, a := range cidrs[:min(len(cidrs), 4)] {
		a = strings.TrimSuffix(strings.TrimSuffix(clean(a), "/32"), "/128")
		if a != "" {
			all = append(all, a)
		}
	}
	return strings.Join(all, ", ")
}

// expires is when the session ends by itself; not ok where it does not, or is not ours.
func (m Model) expires() (at time.Time, ok bool) {
	s := m.state.Session
	if s == nil || s.Expires == nil || !m.own() || !phaseOf(m.state).held() {
		return at, false
	}
	return s.Expires.Round(time.Second), true // the agent's own clocks move it a little each time
}

// soon is how long before its end a session is said to end; 0 for one that is over.
func (m Model) soon() time.Duration {
	if s := m.state.Session; s.Started.IsZero() || s.Expires.Sub(s.Started) >= leastOfSoon {
		return endsSoon
	}
	return endsAtOnce
}

// notes are what a person should know beside.
func (m Model) notes(p phase, now time.Time) []Note {
	var all []Note
	if p != absent && p != starting {
		all = m.sessionNotes(p, now)
	}
	if m.here {
		if f := m.version.Mismatch(); f != nil {
			all = append(all, Note{Text: then(m.say(f), m.advise(f)), Tone: ToneFaint})
		}
	}
	if m.desk.known && !m.desk.tray {
		all = append(all, Note{Text: m.text("window.note.notray"), Tone: ToneFaint})
	}
	return all
}

// sessionNotes are those of a session, or of what is chosen.
func (m Model) sessionNotes(p phase, now time.Time) []Note {
	var all []Note
	s := m.state
	if s.CaptivePortal != nil && *s.CaptivePortal && (p == reconnecting || p.trying() || p == up) {
		all = append(all, Note{Text: m.text("window.note.portal"), Tone: ToneWarn, Action: &Button{Label: m.text("window.note.portal.retry"), Msg: Retry{}}})
	}
	if at, ok := m.expires(); ok && at.Sub(now) <= m.soon() {
		all = append(all, Note{Text: m.text("window.note.ending", fill("time", m.words.When(at, now))), Tone: ToneWarn})
	}
	if len(s.Impaired) > 0 && m.own() {
		var list []string
		for _, i := range s.Impaired[:min(len(s.Impaired), 8)] {
			list = append(list, clean(i))
		}
		all = append(all, Note{Text: m.text("window.note.impaired", fill("list", strings.Join(list, "; "))), Tone: ToneWarn})
	}
	if m.asked.failed != nil && p != idle {
		all = append(all, Note{Text: then(m.say(m.asked.failed), m.advise(m.asked.failed)), Tone: ToneBad})
	}
	if p == idle {
		all = append(all, m.certificateNotes()...)
	}
	return all
}

// wantsCertificate are the failures that another certificate, or one at all, may mend.
var wantsCertificate = []fault.Code{fault.AuthCertNeeded, fault.AuthCertRefused, fault.AuthCertFile, fault.AuthCertKey, fault.AuthUnsigned}

// certificateNotes offer a certificate where the gateway wanted one, and taking it back where one is used.
func (m Model) certificateNotes() []Note {
	target := m.chosen()
	if file := m.cert.files[target]; file != "" && target != "" {
		return []Note{{Text: m.text("window.note.certificate", fill("file", clean(base(file)))), Tone: ToneFaint,
			Action: &Button{Label: m.text("window.note.certificate.drop"), Msg: DropCertificate{Target: target}}}}
	}
	f := m.failure()
	if f == nil || !slices.Contains(wantsCertificate, f.Code) || target == "" {
		return nil
	}
	return []Note{{Text: m.text("window.note.wanted"), Tone: TonePlain, Action: &Button{Label: m.text("window.note.choose"), Msg: UseCertificate{Target: target}}}}
}

// base is the last part of a file's name, on any system.
func base(file string) string { return file[strings.LastIndexAny(file, `/\`)+1:] }
