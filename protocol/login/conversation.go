package login

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
	"github.com/holdfast-vpn/holdfast/protocol/strap"
)

// Bounds of one login.
const (
	maxRounds    = 20 // forms
	maxRedirects = 10
)

// Kind is the kind of a request.
type Kind uint8

const (
	PostXML  Kind = iota // aggregate authentication
	PostForm             // the answers as a web form: the older login
	Get                  // no body: the older login's first request, and a profile
)

// Post is a request to be sent to the conversation's Target. Body and cookies are secrets.
type Post struct {
	Kind    Kind
	Path    string
	Cookies []Cookie
	Body    redact.Secret
	// Answers is true when the body holds what a person was asked: it is never sent twice, and its answer may wait for a person too (a push).
	Answers bool
	// Anew is true when the request must not go over the connection of the one before: that has the state of a lost attempt.
	Anew bool
}

// Reply is what came back.
type Reply struct {
	Status   int
	Location string
	Reason   string // X-Reason
	Date     string
	Cookies  []Cookie
	Unshown  bool // the gateway asked for a client certificate on this connection, and none was shown
	Body     []byte
}

// Outcome is a conversation's happy end.
type Outcome struct {
	Token       redact.Secret
	User, Group string
	Banner      string
	Accepted    []string
	Config      authxml.Config // what came with the login; the profile may have come in a cookie
	Profile     *Delivery      // nil when the gateway has none for this login
}

// Action is what is to be done next; exactly one member is set.
type Action struct {
	Send *Post          // then call Reply
	Ask  *protocol.Form // then call Answer
	Done *Outcome
}

// Conversation is a login as a value: no clock, no socket, no goroutine. Start, then Reply to each Send and Answer to each Ask. After an error or Done it
// is over. Errors are *fault.Error.
type Conversation struct {
	target protocol.Target
	at     origin // where the next request goes
	jar    jar
	opaque []byte // the gateway's state, returned unchanged
	spoke  bool   // the gateway has sent a document of this protocol
	older  bool   // it wants its answers as web forms

	rounds, redirects int
	names             numbering
	group             *authxml.Option // chosen
	fetched           string          // value of the group whose form was asked for
	userGiven         bool            // target.User was used
	userSent          redact.Secret   // the user name that was sent last
	secretForms       int             // forms of this attempt that were answered with a secret
	lastAsked         []string        // what the last answered form asked, by the gateway's names
	certs             int             // times this gateway asked for a client certificate in a document
	again             *again          // the attempt repeats one that a wrong password ended
	accepted          []string        // banners
	sent              []redact.Secret // every answer so far, to be masked in what comes back

	resp   *authxml.Response // being worked on
	banner bool              // the open question is resp's banner
	form   *round            // the open question is this form

	keys    *strap.Keys // of this login; nil: it is offered no browser
	browser *input      // the open question is the page to sign in at, its answer goes into this
}

// NewConversation starts a login at a target.
func NewConversation(t protocol.Target) *Conversation {
	c := &Conversation{target: t}
	c.target.Port = portOf(t.Port)
	if !strings.HasPrefix(c.target.Path, "/") {
		c.target.Path = "/" + c.target.Path
	}
	c.at = origin{c.target.Host, c.target.Port, c.target.Path}
	return c
}

// Target is where requests go now: the first target, moved by redirects.
func (c *Conversation) Target() protocol.Target { return c.target }

// Start returns the first action.
func (c *Conversation) Start() (Action, error) { return c.init() }

// Reply takes the answer to the last Send. It does not keep r.Body.
func (c *Conversation) Reply(r Reply) (Action, error) {
	for _, k := range r.Cookies {
		c.jar.set(k)
	}
	if r.Status != 200 {
		switch {
		case c.admitted(r):
			return c.complete()
		case r.Location != "":
			return c.redirect(r.Location)
		case c.mayBeOlder() && foreign(r.Status):
			return c.asOlder()
		}
		return Action{}, c.refusedStatus(r)
	}
	resp, err := authxml.ParseResponse(r.Body)
	switch {
	case err == nil:
	case c.admitted(r):
		return c.complete()
	case c.mayBeOlder() && documentFault(err).Code == fault.NetNotVPN:
		return c.asOlder()
	default:
		return Action{}, documentFault(err)
	}
	c.spoke, c.older = true, c.older || resp.Bare
	c.mask(&resp.Title, &resp.Message, &resp.Error, &resp.Banner)
	if resp.Opaque != nil {
		c.opaque = resp.Opaque
	}
	c.resp = resp
	return c.consider()
}

