package authxml

import (
	"bytes"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
)

// Types of a Request.
const (
	TypeInit   = "init"
	TypeReply  = "auth-reply"
	TypeLogout = "logout"
)

// MethodExternalBrowser is the capability of signing in in the person's own browser, which brings the answer to a port of loopback.
const MethodExternalBrowser = "single-sign-on-external-browser"

// maxFields bounds the inputs of a form and the fields of a reply.
const maxFields = 64

// Field is one answer in an auth-reply: the element's name and its text.
type Field struct {
	Name  string
	Value redact.Secret
}

// Request is what a client sends.
type Request struct {
	Type         string   // TypeInit, TypeReply or TypeLogout
	Version      string   // the client's version
	DeviceID     string   // linux-64, win, mac-intel …
	CertFail     bool     // init: there is no client certificate that could be shown
	Capabilities []string // auth-method: ways of login the client has beyond forms
	GroupAccess  string   // init: the URL the user gave; it may choose the group
	GroupSelect  string   // the chosen option's value
	Opaque       []byte   // the gateway's opaque element, its bytes unchanged
	Fields       []Field  // auth-reply: the answers, in order; names may repeat
	SessionToken redact.Secret
}

// Append appends the request's document. The error is ErrValue, for a control character or a field's name that is no name; b is then unchanged.
// What is appended holds the fields' values: it goes to the wire and nowhere else.
func (r *Request) Append(b []byte) ([]byte, error) {
	w := writer{b: append(b, declaration...)}
	w.open("config-auth", "client", "vpn", "type", r.Type, "aggregate-auth-version", "2")
	w.element("version", r.Version, "who", "vpn")
	w.element("device-id", r.DeviceID)
	if len(r.Capabilities) > 0 {
		w.open("capabilities")
		for _, m := range r.Capabilities {
			w.element("auth-method", m)
		}
		w.close("capabilities")
	}
	w.element("group-access", r.GroupAccess)
	if r.CertFail {
		w.empty("client-cert-fail")
	}
	w.opaque(r.Opaque)
	if !r.SessionToken.Empty() {
		w.value("session-token", r.SessionToken.Reveal())
	}
	if r.Type == TypeReply {
		w.open("auth")
		for _, f := range r.Fields {
			w.value(f.Name, f.Value.Reveal())
		}
		w.close("auth")
	}
	w.element("group-select", r.GroupSelect)
	w.close("config-auth")
	return w.done(len(b))
}

// ParseRequest reads a client's document. Fields keep the space around their values: a password may begin with one.
func ParseRequest(doc []byte) (*Request, error) {
	root, err := parseTree(doc)
	if err != nil {
		return nil, err
	}
	if root.name != "config-auth" {
		return nil, ErrRoot
	}
	r := &Request{
		Type:        root.get("type"),
		Version:     fault.Clean(root.child("version").trimmed()),
		DeviceID:    fault.Clean(root.child("device-id").trimmed()),
		GroupAccess: fault.Clean(root.child("group-access").trimmed()),
		GroupSelect: root.child("group-select").trimmed(),
		CertFail:    root.child("client-cert-fail") != nil,
		Opaque:      opaqueOf(root),
	}
	if r.Type != TypeInit && r.Type != TypeReply && r.Type != TypeLogout {
		return nil, ErrMalformed
	}
	if n := root.child("session-token"); n != nil {
		r.SessionToken = redact.New(bytes.TrimSpace(n.text))
	}
	if n := root.child("capabilities"); n != nil {
		for _, m := range n.children {
			if m.name != "auth-method" {
				continue
			}
			if len(r.Capabilities) == maxFields {
				return nil, ErrTooMuch
			}
			r.Capabilities = append(r.Capabilities, fault.Clean(m.trimmed()))
		}
	}
	if n := root.child("auth"); n != nil {
		for _, f := range n.children {
			if len(r.Fields) == maxFields {
				return nil, ErrTooMuch
			}
			if !ValidName(f.name) {
				return nil, ErrMalformed
			}
			r.Fields = append(r.Fields, Field{f.name, redact.New(f.text)})
		}
	}
	return r, nil
}

// opaqueOf returns a copy of the opaque element meant for the gateway, nil if there is none.
func opaqueOf(root *node) []byte {
	for _, n := range root.children {
		if who, ok := n.attr("is-for"); n.name == "opaque" && (!ok || who == "sg") {
			return bytes.Clone(n.raw)
		}
	}
	return nil
}
