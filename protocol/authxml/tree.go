package authxml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// Bounds of one document. A real one has a few dozen elements, six levels deep.
const (
	// MaxSize is the largest document in bytes.
	MaxSize = 1 << 20

	maxDepth    = 32
	maxElements = 4096
)

// node is one element of a document. text is the character data directly in it, as it came.
type node struct {
	name     string
	attrs    []xml.Attr
	text     []byte
	children []*node
	raw      []byte // the element's own bytes, from its start tag to its end tag
}

// attr returns an attribute's value and whether it is there. The first of equal names counts.
func (n *node) attr(name string) (string, bool) {
	for _, a := range n.attrs {
		if a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

// get is attr without the second value.
func (n *node) get(name string) string {
	v, _ := n.attr(name)
	return v
}

// flag reports whether an attribute says yes, in the two spellings gateways use.
func (n *node) flag(name string) bool {
	v := n.get(name)
	return v == "1" || strings.EqualFold(v, "true")
}

// child returns the first child of that name, nil if there is none.
func (n *node) child(name string) *node {
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// trimmed is the element's text without the space around it; "" for nil.
func (n *node) trimmed() string {
	if n == nil {
		return ""
	}
	return string(bytes.TrimSpace(n.text))
}

// parseTree reads one document. encoding/xml's own errors quote what they read, so they are replaced, never wrapped.
func parseTree(doc []byte) (*node, error) {
	if len(doc) > MaxSize {
		return nil, ErrTooMuch
	}
	doc = bytes.TrimSpace(bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf")))
	if len(doc) == 0 || doc[0] != '<' {
		return nil, ErrNotXML
	}
	if looksHTML(doc) {
		return nil, ErrHTML
	}
	b := builder{doc: doc, dec: xml.NewDecoder(bytes.NewReader(doc))}
	for {
		before := b.dec.InputOffset()
		tok, err := b.dec.Token()
		switch {
		case errors.Is(err, io.EOF) && b.root != nil:
			return b.root, nil
		case err != nil:
			return nil, ErrMalformed
		}
		if err := b.add(tok, before); err != nil {
			return nil, err
		}
	}
}

// builder turns tokens into nodes and counts them.
type builder struct {
	doc      []byte
	dec      *xml.Decoder
	root     *node
	open     []*node
	starts   []int64 // where each open element began
	elements int
}

// add takes one token that began at byte offset before.
func (b *builder) add(tok xml.Token, before int64) error {
	switch t := tok.(type) {
	case xml.StartElement:
		return b.start(t, before)
	case xml.EndElement:
		last := len(b.open) - 1
		b.open[last].raw = b.doc[b.starts[last]:b.dec.InputOffset()]
		b.open, b.starts = b.open[:last], b.starts[:last]
	case xml.CharData:
		if len(b.open) > 0 {
			n := b.open[len(b.open)-1]
			n.text = append(n.text, t...)
		} else if len(bytes.TrimSpace(t)) > 0 {
			return ErrMalformed
		}
	case xml.Directive:
		if f := strings.Fields(strings.ToLower(string(t[:min(len(t), 64)]))); len(f) > 1 && f[0] == "doctype" && strings.HasPrefix(f[1], "html") {
			return ErrHTML
		}
		return ErrDTD
	}
	return nil
}

// start opens an element.
func (b *builder) start(t xml.StartElement, before int64) error {
	b.elements++
	if b.elements > maxElements || len(b.open) == maxDepth {
		return ErrTooMuch
	}
	n := &node{name: t.Name.Local, attrs: t.Attr}
	if len(b.open) > 0 {
		parent := b.open[len(b.open)-1]
		parent.children = append(parent.children, n)
	} else {
		if b.root != nil {
			return ErrMalformed
		}
		if strings.EqualFold(n.name, "html") {
			return ErrHTML
		}
		b.root = n
	}
	b.open, b.starts = append(b.open, n), append(b.starts, before)
	return nil
}

// looksHTML recognises a web page before it is parsed: most are no XML.
func looksHTML(doc []byte) bool {
	head := strings.ToLower(string(doc[:min(len(doc), 1024)]))
	for strings.HasPrefix(head, "<!--") {
		_, rest, found := strings.Cut(head, "-->")
		if !found {
			return false
		}
		head = strings.TrimSpace(rest)
	}
	for _, p := range []string{"<html", "<!doctype html", "<head", "<body", "<script", "<meta"} {
		if strings.HasPrefix(head, p) {
			return true
		}
	}
	return false
}