// Answer takes the answer to the last Ask.
func (c *Conversation) Answer(a protocol.Answer) (Action, error) {
	switch {
	case c.banner:
		c.banner = false
		if !a.Accept {
			return Action{}, fault.New(fault.PolBanner, nil)
		}
		c.accepted = append(c.accepted, c.resp.Banner)
		return c.consider()
	case c.browser != nil:
		return c.answerBrowser(a)
	case c.form != nil:
		return c.answerForm(a)
	}
	return Action{}, fault.New(fault.Internal, errors.New("login: an answer to no question"))
}

// consider decides what the gateway's document asks for.
func (c *Conversation) consider() (Action, error) {
	r := c.resp
	if r.Banner != "" && !slices.Contains(c.accepted, r.Banner) {
		c.banner = true
		return Action{Ask: &protocol.Form{Kind: protocol.FormBanner, Title: r.Title, Message: r.Banner}}, nil
	}
	switch {
	case r.Type == authxml.TypeComplete:
		return c.complete()
	case r.CertRequest:
		return c.certificate()
	case r.HostScan && r.Bare: // the older kind puts its form beside it, and refuses the login afterwards
		return Action{}, hostScan()
	case r.Form != nil:
		return c.newForm()
	case r.SSO != nil:
		return Action{}, fault.Newf(fault.NetMalformed, nil, "a sign-in page without a form")
	case r.MultiCert:
		return Action{}, fault.Newf(fault.AuthUnsupported, nil, "several client certificates")
	case r.HostScan:
		return Action{}, hostScan()
	case r.Error != "":
		return Action{}, fault.Newf(fault.AuthRefused, nil, "%s", r.Error)
	case r.AuthComplete, r.CertAccepted:
		if c.rounds++; c.rounds > maxRounds {
			return Action{}, fault.New(fault.AuthRounds, nil)
		}
		if c.older {
			return c.postForm(nil, nil), nil
		}
		return c.post(&authxml.Request{Type: authxml.TypeReply, Opaque: c.opaque}, nil)
	}
	return Action{}, fault.Newf(fault.NetMalformed, nil, "it asks nothing")
}

// complete ends the login with the token, which comes in the document or in a cookie.
func (c *Conversation) complete() (Action, error) {
	if c.resp.Error != "" {
		return Action{}, fault.Newf(fault.AuthRefused, nil, "%s", c.resp.Error)
	}
	token := c.resp.SessionToken
	if token.Empty() {
		token = c.jar.get(tokenCookie)
	}
	if token.Empty() || token.Len() > maxCookieSize || !printable(string(token.Reveal())) || strings.Contains(string(token.Reveal()), ";") {
		return Action{}, fault.Newf(fault.NetMalformed, nil, "it sent no session token")
	}
	out := &Outcome{Token: token, User: fault.Clean(string(c.userSent.Reveal())), Banner: c.resp.Banner, Accepted: c.accepted, Config: c.resp.Config}
	if c.group != nil {
		out.Group = c.group.Label
	}
	var err error
	out.Profile, err = c.delivery(token)
	return Action{Done: out}, err
}

// hostScan is the fault for a gateway that wants a report on this machine.
func hostScan() error {
	return fault.Newf(fault.AuthUnsupported, nil, "a scan of this machine").Hint("ask the administrator for a group without host scan: Holdfast runs nothing that a gateway sends")
}

// init asks for the first form, or for that of the chosen group.
func (c *Conversation) init() (Action, error) {
	if c.older {
		return c.get(), nil
	}
	access := "https://" + c.at.authority() + c.target.Path
	return c.post(&authxml.Request{Type: authxml.TypeInit, GroupAccess: access, GroupSelect: c.fetched, CertFail: c.certs > c.certTries()}, nil)
}

