package model

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/profile"
	"github.com/holdfast-vpn/holdfast/ui/locale"
)

// prefer asks the agent for a change. What is on its way is not asked again, and what is locked not at all.
func (m Model) prefer(p Prefer) (Model, []Command) {
	s, ok := m.setting(p.Name)
	if !ok || s.Locked || m.pages.changing[p.Name] || !p.Reset && p.Value == s.Value {
		return m, nil
	}
	m.pages.changing = with(m.pages.changing, p.Name, true)
	m.pages.refused = without(m.pages.refused, p.Name)
	if p.Reset {
		return m, []Command{CallPrefer{ipc.Preference{Reset: []string{p.Name}}}}
	}
	return m, []Command{CallPrefer{ipc.Preference{Set: map[string]string{p.Name: p.Value}}}}
}

// preferred takes the agent's answer, and asks for what is now in force.
func (m Model) preferred(r ipc.Preference, err *fault.Error, now time.Time) (Model, []Command) {
	for _, name := range append(slices.Collect(maps.Keys(r.Set)), r.Reset...) {
		m.pages.changing = without(m.pages.changing, name)
		if err != nil {
			m.pages.refused = with(m.pages.refused, name, err)
		}
	}
	if !m.here || !m.version.Offers(ipc.FeaturePreferences) || m.pages.asked[FetchPolicy] {
		return m, nil
	}
	m.pages.asked[FetchPolicy] = true
	return m, []Command{Fetch{FetchPolicy}} // what was there stays on view until the answer
}

// setting is a value in force by its name.
func (m Model) setting(name string) (ipc.Setting, bool) {
	if m.pages.policy == nil {
		return ipc.Setting{}, false
	}
	i := slices.IndexFunc(m.pages.policy.Settings, func(s ipc.Setting) bool { return s.Name == name })
	if i < 0 {
		return ipc.Setting{}, false
	}
	return m.pages.policy.Settings[i], true
}

// with and without return another map; that of other Models is not touched.
func with[V any](old map[string]V, key string, value V) map[string]V {
	m := maps.Clone(old)
	if m == nil {
		m = map[string]V{}
	}
	m[key] = value
	return m
}

func without[V any](old map[string]V, key string) map[string]V {
	m := maps.Clone(old)
	delete(m, key)
	return m
}

// The groups of the page, in their order.
const (
	groupYours  = iota // the person's to choose
	groupLocked        // not his, and why
	groupIdle          // kept, without effect in this version
)

// group is where a value stands on the page.
func group(s ipc.Setting) int {
	switch {
	case s.Status != profile.Honoured.String():
		return groupIdle
	case s.Locked:
		return groupLocked
	}
	return groupYours
}

// preferencesPage lists what can be a user's to choose, what acts first.
func (m Model) preferencesPage() *Preferences {
	p := m.pages.policy
	page := &Preferences{For: m.words.Text("details.preferences.forAll"), Reset: m.words.Text("details.preferences.reset")}
	switch {
	case p.Target != "" && p.Profile != "":
		page.For = m.words.Text("details.preferences.forProfile", locale.With("host", fault.Clean(p.Target)), locale.With("profile", fault.Clean(p.Profile)))
	case p.Target != "":
		page.For = m.words.Text("details.preferences.forHost", locale.With("host", fault.Clean(p.Target)))
	}
	settings := slices.DeleteFunc(slices.Clone(p.Settings), func(s ipc.Setting) bool { return !s.User })
	slices.SortStableFunc(settings, func(a, b ipc.Setting) int { return cmp.Compare(group(a), group(b)) })
	headings := [...]string{
		m.words.Text("details.preferences.yours"), m.words.Text("details.preferences.locked"), m.words.Text("details.preferences.idle"),
	}
	last := -1
	for _, s := range settings {
		row := m.preference(s)
		if g := group(s); g != last {
			row.Heading, last = headings[g], g
		}
		page.List = append(page.List, row)
	}
	return page
}

// preference is one value. An element that is not known here is shown as it is called.
func (m Model) preference(s ipc.Setting) Preference {
	p := Preference{Name: s.Name, Label: fault.Clean(s.Name), Kind: PreferenceText, Value: fault.Clean(s.Value), Origin: m.origin(s.Origin), Locked: s.Locked,
		Reset: s.Origin == profile.OriginUser && !s.Locked, Busy: m.pages.changing[s.Name]}
	if key := "preference." + s.Name; m.words.Has(key) {
		p.Label, p.Help = m.words.Text(key), m.words.Text(key+".help")
	}
	if s.Locked {
		p.Why = m.why(s)
	}
	if err := m.pages.refused[s.Name]; err != nil {
		p.Error = m.explained(err)
	}
	e, known := profile.Lookup(s.Name)
	switch {
	case known && e.Type == profile.Bool, !known && (s.Value == "true" || s.Value == "false"):
		p.Kind = PreferenceSwitch
	case known && e.Type == profile.Enum:
		p.Kind = PreferenceChoice
		for _, v := range e.Allowed {
			p.Options = append(p.Options, Option{Value: v, Label: m.choice(s.Name, v)})
		}
		if !slices.Contains(e.Allowed, s.Value) { // nobody has chosen: as without a profile
			p.Options = append([]Option{{Value: s.Value, Label: m.words.Text("details.preferences.unset")}}, p.Options...)
		}
	}
	return p
}

// choice is a value of an element in words.
func (m Model) choice(name, value string) string {
	key := "preference." + name + "." + strings.ReplaceAll(value, ",", "-")
	if m.words.Has(key) {
		return m.words.Text(key)
	}
	return value
}

// origin is where a value comes from.
func (m Model) origin(from string) string {
	switch gateway, delivered := strings.CutPrefix(from, profile.OriginGateway); {
	case from == profile.OriginDefault:
		return m.words.Text("details.origin.default")
	case from == profile.OriginUser:
		return m.words.Text("details.origin.user")
	case from == profile.OriginGlobal:
		return m.words.Text("details.origin.global")
	case from == profile.OriginPolicy:
		return m.words.Text("details.origin.policy")
	case delivered:
		return m.words.Text("details.origin.gateway", locale.With("gateway", fault.Clean(gateway)))
	}
	return m.words.Text("details.origin.profile", locale.With("profile", fault.Clean(from)))
}

// why says why a value is locked, and who can change that.
func (m Model) why(s ipc.Setting) string {
	by, ofProfile := strings.CutSuffix(s.Why, profile.WhyProfile)
	gateway, delivered := strings.CutPrefix(by, profile.OriginGateway)
	switch {
	case s.Why == profile.WhyFixed:
		return m.words.Text("details.why.fixed")
	case s.Why == profile.WhyPolicy:
		return m.words.Text("details.why.policy")
	case ofProfile && delivered:
		return m.words.Text("details.why.gateway", locale.With("gateway", fault.Clean(gateway)))
	case ofProfile:
		return m.words.Text("details.why.profile", locale.With("profile", fault.Clean(by)))
	}
	return fault.Clean(s.Why)
}

// explained is an error as a sentence, with what to do and its code.
func (m Model) explained(err *fault.Error) string {
	text := m.sentence(string(err.Code), err.Sentence())
	if hint := m.advise(err); hint != "" {
		return m.words.Text("details.errorHint", locale.With("error", text), locale.With("hint", hint), locale.With("code", string(err.Code)))
	}
	return m.words.Text("details.error", locale.With("error", text), locale.With("code", string(err.Code)))
}
