package profile

import (
	"fmt"
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

const (
	profileRoot = "AnyConnectProfile"
	clientInit  = "ClientInitialization"
)

// Parse reads one profile. The error is a *fault.Error PROF-001 that wraps one of this package's Err values or the decoder's; it means that nothing of the document is
// used. Everything less is a Warning.
func Parse(data []byte) (*Profile, []Warning, error) {
	var warn warnings
	p, err := parse(data, &warn)
	if err != nil {
		return nil, warn.all(), invalid(err)
	}
	return p, warn.all(), nil
}

func parse(data []byte, warn *warnings) (*Profile, error) {
	doc, err := readDocument(data, profileRoot, warn)
	if err != nil {
		return nil, err
	}
	root := doc.root
	p := &Profile{values: map[string]value{}, raw: data}
	dropDuplicates(root, "", warn)
	for _, n := range root.kids {
		switch n.name {
		case clientInit:
			p.settings(n, "", warn)
		case "ServerList":
			// Hosts need the global backup servers and pins, which may come after them.
		default:
			warn.addUnknown(n, n.name)
			p.detail(n, "", n.name, warn)
		}
	}
	init := root.child(clientInit)
	p.backups = serverList(init.child(backups), clientInit+"/"+backups, warn)
	p.pins = pinList(init.child(pinning).child("CertificatePinList"))
	if err := p.hosts(root.child("ServerList"), warn); err != nil {
		return nil, err
	}
	return p, nil
}

// dropDuplicates leaves the last of the elements that the schema allows once.
func dropDuplicates(n *node, path string, warn *warnings) {
	last := make(map[string]*node, len(n.kids))
	for _, k := range n.kids {
		if !repeats(k.name) && last[k.name] != nil {
			warn.add(k.line, join(path, k.name), "stands there twice; the last one counts")
		}
		last[k.name] = k
	}
	kept := n.kids[:0]
	for _, k := range n.kids {
		if repeats(k.name) || last[k.name] == k {
			dropDuplicates(k, join(path, k.name), warn)
			kept = append(kept, k)
		}
	}
	n.kids = kept
}

// repeats reports whether the schema lets an element of that name stand several times under one parent, wherever it lets it stand.
func repeats(name string) bool { return repeating[name] }

var repeating = func() map[string]bool {
	m := map[string]bool{}
	for _, e := range Elements() {
		if e.Many {
			m[e.Name()] = true
		}
	}
	return m
}()

// settings reads the children of ClientInitialization, or of one of its elements; path is that element's in the table.
func (p *Profile) settings(parent *node, path string, warn *warnings) {
	for _, n := range parent.kids {
		at := join(path, n.name)
		e, known := byPath[at]
		switch {
		case at == "AutoReconnectBehavior": // hand-written profiles have it beside AutoReconnect
			if parent.child("AutoReconnect").child("AutoReconnectBehavior") == nil {
				p.set(byPath[suspend], n, warn)
			} else {
				warn.add(n.line, join(clientInit, at), "stands beside AutoReconnect and inside it; the one inside counts")
			}
		case !known, at == blockUntrusted:
			warn.addUnknown(n, join(clientInit, at))
			p.detail(n, "", join(clientInit, at), warn)
		case at == backups: // see serverList
		case e.row():
			p.set(e, n, warn)
			p.settings(n, at, warn)
		default:
			p.detail(n, at, join(clientInit, at), warn)
		}
	}
}

// set takes the element's text. An empty one is the default without a word: templates are full of them.
func (p *Profile) set(e Element, n *node, warn *warnings) {
	path := join(clientInit, e.Path)
	v := value{text: e.Default, user: e.Control == User}
	if uc, ok := n.attr("UserControllable"); ok {
		text, isBool := (Element{}).canonical(uc)
		switch {
		case !isBool:
			warn.add(n.line, path, "UserControllable is neither true nor false; it stays %t", v.user)
		case e.Control != Fixed:
			v.user = text == "true"
		case text == "true":
			warn.add(n.line, path, "the schema never leaves this element to the user; UserControllable has no effect")
		}
	}
	if text := clean(n.text); text != "" {
		if canonical, ok := e.canonical(text); ok {
			v.text, v.given = canonical, true
		} else {
			warn.add(n.line, path, "%q is not a value of this element (%s); it stays %s", text, e.Values(), or(e.Default, "empty"))
		}
	}
	p.values[e.Path] = v
}

// detail remembers n and what is in it, and checks what the table knows; schema is its path in the table, empty for what nobody defined.
func (p *Profile) detail(n *node, schema, shown string, warn *warnings) {
	e, known := byPath[schema]
	text := clean(n.text)
	if known && text != "" && e.Type != Group {
		if canonical, ok := e.canonical(text); ok {
			text = canonical
		} else {
			warn.add(n.line, shown, "%q is not a value of this element (%s)", text, e.Values())
		}
	}
	if text != "" || len(n.kids) == 0 && len(n.attrs) == 0 {
		p.Details = append(p.Details, Detail{Path: shown, Text: text, Line: n.line, Status: e.Status})
	}
	if known {
		p.attributes(n, e, shown, warn)
	}
	seen := make(map[string]int, len(n.kids))
	for _, k := range n.kids {
		at := join(shown, k.name)
		if seen[k.name]++; seen[k.name] > 1 {
			at = fmt.Sprintf("%s[%d]", at, seen[k.name])
		}
		below := join(schema, k.name)
		if _, ok := byPath[below]; !known || !ok {
			below = ""
			if known {
				warn.addUnknown(k, at)
			}
		}
		p.detail(k, below, at, warn)
	}
}

// attributes remembers the attributes that the table knows.
func (p *Profile) attributes(n *node, e Element, shown string, warn *warnings) {
	for _, a := range e.Attrs {
		text, ok := n.attr(a.Name)
		if !ok {
			continue
		}
		text = fault.Clean(text)
		if canonical, ok := a.canonical(text); ok {
			text = canonical
		} else if text != "" {
			warn.add(n.line, shown+"/@"+a.Name, "%q is not a value of this attribute (%s)", text, a.Values())
		}
		p.Details = append(p.Details, Detail{Path: shown + "/@" + a.Name, Text: text, Line: n.line, Status: e.Status})
	}
}

// clean is fault.Clean for each item of a list, which may be long.
func clean(text string) string {
	items := strings.Split(text, ",")
	for i, item := range items {
		items[i] = fault.Clean(item)
		if i > 0 && items[i] != "" && strings.IndexByte(white, item[0]) >= 0 {
			items[i] = " " + items[i]
		}
	}
	return strings.Join(items, ",")
}

func join(path, name string) string { return strings.TrimPrefix(path+"/"+name, "/") }

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
