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
	File    string   // name of the file without its directory; empty from Parse
	Gateway string   // that delivered it after a login; empty for one that an administrator put there
	Hosts   []Host   // in the order of the document
	Details []Detail // what stands in lists and groups, and what nobody defined, in the order of the document

	values  map[string]value // by Element.Path
	backups []Target         // the global BackupServerList
	pins    [][64]byte       // the global CertificatePinList
	raw     []byte           // as it came
}

// Bytes is the profile as it came. The caller does not change it.
func (p *Profile) Bytes() []byte { return p.raw }

// Host is one HostEntry.
type Host struct {
	Name     string   // HostName: what the user sees and types
	Target   Target   // HostAddress and UserGroup; without an address the name itself
	Group    string   // UserGroup as written, or the path of the address without its slash; empty for the gateway's default
	Backups  []Target // the host's own list, else the profile's; never the target itself
	Protocol Protocol
	Profile  string     // File of the profile
	Pins     [][64]byte // SHA-512 of SubjectPublicKeyInfo, its own and the profile's: the gateway's chain must have one of these keys. Nil where nothing is pinned
}

// Detail is an element, or an attribute, of a list or group. It has no default and cannot be changed by a user.
type Detail struct {
	Path   string // from below the root, "[2]" after the second of a name, "@" before an attribute
	Text   string // one line
	Line   int
	Status Status
}

// value is the text of a known element.
type value struct {
	text  string // canonical
	given bool   // by the document, not the default for want of a usable text
	user  bool   // may change it
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
	if len(w.list) == maxWarnings { // near is dear
		w.dropped++
		return
	}
	if w.unknown == nil {
		w.unknown = map[string]bool{}
	}
	w.unknown[n.name] = true
	w.add(n.line, path, "not an element of the schema here; kept, without effect%s", near(n.name, path))
}

// all returns the warnings in the order of the document.
func (w *warnings) all() []Warning {
	slices.SortStableFunc(w.list, func(a, b Warning) int { return cmp.Compare(a.Line, b.Line) })
	if w.dropped > 0 {
		return append(w.list, Warning{Text: fmt.Sprintf("%d more warnings are not shown", w.dropped)})
	}
	return w.list
}
