package profile

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Type is the type of an element's or attribute's text.
type Type uint8

const (
	Bool  Type = iota
	Enum       // one of Element.Allowed
	Int        // Element.Min to Element.Max
	Text       // free text, lists included
	Group      // only its children count
	Hash       // a SHA-512 in base64 or hex
)

// String is the type as docs/compatibility.md has it.
func (t Type) String() string {
	return [...]string{"bool", "one of", "number", "text", "group", "SHA-512"}[t]
}

// Control says what the schema knows of an element's attribute UserControllable.
type Control uint8

const (
	Fixed      Control = iota // the schema has no such attribute: never the user's to change
	Administer                // the user's only where a profile says so
	User                      // the user's unless a profile says otherwise
)

// Status says what this version makes of an element.
type Status uint8

const (
	NotYet   Status = iota // understood and kept, without effect
	Honoured               // in force
	Ignored                // left out by design
)

// String is the word `profile show` prints.
func (s Status) String() string { return [...]string{"not yet", "honoured", "ignored"}[s] }

// Element describes one element of a profile, or of a local policy.
type Element struct {
	Path    string // parts joined by a slash, below ClientInitialization; those of a host begin with HostEntry
	Type    Type
	Allowed []string // of an Enum
	Min     int      // of an Int
	Max     int
	Default string // where the document does not have the element
	Control Control
	Status  Status
	Note    string // how it is honoured, why it is ignored, or what it waits for
	Many    bool   // may stand several times under its parent
	Attrs   []Attr // besides UserControllable
}

// Attr is an attribute of an element: its name, and its type as that of an element.
type Attr struct {
	Name string
	Element
}

// Name is the element's own name.
func (e Element) Name() string { return e.Path[strings.LastIndexByte(e.Path, '/')+1:] }

// Values is what an element can be, for a person.
func (e Element) Values() string {
	switch e.Type {
	case Bool:
		return "true or false"
	case Enum:
		last, between := len(e.Allowed)-1, ", "
		if strings.Contains(e.Allowed[last], ",") {
			between = "; "
		}
		return strings.Join(e.Allowed[:last], between) + " or " + e.Allowed[last]
	case Int:
		if e.Max == maxCount {
			return "a number"
		}
		return strconv.Itoa(e.Min) + " to " + strconv.Itoa(e.Max)
	case Hash:
		return "the SHA-512 of a public key in base64 or hex"
	}
	return "text"
}

// canonical returns the text as the schema writes it, and false where it is no value of this element.
func (e Element) canonical(text string) (string, bool) {
	switch e.Type {
	case Bool:
		switch strings.ToLower(text) {
		case "true", "1", "yes":
			return "true", true
		case "false", "0", "no":
			return "false", true
		}
		return "", false
	case Enum:
		packed := strings.ReplaceAll(text, " ", "") // "IPv4, IPv6"
		for _, a := range e.Allowed {
			if strings.EqualFold(a, packed) {
				return a, true
			}
		}
		return "", false
	case Int:
		n, err := strconv.Atoi(text)
		return strconv.Itoa(n), err == nil && n >= e.Min && n <= e.Max
	case Hash:
		h, ok := sha512Of(text)
		return hex.EncodeToString(h[:]), ok
	}
	return text, true
}

// Check returns the text as the schema writes it. The error is a *fault.Error USE-001 that says what the element can be.
func (e Element) Check(text string) (string, error) {
	if len(text) > maxText || text != clean(text) {
		return "", fault.Newf(fault.UseBad, nil, "the value of %s is too long or not one line", e.Name())
	}
	v, ok := e.canonical(text)
	if !ok {
		return "", fault.Newf(fault.UseBad, nil, "%s cannot be %q: it is %s", e.Name(), text, e.Values())
	}
	return v, nil
}

// maxText bounds the text of one preference, in bytes.
const maxText = 1024

// sha512Of reads a SHA-512 as people write one.
func sha512Of(text string) (h [64]byte, ok bool) {
	packed := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n:", r) {
			return -1
		}
		return r
	}, text)
	b, err := hex.DecodeString(packed)
	if err != nil || len(b) != len(h) {
		b, err = base64.StdEncoding.DecodeString(packed)
	}
	if err != nil || len(b) != len(h) {
		return h, false
	}
	return [64]byte(b), true
}

// Elements returns the table of what stands in a profile, in the order of the schema: ClientInitialization, then HostEntry. Names, types and defaults are those of the
// public schema and of profiles in the field. The caller may keep the slice.
func Elements() []Element { return append(append([]Element(nil), elements...), hostElements...) }

// Lookup finds an element that a user can name: by its path or, where that is enough, its own name, case aside.
func Lookup(name string) (Element, bool) {
	for _, e := range elements {
		if strings.EqualFold(e.Path, name) || e.row() && strings.EqualFold(e.Name(), name) {
			return e, true
		}
	}
	return Element{}, false
}

// row reports whether the element has a value also where no profile gives one: it is no list and stands in none.
func (e Element) row() bool {
	for path := e.Path; ; {
		if p := byPath[path]; p.Type == Group || p.Many {
			return false
		}
		i := strings.LastIndexByte(path, '/')
		if i < 0 {
			return true
		}
		path = path[:i]
	}
}

// byPath finds what stands in a profile.
var byPath = index(elements, hostElements)

func index(tables ...[]Element) map[string]Element {
	m := map[string]Element{}
	for _, t := range tables {
		for _, e := range t {
			m[e.Path] = e
		}
	}
	return m
}
