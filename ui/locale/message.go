package locale

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// message is one text, taken apart once so that what fills it is never read again: a list of pieces for each plural form that it has, only plural.Other where it has none.
type message struct {
	by    string // the placeholder whose number chooses the form; "" where there is one form
	forms map[plural.Form][]piece
}

// piece is a stretch of text, or the name of a placeholder.
type piece struct{ text, name string }

// forms are the names of plural forms in a file.
var forms = map[string]plural.Form{
	"other": plural.Other, "zero": plural.Zero, "one": plural.One, "two": plural.Two, "few": plural.Few, "many": plural.Many,
}

// UnmarshalJSON reads a string, or an object of strings by plural form with "by".
func (m *message) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err == nil && raw[0] == '"' {
		pieces, err := split(text)
		m.forms = map[plural.Form][]piece{plural.Other: pieces}
		return err
	}
	var texts map[string]string
	if err := json.Unmarshal(raw, &texts); err != nil {
		return errors.New("neither a text nor texts by plural form")
	}
	m.by, m.forms = texts["by"], map[plural.Form][]piece{}
	delete(texts, "by")
	for name, text := range texts {
		form, ok := forms[name]
		if !ok {
			return fmt.Errorf("no plural form is called %q", name)
		}
		pieces, err := split(text)
		if err != nil {
			return err
		}
		m.forms[form] = pieces
	}
	if m.by == "" || m.forms[plural.Other] == nil {
		return errors.New(`a plural needs "by" and "other"`)
	}
	return nil
}

// split takes a text apart at its placeholders. A brace that is none of a placeholder's is an error.
func split(text string) ([]piece, error) {
	pieces := []piece{}
	for text != "" {
		before, rest, found := strings.Cut(text, "{")
		if strings.Contains(before, "}") {
			return nil, fmt.Errorf("a stray } in %q", text)
		}
		if before != "" {
			pieces = append(pieces, piece{text: before})
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed || name == "" || strings.ContainsAny(name, "{ ") {
			return nil, fmt.Errorf("a stray { in %q", text)
		}
		pieces, text = append(pieces, piece{name: name}), after
	}
	return pieces, nil
}

// fill puts the text together for these arguments. A placeholder that nobody fills stays as it is, to be seen.
func (m *message) fill(w *Words, args []Arg) string {
	var b strings.Builder
	for _, p := range m.forms[m.form(w.tag, args)] {
		if p.name == "" {
			b.WriteString(p.text)
			continue
		}
		text := "{" + p.name + "}"
		for _, a := range args {
			if a.Name == p.name {
				text = w.value(a.Value)
			}
		}
		b.WriteString(text)
	}
	return b.String()
}

// form is the plural form for these arguments.
func (m *message) form(tag language.Tag, args []Arg) plural.Form {
	if m.by == "" {
		return plural.Other
	}
	for _, a := range args {
		n, ok := integer(a.Value)
		if a.Name != m.by || !ok {
			continue
		}
		if n < 0 {
			n = -n
		}
		// The rules of our languages look at the number itself and at its last digits, never past a million.
		if f := plural.Cardinal.MatchPlural(tag, int(n%10_000_000), 0, 0, 0, 0); m.forms[f] != nil {
			return f
		}
	}
	return plural.Other
}

// integer is the value as a number, where it is a whole one.
func integer(v any) (int64, bool) {
	switch n := v.(type) {
	case int:
		return int64(n), true
	case int32:
		return int64(n), true
	case int64:
		return n, true
	case uint:
		return int64(min(n, 1<<63-1)), true
	case uint32:
		return int64(n), true
	case uint64:
		return int64(min(n, 1<<63-1)), true
	}
	return 0, false
}
