package profile

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

const clientInit = "ClientInitialization"

// Parse reads one profile. The error is a *fault.Error PROF-001 that wraps one of this package's Err values or the decoder's; it means that nothing of the document is
// used. Everything less is a Warning.
func Parse(data []byte) (*Profile, []Warning, error) {
	p, w, err := parse(data)
	if err != nil {
		var syntax *xml.SyntaxError
		if errors.As(err, &syntax) {
			return nil, w, fault.Newf(fault.ProfInvalid, err, "line %d: %s", syntax.Line, syntax.Msg)
		}
		return nil, w, fault.Newf(fault.ProfInvalid, err, "%v", err)
	}
	return p, w, nil
}

func parse(data []byte) (*Profile, []Warning, error) {
	if len(data) > MaxSize {
		return nil, nil, ErrTooBig
	}
	text, latin1, err := decode(data)
	if err != nil {
		return nil, nil, err
	}
	var warn warnings
	if latin1 {
		warn.add(0, "", "neither UTF-8 nor UTF-16: read as ISO 8859-1")
	}
	root, err := readTree(text, &warn)
	if err != nil {
		return nil, warn.all(), err
	}
	if root.name != "AnyConnectProfile" {
		return nil, warn.all(), fmt.Errorf("line %d: %w but %s", root.line, ErrNotProfile, root.name)
	}
	p := &Profile{values: map[string]value{}}
	dropDuplicates(root, "", &warn)
	for _, n := range root.kids {
		switch n.name {
		case clientInit:
			p.settings(n, "", &warn)
		case "ServerList":
			// Hosts need the global backup servers, which may come after them.
		default:
			warn.addUnknown(n, n.name)
			p.keep(n, n.name)
		}
	}
	p.backups = serverList(root.child(clientInit).child("BackupServerList"), "BackupServerList", &warn)
	if err := p.hosts(root.child("ServerList"), &warn); err != nil {
		return nil, warn.all(), err
	}
	return p, warn.all(), nil
}

// dropDuplicates leaves the last of the elements that the schema allows once.
func dropDuplicates(n *node, path string, warn *warnings) {
	last := make(map[string]*node, len(n.kids))
	for _, k := range n.kids {
		if !repeats[k.name] && last[k.name] != nil {
			warn.add(k.line, join(path, k.name), "stands there twice; the last one counts")
		}
		last[k.name] = k
	}
	kept := n.kids[:0]
	for _, k := range n.kids {
		if repeats[k.name] || last[k.name] == k {
			dropDuplicates(k, join(path, k.name), warn)
			kept = append(kept, k)
		}
	}
	n.kids = kept
}

// settings reads the children of ClientInitialization, or of one of its elements; path is that element's in the table.
func (p *Profile) settings(parent *node, path string, warn *warnings) {
	for _, n := range parent.kids {
		at := join(path, n.name)
		e, known := byPath[at]
		if !known && at == "AutoReconnectBehavior" { // hand-written profiles have it beside AutoReconnect
			if parent.child("AutoReconnect").child("AutoReconnectBehavior") == nil {
				p.set(byPath["AutoReconnect/AutoReconnectBehavior"], n, warn)
			} else {
				warn.add(n.line, join(clientInit, at), "stands beside AutoReconnect and inside it; the one inside counts")
			}
			continue
		}
		if !known {
			warn.addUnknown(n, join(clientInit, at))
			p.keep(n, join(clientInit, at))
			continue
		}
		if e.Type != Group {
			p.set(e, n, warn)
		}
		switch {
		case e.opaque && e.Status == Honoured:
		case e.opaque:
			p.keep(n, join(clientInit, at))
		default:
			p.settings(n, at, warn)
		}
	}
}

// set takes the element's text. An empty one is the default without a word: templates are full of them.
func (p *Profile) set(e Element, n *node, warn *warnings) {
	v := value{text: e.Default, userControllable: e.UserControllable}
	if uc, ok := n.attr("UserControllable"); ok {
		if text, ok := (Element{}).canonical(uc); ok {
			v.userControllable = text == "true"
		} else {
			warn.add(n.line, join(clientInit, e.Path), "UserControllable is neither true nor false; it stays %t", e.UserControllable)
		}
	}
	if text := fault.Clean(n.text); text != "" {
		if canonical, ok := e.canonical(text); ok {
			v.text, v.given = canonical, true
		} else {
			warn.add(n.line, join(clientInit, e.Path), "%q is not a value of this element; it stays %s", text, e.Default)
		}
	}
	p.values[e.Path] = v
	if e.Status == NotYet {
		p.Kept = append(p.Kept, Kept{Path: join(clientInit, e.Path), Text: v.text, Line: n.line})
	}
}

// keep remembers n and what is in it.
func (p *Profile) keep(n *node, path string) {
	if text := fault.Clean(n.text); text != "" || len(n.kids) == 0 {
		p.Kept = append(p.Kept, Kept{Path: path, Text: text, Line: n.line})
	}
	seen := make(map[string]int, len(n.kids))
	for _, k := range n.kids {
		at := join(path, k.name)
		if seen[k.name]++; seen[k.name] > 1 {
			at = fmt.Sprintf("%s[%d]", at, seen[k.name])
		}
		p.keep(k, at)
	}
}

func join(path, name string) string { return strings.TrimPrefix(path+"/"+name, "/") }