// post makes a request of a document. answers are the values in it that a person gave.
func (c *Conversation) post(r *authxml.Request, answers []redact.Secret) (Action, error) {
	r.Version, r.DeviceID = clientVersion, deviceID()
	if r.Type != authxml.TypeLogout {
		r.Capabilities = c.methods()
	}
	doc, err := r.Append(nil)
	if err != nil {
		return Action{}, fault.Newf(fault.UseBad, err, "an answer holds a character that cannot be sent")
	}
	c.sent = append(c.sent, answers...)
	p := &Post{Path: c.at.path, Cookies: slices.Clone(c.jar), Body: redact.New(doc), Answers: r.Type == authxml.TypeReply}
	clear(doc)
	return Action{Send: p}, nil
}

// redirect follows a Location: https only, and everything begins again there. Answers that were given stay where they are.
func (c *Conversation) redirect(location string) (Action, error) {
	to, err := c.at.resolve(location)
	if err != nil {
		return Action{}, fault.New(fault.NetRedirect, err)
	}
	if c.redirects++; c.redirects > maxRedirects {
		return Action{}, fault.Newf(fault.NetRedirect, nil, "more than %d times", maxRedirects)
	}
	switch {
	case !to.same(c.at):
		c.jar, c.older, c.spoke = nil, false, false
		c.target.Host, c.target.Port, c.target.Fixed = to.host, to.port, nil
	case c.older: // its way from page to page: no new beginning
		c.at = to
		return c.get(), nil
	}
	c.at, c.target.Path = to, to.path
	c.opaque, c.group, c.fetched, c.userGiven = nil, nil, "", false
	c.again, c.secretForms, c.lastAsked, c.certs = nil, 0, nil, 0
	return c.init()
}

// refusedStatus is the fault for an answer that is neither 200 nor a redirect.
func (c *Conversation) refusedStatus(r Reply) error {
	c.mask(&r.Reason)
	why := fmt.Sprintf("HTTP %d", r.Status)
	if r.Reason != "" {
		why = r.Reason
	}
	switch {
	case (r.Status == 401 || r.Status == 403) && r.Unshown && len(c.sent) == 0:
		return fault.Newf(fault.AuthCertNeeded, nil, "%s", why)
	case (r.Status == 401 || r.Status == 403) && r.Unshown: // the answers may have been what was wrong
		return fault.Newf(fault.AuthRefused, nil, "%s", why).Hint("it asked for a client certificate too, and none was given")
	case r.Status == 401, r.Status == 403:
		return fault.Newf(fault.AuthRefused, nil, "%s", why)
	case r.Status == 503:
		return fault.Newf(fault.GwUnavailable, nil, "%s", why)
	case c.spoke || c.target.Path != "/":
		return fault.Newf(fault.NetHTTPRefused, nil, "%s", why)
	}
	return fault.Newf(fault.NetNotVPN, nil, "%s", why)
}

// mask replaces what a person typed, and cookies, in texts that came back: they are shown, and may end in an error.
func (c *Conversation) mask(texts ...*string) {
	secrets := slices.Clone(c.sent)
	for _, k := range c.jar {
		secrets = append(secrets, k.Value)
	}
	for _, s := range secrets {
		if s.Len() < 4 {
			continue // would hide every text that happens to contain it
		}
		for _, t := range texts {
			*t = strings.ReplaceAll(*t, string(s.Reveal()), s.String())
		}
	}
}

// documentFault is the fault for a document that could not be read.
func documentFault(err error) *fault.Error {
	switch {
	case errors.Is(err, authxml.ErrHTML), errors.Is(err, authxml.ErrNotXML), errors.Is(err, authxml.ErrRoot):
		return fault.New(fault.NetNotVPN, err)
	case errors.Is(err, authxml.ErrTooMuch):
		return fault.New(fault.NetTooMuch, err)
	}
	return fault.New(fault.NetMalformed, err)
}

// deviceID is the platform in the gateway's words.
func deviceID() string {
	switch runtime.GOOS {
	case "windows":
		return "win"
	case "darwin":
		return "mac-intel"
	}
	return "linux-64"
}
