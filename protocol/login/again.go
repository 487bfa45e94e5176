package login

import (
	"slices"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
)

// again is a login that begins anew because of a wrong password.
//
// ocserv 1.1.6 shows the password form again after a wrong one, but the attempt is lost whatever comes next: it fails the right password too. So the new
// answer is not sent into the old attempt. The login starts over on a new connection (the old one's worker remembers too), gives the user name and the group that were given before, and when the same form comes
// it answers with what the user has just typed. No password is sent twice. A gateway that keeps state in an opaque element is no ocserv and gets its
// answer in place, and so does any form after the first that held a secret: a one-time code is not to be collected twice.
type again struct {
	user   redact.Secret
	fields []authxml.Field // the new answers, under the gateway's names
}

// lost reports whether the form at hand refuses an answer in a way that makes the attempt useless.
func (c *Conversation) lost(r *round) bool {
	return r.ask.Error != "" && c.resp.Error == "" && c.opaque == nil && c.secretForms == 1 && len(c.lastAsked) > 0 && slices.Equal(r.asks(), c.lastAsked)
}

// beginAgain starts over with the answers of the form at hand.
func (c *Conversation) beginAgain() (Action, error) {
	c.again = &again{user: c.userSent}
	for _, in := range c.form.inputs {
		if in.asked {
			c.again.fields = append(c.again.fields, authxml.Field{Name: in.Name, Value: in.value})
		}
	}
	c.form, c.jar, c.secretForms = nil, nil, 0
	c.at.path = c.target.Path
	act, err := c.init()
	if err == nil {
		act.Send.Anew = true
	}
	return act, err
}

// fill answers a round from what is held, as far as it is the round that was expected; otherwise the user is asked.
func (a *again) fill(r *round) (used bool) {
	names := make([]string, 0, len(a.fields))
	for _, f := range a.fields {
		names = append(names, f.Name)
	}
	for _, in := range r.inputs {
		if in.asked && in.Type == authxml.InputText && in.Name == userField && !slices.Contains(names, userField) && !a.user.Empty() {
			in.asked, in.value = false, a.user
		}
	}
	asks := r.asks()
	if len(asks) == 0 {
		return false // a form on the way
	}
	if slices.Equal(asks, names) {
		i := 0
		for _, in := range r.inputs {
			if in.asked {
				in.asked, in.value = false, a.fields[i].Value
				i++
			}
		}
	}
	return true
}

// asks lists the gateway's names of the inputs that need an answer.
func (r *round) asks() []string {
	var names []string
	for _, in := range r.inputs {
		if in.asked {
			names = append(names, in.Name)
		}
	}
	return names
}
