package gateway

import (
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
)

// Change is what a user must do about a password before it lets him in.
type Change uint8

const (
	ChangeNothing  Change = iota
	ChangePassword        // it has expired: a new one is asked twice
	ChangePIN             // it was a first one: a PIN of the user's own is asked twice
)

// fieldsOf are the names under which a change is asked.
func (c Change) fieldsOf() (first, second, label string) {
	if c == ChangePIN {
		return "whichpin", "verify_pin", "PIN"
	}
	return "new_password", "verify_password", "password"
}

// changeForm asks for what comes in the password's place.
func (g *Gateway) changeForm(l *login, failure string) *authxml.Response {
	first, second, label := l.change.fieldsOf()
	message := "Your password has expired. Choose a new one."
	if l.change == ChangePIN {
		message = "Choose a PIN of your own."
	}
	return &authxml.Response{AuthID: authxml.AuthChallenge, Title: "Login", Message: message, Error: failure, Form: &authxml.Form{
		Method: "POST", Action: g.action(), Inputs: []authxml.Input{
			{Type: authxml.InputPassword, Name: first, Label: "New " + label + ":"},
			{Type: authxml.InputPassword, Name: second, Label: "Verify " + label + ":"},
		},
	}}
}

// changed takes a new password. Newer clients rename its field and keep its repetition to themselves.
func (g *Gateway) changed(l *login, r *authxml.Request) reply {
	first, second, _ := l.change.fieldsOf()
	to := field(r, first)
	if to.Empty() {
		to = field(r, "password")
	} else if !to.Equal(field(r, second)) {
		return g.refused(l, g.changeForm)
	}
	if old, _ := g.password(l.user); to.Empty() || to.Equal(old) {
		return g.refused(l, g.changeForm)
	}
	g.mu.Lock()
	g.passwords[l.user.Name] = to
	g.mu.Unlock()
	return g.complete(l)
}

// password is a user's of this moment, and what must be done about it: nothing once it was changed.
func (g *Gateway) password(u *User) (redact.Secret, Change) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p, ok := g.passwords[u.Name]; ok {
		return p, ChangeNothing
	}
	return u.Password, u.Change
}
