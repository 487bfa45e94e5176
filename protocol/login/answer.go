package login

import (
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
)

// answerForm takes the user's answer.
func (c *Conversation) answerForm(a protocol.Answer) (Action, error) {
	groupOnly := false
	for _, in := range c.form.inputs {
		if !in.asked {
			continue
		}
		v, ok := a.Values[in.name]
		switch {
		case !ok && in.preset == "":
			return Action{}, fault.Newf(fault.AuthInput, nil, "the field %s", in.name)
		case !ok:
			v = redact.NewString(in.preset)
		}
		if in.Type == authxml.InputSelect {
			o := choose(in.Options, string(v.Reveal()))
			if o == nil {
				return Action{}, notOffered(in)
			}
			v = redact.NewString(o.Value)
			if in.Name == authxml.GroupList {
				c.group = o
				groupOnly = c.opaque != nil
			}
		}
		in.value = v
	}
	if groupOnly {
		return c.fill()
	}
	if what := c.form.differ(); what != "" {
		c.form.ask.Error = "the two new " + what + " are not the same"
		return c.askForm(), nil
	}
	if c.form.lost {
		return c.beginAgain()
	}
	return c.settle()
}

// differ names what is new and was not given the same way twice: "" when all is well.
func (r *round) differ() string {
	values := map[string]redact.Secret{}
	for _, in := range r.inputs {
		values[in.Name] = in.value
	}
	for _, pair := range [][3]string{{"new_password", "verify_password", "passwords"}, {"whichpin", "verify_pin", "PINs"}, {"new_password", "verify_pin", "PINs"}} {
		first, ok := values[pair[0]]
		second, both := values[pair[1]]
		if ok && both && !first.Equal(second) {
			return pair[2]
		}
	}
	return ""
}

// sendForm sends the round's answers.
func (c *Conversation) sendForm() (Action, error) {
	req := &authxml.Request{Type: authxml.TypeReply, Opaque: c.opaque}
	var raw []authxml.Field // as the older login sends them: under the gateway's names, repetitions too
	var answers []redact.Secret
	c.lastAsked = nil
	for _, in := range c.form.inputs {
		if in.Type == authxml.InputText || in.Type == authxml.InputPassword {
			c.lastAsked = append(c.lastAsked, in.Name)
		}
		if in.Type == authxml.InputPassword || in.Type == authxml.InputSSO || in.Type == authxml.InputText && in.Name != userField {
			answers = append(answers, in.value)
		}
		raw = append(raw, authxml.Field{Name: in.Name, Value: in.value})
		switch in.Name {
		case authxml.GroupList:
			req.GroupSelect = string(in.value.Reveal())
			continue
		case "verify_pin", "verify_password":
			continue // they are for us
		case userField:
			c.userSent = in.value
		}
		req.Fields = append(req.Fields, authxml.Field{Name: elementName(in.Name), Value: in.value})
	}
	if len(answers) > 0 {
		c.secretForms++
	}
	c.form = nil
	if c.older {
		return c.postForm(raw, answers), nil
	}
	return c.post(req, answers)
}

// elementName is the name under which a field is sent: answers of every kind are a password to the gateway.
func elementName(field string) string {
	switch field {
	case "answer", "whichpin", "new_password":
		return "password"
	}
	return field
}
