package authxml

import (
	"bytes"
	"slices"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
)

// Types of a Response.
const (
	TypeRequest  = "auth-request"
	TypeComplete = "complete"
)

// Ids of a Response's auth element.
const (
	AuthMain      = "main"
	AuthChallenge = "challenge"
	AuthSuccess   = "success"
)

// Response is what a gateway sends. Title, Message, Error and Banner are for display; all but Title may have several lines.
type Response struct {
	Type    string // TypeRequest or TypeComplete
	Version string // the gateway's
	AuthID  string // AuthMain, AuthChallenge, AuthSuccess or the gateway's own word

	Title   string
	Message string
	Error   string // why the last answer was refused
	Banner  string
	Form    *Form // nil when nothing is asked

	Opaque       []byte // the opaque element's bytes, to be returned in every later request
	SessionID    string
	SessionToken redact.Secret // TypeComplete; gateways may hand it over in a cookie instead
	Config       Config        // TypeComplete: what comes with the login

	Bare         bool // an auth element without config-auth around it: a gateway that wants its answers as a web form
	AuthComplete bool // nothing more is asked: an empty auth-reply is expected
	CertRequest  bool // a client certificate is wanted, and init again
	CertAccepted bool // the one that was shown is good: the login goes on with what follows
	MultiCert    bool // several certificates are wanted, signed in the document
	HostScan     bool // a report on this machine is wanted, in the newer or the older spelling
	SSO          *SSO // a browser is wanted; nil when not
}

// Append appends the response's document. The error is ErrValue; b is then unchanged. A Bare one has no version and no Config.
func (r *Response) Append(b []byte) ([]byte, error) {
	w := writer{b: append(b, declaration...)}
	if r.Bare {
		w.open("auth", "id", r.AuthID)
		r.appendState(&w)
	} else {
		w.open("config-auth", "client", "vpn", "type", r.Type, "aggregate-auth-version", "2")
		w.element("version", r.Version, "who", "sg")
		r.appendState(&w)
		w.open("auth", "id", r.AuthID)
	}
	w.element("title", r.Title)
	w.element("banner", r.Banner)
	w.element("message", r.Message)
	w.element("error", r.Error)
	if r.AuthComplete {
		w.empty("authentication-complete")
	}
	r.SSO.append(&w)
	if r.Form != nil {
		r.Form.append(&w)
	}
	w.close("auth")
	if !r.Bare {
		r.Config.append(&w)
		w.close("config-auth")
	}
	return w.done(len(b))
}

// appendState writes what stands beside the question: in config-auth, or in a bare auth element itself.
func (r *Response) appendState(w *writer) {
	w.opaque(r.Opaque)
	w.element("session-id", r.SessionID)
	if !r.SessionToken.Empty() {
		w.value("session-token", r.SessionToken.Reveal())
	}
	if r.CertRequest {
		w.empty("client-cert-request")
	}
	if r.MultiCert {
		w.empty("multiple-client-cert-request")
	}
	if r.CertAccepted {
		w.empty("cert-authenticated")
	}
	if r.HostScan {
		w.empty("host-scan")
	}
}

// ParseResponse reads a gateway's document. A bare auth element is an auth-request, or complete when its id says success.
func ParseResponse(doc []byte) (*Response, error) {
	root, err := parseTree(doc)
	if err != nil {
		return nil, err
	}
	r := &Response{Type: root.get("type")}
	auth := root.child("auth")
	switch root.name {
	case "config-auth":
	case "auth":
		auth, r.Type, r.Bare = root, TypeRequest, true
		if root.get("id") == AuthSuccess {
			r.Type = TypeComplete
		}
	default:
		return nil, ErrRoot
	}
	if r.Type != TypeRequest && r.Type != TypeComplete {
		return nil, ErrMalformed
	}
	r.Version = fault.Clean(root.child("version").trimmed())
	r.Opaque = opaqueOf(root)
	r.SessionID = fault.Clean(root.child("session-id").trimmed())
	if n := root.child("session-token"); n != nil {
		r.SessionToken = redact.New(bytes.TrimSpace(n.text))
	}
	r.Error = message(root.child("error")) // a refusal may come with no auth element at all
	r.CertRequest = root.child("client-cert-request") != nil
	r.MultiCert = root.child("multiple-client-cert-request") != nil
	r.CertAccepted = root.child("cert-authenticated") != nil
	r.HostScan = scans(root) || auth != nil && scans(auth)
	r.Config = parseConfig(root.child("config"))
	if auth == nil {
		return r, nil
	}
	return r, r.parseAuth(auth)
}

// scans reports whether an element asks for a report on this machine, as newer gateways or as those before aggregate authentication do it.
func scans(n *node) bool {
	return slices.ContainsFunc([]string{"host-scan", "csd", "csdMac", "csdLinux"}, func(name string) bool { return n.child(name) != nil })
}

// parseAuth reads the auth element.
func (r *Response) parseAuth(auth *node) error {
	r.AuthID = fault.Clean(auth.get("id"))
	r.Title = fault.Clean(message(auth.child("title")))
	r.Message = message(auth.child("message"))
	r.Banner = message(auth.child("banner"))
	if e := message(auth.child("error")); e != "" {
		r.Error = e
	}
	r.AuthComplete = auth.child("authentication-complete") != nil
	r.SSO = parseSSO(auth)
	form := auth.child("form")
	if form == nil {
		return nil
	}
	f, err := parseForm(form)
	if err != nil {
		return err
	}
	r.Form = f
	if r.SSO == nil && slices.ContainsFunc(f.Inputs, func(in Input) bool { return in.Type == InputSSO }) {
		r.SSO = &SSO{}
	}
	return nil
}
