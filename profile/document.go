package profile

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Document is an XML document as its author wrote it: comments, white space, the order of attributes, name spaces and elements that nobody defined included. What is not
// set stays as it is, byte for byte; a document that was not changed is returned as it came.
type Document struct {
	raw     []byte // as it came
	text    []byte // decoded
	coding  coding
	root    *node
	changed bool
}

// ReadDocument reads a document whose root element has that name, within the bounds of this package. The error is a *fault.Error PROF-001.
func ReadDocument(data []byte, root string) (*Document, []Warning, error) {
	var warn warnings
	d, err := readDocument(data, root, &warn)
	if err != nil {
		return nil, warn.all(), invalid(err)
	}
	return d, warn.all(), nil
}

func readDocument(data []byte, root string, warn *warnings) (*Document, error) {
	if len(data) > MaxSize {
		return nil, ErrTooBig
	}
	text, coding, err := decode(data)
	if err != nil {
		return nil, err
	}
	if coding == latin1 {
		warn.add(0, "", "neither UTF-8 nor UTF-16: read as ISO 8859-1")
	}
	d := &Document{raw: data, text: text, coding: coding}
	if d.root, err = readTree(text, warn); err != nil {
		return nil, err
	}
	if d.root.name != root {
		return nil, fmt.Errorf("line %d: %w but %s", d.root.line, notA(root), d.root.name)
	}
	return d, nil
}

// notA is the error for another kind of document.
func notA(root string) error {
	switch root {
	case policyRoot:
		return ErrNotPolicy
	case preferencesRoot:
		return ErrNotPreferences
	}
	return ErrNotProfile
}

// invalid is err as PROF-001. Its detail begins with the line where there is one.
func invalid(err error) error {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return fault.Newf(fault.ProfInvalid, err, "line %d: %s", syntax.Line, fault.Clean(syntax.Msg))
	}
	return fault.Newf(fault.ProfInvalid, err, "%v", err)
}

// Bytes is the document. The caller does not change it.
func (d *Document) Bytes() []byte {
	if !d.changed {
		return d.raw
	}
	return d.coding.encode(d.raw, d.text)
}

// Get returns the text of the element at path, from below the root: names joined by a slash, "[2]" after the second of a name.
func (d *Document) Get(path string) (string, bool) {
	n, rest := d.find(path)
	if rest != "" {
		return "", false
	}
	return n.text, true
}

// ErrPath is returned by Set for a path that no element can have.
var ErrPath = errors.New("this is no path of an element")

var pathPart = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// Set changes the text of the element at path and nothing else; what is missing on the way there is added behind its siblings. Setting what is there already changes
// nothing.
func (d *Document) Set(path, text string) error {
	n, rest := d.find(path)
	if rest == "" && n.text == text {
		return nil
	}
	if text != clean(text) {
		return fmt.Errorf("%w: the text is not one clean line", ErrPath)
	}
	if rest != "" {
		for _, part := range strings.Split(rest, "/") {
			if !pathPart.MatchString(part) {
				return fmt.Errorf("%w: %q", ErrPath, part)
			}
		}
		return d.add(n, strings.Split(rest, "/"), text)
	}
	return d.put(n, escape(text))
}

// Remove takes the element at path out, and the white space before it. One that is not there is gone already.
func (d *Document) Remove(path string) error {
	n, rest := d.find(path)
	if rest != "" {
		return nil
	}
	if n == d.root {
		return ErrPath
	}
	from, to := n.tag.from, max(n.end.to, n.tag.to)
	for from > 0 && bytes.IndexByte([]byte(" \t\r\n"), d.text[from-1]) >= 0 {
		from--
	}
	return d.splice(span{from, to}, "")
}

// find goes down as far as the path leads and returns what of it is left. Of several of one name without a number the last counts, as in parsing.
func (d *Document) find(path string) (*node, string) {
	n := d.root
	for path != "" {
		part, rest, _ := strings.Cut(path, "/")
		name, number, _ := strings.Cut(strings.TrimSuffix(part, "]"), "[")
		next := n.child(name)
		if i, err := strconv.Atoi(number); err == nil {
			next = n.nth(name, i)
		}
		if next == nil {
			return n, path
		}
		n, path = next, rest
	}
	return n, ""
}

// nth returns the i-th child of that name, from 1, or nil.
func (n *node) nth(name string, i int) *node {
	for _, k := range n.kids {
		if k.name == name {
			if i--; i == 0 {
				return k
			}
		}
	}
	return nil
}

// put makes markup the own text of n: where its first piece is, the others go.
func (d *Document) put(n *node, markup string) error {
	if n.end.from == n.end.to { // <a/>
		tag := string(d.text[n.tag.from:n.tag.to])
		return d.splice(n.tag, strings.TrimRight(strings.TrimSuffix(tag, "/>"), " \t\r\n")+">"+markup+"</"+rawName(tag)+">")
	}
	if len(n.runs) == 0 {
		return d.splice(span{n.tag.to, n.tag.to}, markup)
	}
	for i := len(n.runs) - 1; i > 0; i-- { // from the back: the places before stay where they are
		piece := n.runs[i]
		if err := d.splice(piece, ""); err != nil {
			return err
		}
	}
	return d.splice(n.runs[0], markup)
}

// add writes new elements, one in the other, as the last child of n, indented as its siblings are.
func (d *Document) add(n *node, names []string, text string) error {
	prefix, _, ok := strings.Cut(rawName(string(d.text[n.tag.from:n.tag.to])), ":")
	if !ok {
		prefix = ""
	} else {
		prefix += ":"
	}
	markup := escape(text)
	for i := len(names) - 1; i >= 0; i-- {
		markup = "<" + prefix + names[i] + ">" + markup + "</" + prefix + names[i] + ">"
	}
	if n.end.from == n.end.to {
		return d.put(n, markup)
	}
	at := n.tag.to
	if len(n.kids) > 0 {
		last := n.kids[len(n.kids)-1]
		at = max(last.end.to, last.tag.to)
		markup = string(d.indent(last.tag.from)) + markup
	} else if len(n.runs) > 0 {
		at = n.runs[len(n.runs)-1].to
	} else if rest := d.text[at:n.end.from]; bytes.IndexByte(rest, '\n') >= 0 {
		markup = string(rest) + markup // the end tag stays on a line of its own
	}
	return d.splice(span{at, at}, markup)
}

// indent is the white space from the end of the line before to there.
func (d *Document) indent(to int) []byte {
	from := to
	for from > 0 && (d.text[from-1] == ' ' || d.text[from-1] == '\t') {
		from--
	}
	if from == 0 || d.text[from-1] != '\n' {
		return nil
	}
	from--
	if from > 0 && d.text[from-1] == '\r' {
		from--
	}
	return d.text[from:to]
}

// splice replaces a piece and reads the document again, so that every place is right for the next change.
func (d *Document) splice(s span, with string) error {
	text := make([]byte, 0, len(d.text)+len(with))
	text = append(append(append(text, d.text[:s.from]...), with...), d.text[s.to:]...)
	if len(text) > MaxSize {
		return ErrTooBig
	}
	root, err := readTree(text, &warnings{})
	if err != nil {
		return err
	}
	d.text, d.root, d.changed = text, root, true
	return nil
}

// rawName is a start tag's name with its prefix.
func rawName(tag string) string {
	name := strings.TrimPrefix(tag, "<")
	if i := strings.IndexAny(name, " \t\r\n/>"); i >= 0 {
		name = name[:i]
	}
	return name
}

// escape is text as the content of an element.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}
