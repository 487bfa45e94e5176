package model

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/ui/locale"
)

// maxLines bounds a text of several lines, in runes.
const maxLines = 8000

// maxAddress bounds a page's address, in bytes (ipc.Browser).
const maxAddress = 2048

// text is a message in the person's language.
func (m Model) text(key string, args ...locale.Arg) string { return m.words.Text(key, args...) }

// fill fills a placeholder.
func fill(name string, value any) locale.Arg { return locale.With(name, value) }

// clean is a stranger's text for one line.
func clean(s string) string { return fault.Clean(s) }

// lines is a stranger's text of several lines: they stay, control characters and what can reorder or hide text go.
func lines(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	n := 0
	s = strings.Map(func(r rune) rune {
		switch n++; {
		case n > maxLines:
			return -1
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == 0x2028, r == 0x2029, r == utf8.RuneError:
			return -1
		}
		return r
	}, s)
	return strings.Trim(s, "\n ")
}

// address is a page's address to be shown whole; "" where it cannot be.
func address(s string) string {
	if len(s) > maxAddress || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return s
}

// capital begins a text with a capital letter.
func capital(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + s[n:]
}

// finish makes a sentence of a text that may begin small and end without a stop, as those of the registry do in English. What ends in a command gets no stop: it would be typed, too.
func finish(s string) string {
	if s = capital(s); s == "" || endsInCommand(s) {
		return s
	}
	if last, _ := utf8.DecodeLastRuneInString(s); !strings.ContainsRune(".…?!。？！:", last) {
		s += "."
	}
	return s
}

// then puts a sentence behind another. Where stops are of full width the space is in them.
func then(first, next string) string {
	last, _ := utf8.DecodeLastRuneInString(first)
	if first == "" || next == "" || strings.ContainsRune("。！？", last) {
		return first + next
	}
	return first + " " + next
}

// endsInCommand reports whether what stands behind the last colon is to be typed.
func endsInCommand(s string) bool {
	i := strings.LastIndexAny(s, ":：")
	if i < 0 {
		return false
	}
	last := strings.TrimLeft(s[i:], ":： ")
	return strings.HasPrefix(last, "sudo ") || strings.HasPrefix(last, "holdfast")
}

// quoted are the codes whose detail is what the gateway says to the person, or what is wrong with what he typed: it is shown although it cannot be translated.
var quoted = []fault.Code{fault.AuthRefused, fault.AuthGroup, fault.AuthCertRefused, fault.GwEnded, fault.NetHTTPRefused, fault.UseTarget, fault.PolLocked}

// say is a failure in one sentence of the person's language; in the agent's words where its code is new to us.
func (m Model) say(f *fault.Error) string {
	key := "fault." + string(f.Code) + ".sentence"
	if !m.words.Has(key) {
		s := finish(clean(f.Sentence()))
		if fault.Lookup(f.Code).Sentence == "" {
			s = finish(clean(f.Detail))
		}
		if s == "" {
			s = m.text("window.unknown", fill("code", clean(string(f.Code))))
		}
		return s
	}
	s := finish(m.words.Text(key))
	if slices.Contains(quoted, f.Code) && f.Detail != "" {
		s = m.text("window.because", fill("what", strings.TrimRight(s, ".。")), fill("why", finish(clean(f.Detail))))
	}
	return s
}

// advise is what to do about it; "" where nothing is known. The hint for who has a window comes before that for the command line.
func (m Model) advise(f *fault.Error) string {
	for _, kind := range []string{".window", ".hint"} {
		if key := "fault." + string(f.Code) + kind; m.words.Has(key) {
			return finish(m.forUser(m.words.Text(key)))
		}
	}
	var all []string
	for _, h := range f.AllHints() {
		if h = finish(clean(h)); h != "" && len(all) < 3 {
			all = append(all, h)
		}
	}
	return m.forUser(strings.Join(all, "\n"))
}

// forUser puts the person's name into a command for an administrator.
func (m Model) forUser(hint string) string {
	name := m.self.User
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return hint
	}
	return strings.ReplaceAll(hint, "USER", name)
}

// failure is what the agent sent of one.
func failure(e *ipc.Error) *fault.Error {
	if e == nil || e.Code == "" && e.Message == "" {
		return nil
	}
	f := e.Fault()
	f.Code = fault.Code(clean(string(f.Code)))
	return f
}
