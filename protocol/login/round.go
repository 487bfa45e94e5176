package login

import (
	"slices"
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
)

// refusal is how ocserv, which has no code for it, begins the message of a form that refuses the last answer.
const refusal = "Login failed"

// The names under which gateways ask for the user, and for that of a group's second login.
const (
	userField       = "username"
	secondUserField = "secondary_username"
)

// round is one form of the gateway on its way to an answer.
type round struct {
	inputs []*input
	ask    protocol.Form // without its fields
	lost   bool          // the attempt is over: the answer goes into a new one
}

// input is one of the form's inputs with what is known of its answer.
type input struct {
	authxml.Input
	name   string // towards the user, numbered
	asked  bool   // it needs an answer
	value  redact.Secret
	preset string // shown to the user
	last   string // the same, for a person alone
}

// newForm takes up the form of the current document.
func (c *Conversation) newForm() (Action, error) {
	if c.rounds++; c.rounds > maxRounds {
		return Action{}, fault.New(fault.AuthRounds, nil)
	}
	f := c.resp.Form
	to, err := c.at.resolve(f.Action)
	if err != nil || f.Method != "POST" {
		return Action{}, fault.Newf(fault.NetMalformed, nil, "a form that cannot be answered")
	}
	if !to.same(c.at) {
		return Action{}, fault.Newf(fault.NetRedirect, nil, "a form of another server")
	}
	c.at = to
	groups := groupList(f)
	if c.group == nil {
		if err := c.presetGroup(groups); err != nil {
			return Action{}, err
		}
	}
	if c.group == nil && groups != nil && c.opaque != nil {
		// This gateway's form depends on the group: ask for the group alone, then fetch the form.
		c.form = &round{inputs: []*input{{Input: *groups, name: groups.Name, asked: true, preset: selected(groups).Value, last: c.lastGroup(groups)}}}
		c.form.ask = protocol.Form{Kind: protocol.FormForm, Title: c.resp.Title, Message: c.resp.Message}
		return c.askForm(), nil
	}
	return c.fill()
}

// fill fetches the form of the chosen group where that is another one, then takes from it what is known and asks for the rest.
func (c *Conversation) fill() (Action, error) {
	groups := groupList(c.resp.Form)
	if c.group != nil && groups != nil && c.opaque != nil && selected(groups).Value != c.group.Value && c.fetched != c.group.Value {
		c.fetched = c.group.Value
		return c.init()
	}
	c.refreshGroup(groups)
	c.form = c.newRound(groups)
	if !slices.ContainsFunc(c.form.inputs, func(in *input) bool { return in.asked }) {
		return c.settle()
	}
	return c.askForm(), nil
}

// newRound decides for each input whether it is known, asked or left out.
func (c *Conversation) newRound(groups *authxml.Input) *round {
	refused, form := c.describe()
	r := &round{ask: form}
	var visible []string
	for _, in := range c.resp.Form.Inputs {
		switch in.Type {
		case authxml.InputHidden:
			r.inputs = append(r.inputs, &input{Input: in, value: redact.NewString(in.Value)})
			continue
		case authxml.InputSSO:
			r.inputs = append(r.inputs, &input{Input: in})
			continue
		case authxml.InputText, authxml.InputPassword, authxml.InputSelect:
		default:
			continue
		}
		if in.Type == authxml.InputSelect && len(in.Options) == 0 || !c.wanted(in, groups != nil) {
			continue
		}
		r.inputs = append(r.inputs, c.prefill(in, refused))
		visible = append(visible, in.Name)
	}
	names := c.names.form(visible, refused || c.again != nil)
	for _, in := range r.inputs {
		if in.Type != authxml.InputHidden && in.Type != authxml.InputSSO {
			in.name, names = names[0], names[1:]
		}
	}
	r.lost = c.lost(r)
	if c.again != nil && c.again.fill(r) {
		c.again = nil
	}
	return r
}

// describe turns the document's texts into the head of a prompt and says whether it refuses the last answer.
func (c *Conversation) describe() (refused bool, f protocol.Form) {
	f = protocol.Form{Kind: protocol.FormForm, Title: c.resp.Title, Message: c.resp.Message, Error: c.resp.Error}
	if f.Error == "" && strings.HasPrefix(f.Message, refusal) {
		f.Error, f.Message, _ = strings.Cut(f.Message, "\n")
	}
	return f.Error != "", f
}

// wanted reports whether the chosen group has this field at all.
func (c *Conversation) wanted(in authxml.Input, grouped bool) bool {
	if !grouped || c.group == nil || in.Type == authxml.InputSelect {
		return true
	}
	return !c.group.NoAAA && (!in.SecondAuth || c.group.SecondAuth)
}

// prefill takes what is known: the chosen group, a name that the gateway has fixed, and the target's user name once; it begins with the name that was refused. A password always comes from the user.
func (c *Conversation) prefill(in authxml.Input, refused bool) *input {
	out := &input{Input: in, asked: true}
	if c.group != nil && c.group.OverrideName == in.Name && c.group.OverrideLabel != "" {
		out.Label = c.group.OverrideLabel
	}
	switch {
	case in.Name == authxml.GroupList && in.Type == authxml.InputSelect:
		if c.group != nil {
			out.asked, out.value = false, redact.NewString(c.group.Value)
		}
		out.preset, out.last = fault.Clean(selected(&in).Value), c.lastGroup(&in)
	case in.Type == authxml.InputSelect:
		out.preset = fault.Clean(selected(&in).Value)
	case in.ReadOnly && in.Value != "":
		out.asked, out.value = false, redact.NewString(in.Value)
	case in.SecondAuth && c.group != nil && c.group.SecondUser != "" && in.Name == secondUserField:
		out.preset = fault.Clean(c.group.SecondUser)
		if !c.group.SecondUserEditable {
			out.asked, out.value = false, redact.NewString(c.group.SecondUser)
		}
	case in.Type == authxml.InputText:
		out.preset = fault.Clean(in.Value)
		if in.Name != userField {
			break
		}
		if c.target.User == "" {
			out.last = fault.Clean(c.target.Last.User)
			if refused && !c.userSent.Empty() { // most often it was the password that was wrong
				out.last = fault.Clean(string(c.userSent.Reveal()))
			}
			if out.preset == "" {
				out.preset = nameOf(c.target.Identity)
			}
			break
		}
		out.preset = c.target.User
		if !c.userGiven && !refused {
			c.userGiven = true
			out.asked, out.value = false, redact.NewString(c.target.User)
		}
	}
	return out
}

// askForm is the prompt for what the round does not know.
func (c *Conversation) askForm() Action {
	f := c.form.ask
	f.Fields = nil
	for _, in := range c.form.inputs {
		if !in.asked {
			continue
		}
		field := protocol.Field{Name: in.name, Label: in.Label, Type: in.Type, Value: in.preset, Last: in.last}
		for _, o := range in.Options {
			field.Options = append(field.Options, protocol.Option{Value: fault.Clean(o.Value), Label: o.Label})
		}
		f.Fields = append(f.Fields, field)
	}
	return Action{Ask: &f}
}
