package profile

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// The bounds. The largest real profiles have a few hundred hosts in half a megabyte.
const (
	MaxSize     = 4 << 20 // bytes of one profile
	maxDepth    = 24
	maxElements = 40_000
	maxHosts    = 2_000
	maxWarnings = 100
	maxBackups  = 32  // of one list
	maxPins     = 256 // of one list
)

// Why Parse refuses a document.
var (
	ErrTooBig         = errors.New("the profile is larger than 4 MiB")
	ErrTooDeep        = errors.New("the profile's elements are nested too deep")
	ErrTooMany        = errors.New("the profile has too many elements or hosts")
	ErrDTD            = errors.New("a profile must not have a document type or declare entities")
	ErrNotProfile     = errors.New("the document's root is not AnyConnectProfile")
	ErrNotPolicy      = errors.New("the document's root is not AnyConnectLocalPolicy")
	ErrNotPreferences = errors.New("the document's root is not AnyConnectPreferences")
)

// errEmpty is a document without an element.
var errEmpty = fmt.Errorf("%w: it is empty", ErrNotProfile)

// node is one element: its local name, its own text trimmed of white space, what is inside, and where in the document all that stands.
type node struct {
	name  string
	attrs []xml.Attr
	text  string
	line  int
	kids  []*node
	tag   span   // the start tag
	end   span   // the end tag; empty in <a/>
	runs  []span // the pieces of its own text that are not only white space
}

// span is a piece of the decoded document, in bytes.
type span struct{ from, to int }

// child returns the last child of that name, as duplicates are resolved, or nil.
func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	for i := len(n.kids) - 1; i >= 0; i-- {
		if n.kids[i].name == name {
			return n.kids[i]
		}
	}
	return nil
}

// attr returns the attribute's value by its local name.
func (n *node) attr(name string) (string, bool) {
	for _, a := range n.attrs {
		if a.Name.Local == name {
			return strings.TrimSpace(a.Value), true
		}
	}
	return "", false
}

// readTree reads the document's one root element. What follows it is ignored with a warning.
func readTree(text []byte, warn *warnings) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	// The text is UTF-8 by now, whatever the prolog still says.
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	r := reader{d: d, source: text}
	for {
		at := d.InputOffset()
		tok, err := d.Token()
		line, _ := d.InputPos()
		switch {
		case err == io.EOF && r.root != nil:
			return r.root, nil
		case err != nil && r.root != nil && len(r.open) == 0:
			warn.add(line, "", "what follows the end of the profile is not XML and is ignored")
			return r.root, nil
		case err == io.EOF:
			return nil, errEmpty
		case err != nil:
			return nil, err
		}
		if err := r.take(tok, line, span{int(at), int(d.InputOffset())}, warn); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// reader is the state of readTree: the elements that are open, each with the text seen so far.
type reader struct {
	d      *xml.Decoder
	source []byte
	root   *node
	open   []*node
	texts  [][]byte
	count  int
}

func (r *reader) take(tok xml.Token, line int, at span, warn *warnings) error {
	switch t := tok.(type) {
	case xml.Directive:
		return ErrDTD
	case xml.StartElement:
		if r.root != nil && len(r.open) == 0 {
			warn.add(line, "", "a second document follows the profile and is ignored")
			return r.d.Skip()
		}
		if r.count++; r.count > maxElements {
			return ErrTooMany
		}
		if len(r.open) == maxDepth {
			return ErrTooDeep
		}
		n := &node{name: fault.Clean(t.Name.Local), attrs: t.Attr, line: line, tag: at}
		if r.root == nil {
			r.root = n
		} else {
			parent := r.open[len(r.open)-1]
			parent.kids = append(parent.kids, n)
		}
		r.open = append(r.open, n)
		r.texts = append(r.texts, nil)
	case xml.EndElement:
		last := len(r.open) - 1
		r.open[last].text = strings.TrimSpace(string(r.texts[last]))
		r.open[last].end = at
		r.open, r.texts = r.open[:last], r.texts[:last]
	case xml.CharData:
		if last := len(r.open) - 1; last >= 0 {
			r.texts[last] = append(r.texts[last], t...)
			if at = at.trim(r.source); at.from < at.to {
				r.open[last].runs = append(r.open[last].runs, at)
			}
		}
	}
	return nil
}

// trim leaves out the white space at both ends.
func (s span) trim(source []byte) span {
	piece := source[s.from:s.to]
	s.to = s.from + len(bytes.TrimRight(piece, " \t\r\n"))
	s.from += len(piece) - len(bytes.TrimLeft(piece, " \t\r\n"))
	return span{s.from, max(s.from, s.to)}
}
