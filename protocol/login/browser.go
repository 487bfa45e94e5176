package login

import (
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
	"github.com/holdfast-vpn/holdfast/protocol/strap"
)

// browserPort is where the gateway's page sends the browser to in the end, by the protocol.
const browserPort = 29786

// Bind gives the conversation the keys of this login: from then on it offers the gateway to sign in in the person's browser.
func (c *Conversation) Bind(keys *strap.Keys) { c.keys = keys }

// methods are the ways of login beyond forms that there are.
func (c *Conversation) methods() []string {
	if c.keys == nil {
		return nil
	}
	return []string{authxml.MethodExternalBrowser}
}

// settle sends the round once it is whole: after what a person fills in comes what only a browser can bring.
func (c *Conversation) settle() (Action, error) {
	for _, in := range c.form.inputs {
		if in.Type == authxml.InputSSO && in.value.Empty() {
			return c.browse(in)
		}
	}
	return c.sendForm()
}

// browse has the person sign in at the gateway's page.
func (c *Conversation) browse(in *input) (Action, error) {
	sso := c.resp.SSO // there is one: the form has a field for it
	if c.keys == nil || c.older || !strings.EqualFold(sso.Mode, authxml.BrowserExternal) {
		return Action{}, fault.Newf(fault.AuthUnsupported, nil, "single sign-on in a browser of the client's own").
			Hint("ask the administrator to let this group sign in in the external browser: Holdfast uses the one that you have")
	}
	page, err := c.page(sso.Login)
	if err != nil {
		return Action{}, err
	}
	f := c.form.ask
	f.Kind, f.Browser = protocol.FormBrowser, page
	f.Fields = []protocol.Field{{Name: protocol.ResponseField, Type: authxml.InputText}}
	keys := c.keys
	f.Check = func(a protocol.Answer) error {
		token, err := keys.Open(a.Values[protocol.ResponseField])
		token.Wipe()
		if err != nil {
			return fault.New(fault.AuthResponse, err)
		}
		return nil
	}
	c.browser = in
	return Action{Ask: &f}, nil
}

// page is where the person is to sign in: an https address, wherever the gateway's identity provider is.
func (c *Conversation) page(ref string) (*protocol.Browser, error) {
	to, err := c.at.resolve(ref)
	_, fragment, more := strings.Cut(ref, "#")
	if err != nil || ref == "" || !printable(fragment) {
		return nil, fault.Newf(fault.NetMalformed, nil, "a sign-in page that is no https address")
	}
	address := "https://" + to.authority() + to.path
	if more {
		address += "#" + fragment
	}
	address = strings.NewReplacer(`"`, "%22", `\`, "%5C").Replace(address) // no address has them, and no program that is given one should meet them
	if len(address) > maxURL {
		return nil, fault.Newf(fault.NetTooMuch, nil, "the address of its sign-in page")
	}
	return &protocol.Browser{URL: address, Host: to.authority(), Gateway: c.at.authority(), Port: browserPort}, nil
}

// answerBrowser takes what the browser brought.
func (c *Conversation) answerBrowser(a protocol.Answer) (Action, error) {
	in := c.browser
	c.browser = nil
	token, err := c.keys.Open(a.Values[protocol.ResponseField])
	if err != nil {
		return Action{}, fault.New(fault.AuthResponse, err)
	}
	in.value = token
	return c.settle()
}
