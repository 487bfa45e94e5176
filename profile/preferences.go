package profile

import (
	"fmt"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

const (
	preferencesRoot = "AnyConnectPreferences"
	controllable    = "ControllablePreferences"
	// emptyPreferences has the shape of Cisco's file.
	emptyPreferences = `<?xml version="1.0" encoding="UTF-8"?>
<AnyConnectPreferences>
<ControllablePreferences>
</ControllablePreferences>
</AnyConnectPreferences>
`
)

// Preferences is what a user, or an administrator for all users, has chosen where profiles leave it to them. A nil Preferences has chosen nothing. It is a document of
// the shape of Cisco's preferences.xml; what else stands in it is kept.
type Preferences struct {
	Origin string // OriginUser or OriginGlobal

	doc    *Document
	values map[string]string // by Element.Path, canonical
}

// ParsePreferences reads preferences; no data is a document without any. Values that cannot be used, and those of elements that are never a user's, are warnings. The
// error is a *fault.Error PROF-001.
func ParsePreferences(data []byte, origin string) (*Preferences, []Warning, error) {
	if len(data) == 0 {
		data = []byte(emptyPreferences)
	}
	var warn warnings
	doc, err := readDocument(data, preferencesRoot, &warn)
	if err != nil {
		return nil, warn.all(), invalid(err)
	}
	p := &Preferences{Origin: origin, doc: doc}
	p.read(&warn)
	return p, warn.all(), nil
}

func (p *Preferences) read(warn *warnings) {
	p.values = map[string]string{}
	if list := p.doc.root.child(controllable); list != nil {
		p.list(list, "", warn)
	}
}

func (p *Preferences) list(parent *node, at string, warn *warnings) {
	for _, n := range parent.kids {
		path := join(at, n.name)
		e, known := byPath[path]
		if !known || !e.row() {
			warn.addUnknown(n, join(controllable, path))
			continue
		}
		if text := clean(n.text); text != "" {
			canonical, ok := e.canonical(text)
			switch {
			case e.Control == Fixed:
				warn.add(n.line, join(controllable, path), "not a user's to choose; without effect")
			case !ok:
				warn.add(n.line, join(controllable, path), "%q is not a value of this element (%s); without effect", text, e.Values())
			default:
				p.values[path] = canonical
			}
		}
		p.list(n, path, warn)
	}
}

// Set chooses a value. Whether a profile leaves it to the user is for the caller to ask: see Effective. The error is a *fault.Error USE-001.
func (p *Preferences) Set(e Element, text string) error {
	if e.Control == Fixed {
		return fault.Newf(fault.UseBad, nil, "%s is not a user's to choose", e.Name())
	}
	text, err := e.Check(text)
	if err != nil {
		return err
	}
	return p.put(e, text)
}

// Reset takes a choice back.
func (p *Preferences) Reset(e Element) error {
	path := join(controllable, e.Path)
	n, rest := p.doc.find(path)
	if rest != "" {
		return nil
	}
	if len(n.kids) > 0 { // it holds other choices
		return p.put(e, "")
	}
	if err := p.doc.Remove(path); err != nil {
		return fault.Newf(fault.Internal, err, "preferences")
	}
	p.read(&warnings{})
	return nil
}

func (p *Preferences) put(e Element, text string) error {
	if err := p.doc.Set(join(controllable, e.Path), text); err != nil {
		return fault.Newf(fault.Internal, fmt.Errorf("preferences: %w", err), "")
	}
	p.read(&warnings{})
	return nil
}

// Choice is one value that was chosen.
type Choice struct{ Name, Value string }

// Choices lists what was chosen and can be used, in the order of the schema.
func (p *Preferences) Choices() []Choice {
	var list []Choice
	for _, e := range elements {
		if v, ok := p.values[e.Path]; ok {
			list = append(list, Choice{e.Name(), v})
		}
	}
	return list
}

// Bytes is the document.
func (p *Preferences) Bytes() []byte { return p.doc.Bytes() }

// into makes a choice the row's value.
func (p *Preferences) into(r *Row, e Element) {
	if p == nil {
		return
	}
	if text, ok := p.values[e.Path]; ok {
		r.Value, r.Origin = text, p.Origin
	}
}
