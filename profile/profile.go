package profile

import (
	"cmp"
	"fmt"
	"slices"
)

const (
	disconnectOnSuspend  = "DisconnectOnSuspend"
	reconnectAfterResume = "ReconnectAfterResume"
)

// Protocol is a host's PrimaryProtocol.
type Protocol string

const (
	SSL   Protocol = "ssl"
	IPsec Protocol = "ipsec"
)

// Profile is one profile, read and checked. It is not changed after Parse.
type Profile struct {
	File  string // name of the file without its directory; empty from Parse
	Hosts []Host // in the order of the document
	Kept  []Kept // every element that this version does not act on, in the order of the document

	values  map[string]value // by Element.Path
	backups []Target         // the global BackupServerList
}

// Host is one HostEntry.
type Host struct {
	Name     string   // HostName: what the user sees and types
	Target   Target   // HostAddress and UserGroup; without an address the name itself
	Group    string   // UserGroup as written, or the path of the address without its slash; empty for the gateway's default
	Backups  []Target // the host's own list, else the profile's; never the target itself
	Protocol Protocol
	Profile  string // File of the profile
}

// Kept is an element that is understood to be there and has no effect yet.
type Kept struct {
	Path string // from below the root, "[2]" after the second of a name and so on
	Text string // one line, at most 200 characters
	Line int
}

// value is the text of a known element.
type value struct {
	text             string // canonical
	given            bool   // by the profile, not the default for want of a usable text
	userControllable bool
}

// Warning is something in a profile that was passed over, or a file that was.
type Warning struct {
	File string // empty from Parse
	Line int    // 0 where there is none
	Path string // the element, empty where it is the document
	Text string
}

// String is the warning as one line: file:line: element: text.
func (w Warning) String() string {
	s := w.Text
	if w.Path != "" {
		s = w.Path + ": " + s
	}
	if w.Line > 0 {
		s = fmt.Sprintf("line %d: %s", w.Line, s)
	}
	if w.File != "" {
		s = w.File + ": " + s
	}
	return s
}

// warnings collects up to maxWarnings and counts the rest.
type warnings struct {
	list    []Warning
	dropped int
	unknown map[string]bool // names warned about
}

func (w *warnings) add(line int, path, format string, args ...any) {
	if len(w.list) == maxWarnings {
		w.dropped++
		return
	}
	w.list = append(w.list, Warning{Line: line, Path: path, Text: fmt.Sprintf(format, args...)})
}

// addUnknown warns once for each name.
func (w *warnings) addUnknown(n *node, path string) {
	if w.unknown[n.name] {
		return
	}
	if w.unknown == nil {
		w.unknown = map[string]bool{}
	}
	if len(w.unknown) < maxWarnings {
		w.unknown[n.name] = true
	}
	w.add(n.line, path, "not an element of the profile schema here; kept, without effect")
}

// all returns the warnings in the order of the document.
func (w *warnings) all() []Warning {
	slices.SortStableFunc(w.list, func(a, b Warning) int { return cmp.Compare(a.Line, b.Line) })
	if w.dropped > 0 {
		return append(w.list, Warning{Text: fmt.Sprintf("%d more warnings are not shown", w.dropped)})
	}
	return w.list
}
