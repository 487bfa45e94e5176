package authxml

import (
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Types of an Input that mean something to us. Others are parsed and left to the caller to ignore.
const (
	InputText     = "text"
	InputPassword = "password"
	InputHidden   = "hidden"
	InputSSO      = "sso"
	InputSelect   = "select"
)

// GroupList is the name of the select that chooses the group.
const GroupList = "group_list"

// maxOptions bounds the options of one select.
const maxOptions = 512

// Form is what an auth-request asks.
type Form struct {
	Method string // upper case; POST when the document is silent
	Action string // as it came: a path, a relative path or a URL; "" is the current one
	Inputs []Input
}

// Input is an input or select element. Those without a name or type, and buttons, are dropped by the parser.
type Input struct {
	Type       string // lower case
	Name       string // a ValidName
	Label      string // for display
	Value      string // preset, as it came: not for display
	SecondAuth bool   // belongs to the second of two logins in one form: asked only if the chosen group has one
	ReadOnly   bool   // its preset is to be sent as it is, the user only sees it
	Options    []Option
}

// Option is one choice of a select.
type Option struct {
	Value      string // what is sent, as it came: not for display
	Label      string // for display
	Selected   bool
	SecondAuth bool // this group has a second login
	NoAAA      bool // this group logs in by certificate alone: no user name, no password
	// This group calls one of the form's fields by another label.
	OverrideName, OverrideLabel string
	// The name for this group's second login, as it came, and whether the user may change it.
	SecondUser         string
	SecondUserEditable bool
}

// parseForm reads a form element.
func parseForm(n *node) (*Form, error) {
	f := &Form{Method: strings.ToUpper(n.get("method")), Action: strings.TrimSpace(n.get("action"))}
	if f.Method == "" {
		f.Method = "POST"
	}
	for _, c := range n.children {
		if c.name != "input" && c.name != InputSelect {
			continue
		}
		in, keep, err := parseInput(c)
		if err != nil {
			return nil, err
		}
		if !keep {
			continue
		}
		if len(f.Inputs) == maxFields {
			return nil, ErrTooMuch
		}
		f.Inputs = append(f.Inputs, in)
	}
	return f, nil
}

// parseInput reads an input or select. A name that no reply could carry is an error: the form could never be answered.
func parseInput(n *node) (in Input, keep bool, err error) {
	in = Input{
		Type:       strings.ToLower(n.get("type")),
		Name:       n.get("name"),
		Label:      fault.Clean(n.get("label")),
		Value:      n.get("value"),
		SecondAuth: n.flag("second-auth"),
		ReadOnly:   n.flag("readonly") || n.get("readonly") == "readonly",
	}
	if n.name == InputSelect {
		in.Type = InputSelect
	}
	if in.Type == "" || in.Name == "" || in.Type == "submit" || in.Type == "reset" {
		return in, false, nil
	}
	if !ValidName(in.Name) {
		return in, false, ErrMalformed
	}
	if in.Type != InputSelect {
		return in, true, nil
	}
	for _, c := range n.children {
		if c.name != "option" {
			continue
		}
		if len(in.Options) == maxOptions {
			return in, false, ErrTooMuch
		}
		o := Option{
			Label: fault.Clean(c.trimmed()), Selected: c.flag("selected"), SecondAuth: c.flag("second-auth"), NoAAA: c.flag("noaaa"),
			OverrideName: c.get("override-name"), OverrideLabel: fault.Clean(c.get("override-label")),
			SecondUser: c.get("secondary_username"), SecondUserEditable: c.flag("secondary_username_editable"),
		}
		v, ok := c.attr("value")
		if !ok {
			v = c.trimmed()
		}
		o.Value = v
		in.Options = append(in.Options, o)
	}
	return in, true, nil
}

// append writes the form element.
func (f *Form) append(w *writer) {
	method := f.Method
	if method == "" {
		method = "POST"
	}
	w.open("form", "method", strings.ToLower(method), "action", f.Action)
	for _, in := range f.Inputs {
		if !ValidName(in.Name) {
			w.bad = true
			return
		}
		if in.Type != InputSelect {
			w.empty("input", "type", in.Type, "name", in.Name, "label", in.Label, "value", in.Value, "second-auth", yes(in.SecondAuth, "1"),
				"readonly", yes(in.ReadOnly, "true"))
			continue
		}
		w.open(InputSelect, "name", in.Name, "label", in.Label)
		for _, o := range in.Options {
			w.open("option", "value", o.Value, "selected", yes(o.Selected, "true"), "second-auth", yes(o.SecondAuth, "1"), "noaaa", yes(o.NoAAA, "1"),
				"override-name", o.OverrideName, "override-label", o.OverrideLabel, "secondary_username", o.SecondUser, "secondary_username_editable", yes(o.SecondUserEditable, "true"))
			w.escaped([]byte(o.Label), false)
			w.close("option")
		}
		w.close(InputSelect)
	}
	w.close("form")
}

// yes is the spelling of a flag, or nothing.
func yes(on bool, spelling string) string {
	if on {
		return spelling
	}
	return ""
}
