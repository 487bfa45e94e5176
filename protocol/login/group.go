package login

import (
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
)

// groupList is the form's select for the group, nil when there is none or nothing to choose from.
func groupList(f *authxml.Form) *authxml.Input {
	for i := range f.Inputs {
		in := &f.Inputs[i]
		if in.Type == authxml.InputSelect && in.Name == authxml.GroupList && len(in.Options) > 0 {
			return in
		}
	}
	return nil
}

// selected is the option the gateway has chosen: the marked one, else the first.
func selected(in *authxml.Input) *authxml.Option {
	for i := range in.Options {
		if in.Options[i].Selected {
			return &in.Options[i]
		}
	}
	return &in.Options[0]
}

// presetGroup chooses the group the target names, or the only one there is.
func (c *Conversation) presetGroup(groups *authxml.Input) error {
	want := c.target.Group
	switch {
	case want == "" && groups != nil && len(groups.Options) == 1:
		c.group = &groups.Options[0]
	case want == "":
	case groups != nil:
		if c.group = choose(groups.Options, want); c.group == nil {
			return notOffered(&input{Input: *groups})
		}
	case c.rounds == 1:
		return fault.Newf(fault.AuthGroup, nil, "it offers no choice of groups").Hint("a group can also be part of the address: HOST/GROUP")
	}
	return nil
}

// refreshGroup takes the chosen group as the form at hand describes it: which fields it has may have come with the form alone.
func (c *Conversation) refreshGroup(groups *authxml.Input) {
	if c.group == nil || groups == nil {
		return
	}
	if i := slices.IndexFunc(groups.Options, func(o authxml.Option) bool { return o.Value == c.group.Value }); i >= 0 {
		c.group = &groups.Options[i]
	}
}

// choose finds an option by its value, else its label, else its number counted from 1.
func choose(options []authxml.Option, want string) *authxml.Option {
	for _, match := range []func(authxml.Option) bool{
		func(o authxml.Option) bool { return o.Value == want || fault.Clean(o.Value) == want },
		func(o authxml.Option) bool { return o.Label == want },
	} {
		if i := slices.IndexFunc(options, match); i >= 0 {
			return &options[i]
		}
	}
	if n, err := strconv.Atoi(want); err == nil && n >= 1 && n <= len(options) {
		return &options[n-1]
	}
	return nil
}

// lastGroup is the value of the group that the user had the last time; "" where there was none, or it is no longer offered.
func (c *Conversation) lastGroup(in *authxml.Input) string {
	if c.target.Last.Group == "" {
		return ""
	}
	for _, o := range in.Options {
		if c.target.Last.Group == fault.Clean(o.Value) || c.target.Last.Group == o.Label {
			return fault.Clean(o.Value)
		}
	}
	return ""
}

// notOffered is the fault for a choice that is none, with what there is.
func notOffered(in *input) error {
	var list []string
	for _, o := range in.Options[:min(len(in.Options), 20)] {
		item := fault.Clean(o.Value)
		if o.Label != "" && o.Label != item {
			item += " (" + o.Label + ")"
		}
		list = append(list, item)
	}
	code, what := fault.UseBad, "choices for "+in.name+": "
	if in.Name == authxml.GroupList {
		code, what = fault.AuthGroup, "groups: "
	}
	return fault.New(code, nil).Hint(what + strings.Join(list, ", "))
}
