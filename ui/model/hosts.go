package model

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// Bounds on what is listed and kept.
const (
	maxHosts  = 200
	maxRecent = 8
	maxTyped  = 1024 // bytes of a target (agent/ipc)
)

// hosts are the gateways to choose from.
type hosts struct {
	entries []ipc.HostEntry // of the profiles
	known   bool            // the agent has said
	recent  []string        // targets used, the latest first
	target  string          // what is chosen of the list; "" where nothing was
	typed   string
	manual  bool // what was typed counts
}

// listed takes the hosts of the profiles.
func (h hosts) listed(entries []ipc.HostEntry) hosts {
	h.entries, h.known = slices.Clone(entries[:min(len(entries), maxHosts)]), true
	return h
}

// used puts a target first among those used.
func (h hosts) used(target string) hosts {
	if target != "" {
		h.recent = remembered(append([]string{target}, h.recent...))
	}
	return h
}

// remembered is a list of targets without what is empty, too long, or there twice, in a slice of its own.
func remembered(targets []string) []string {
	var kept []string
	for _, t := range targets {
		if t != "" && len(t) <= maxTyped && clean(t) == t && !slices.Contains(kept, t) && len(kept) < maxRecent {
			kept = append(kept, t)
		}
	}
	return kept
}

// remember is the command that keeps what was used.
func (m Model) remember() Command {
	return Remember{Recent: slices.Clone(m.hosts.recent), Certificates: maps.Clone(m.cert.files)}
}

// list is what can be chosen: the profiles' hosts in their order, then what was typed before.
func (m Model) list() []Host {
	var all []Host
	for _, e := range m.hosts.entries {
		target := e.Name
		if target == "" {
			target = e.Address
		}
		name, address := clean(target), clean(e.Address)
		if name == "" || slices.ContainsFunc(all, func(h Host) bool { return h.Target == target }) {
			continue
		}
		if group := clean(e.Group); group != "" {
			address = strings.TrimSuffix(address, "/") + "/" + group
		}
		if address == name {
			address = ""
		}
		all = append(all, Host{Name: name, Address: address, Target: target})
	}
	if !m.manual() { // what is no host of a profile would be refused
		return all
	}
	for _, r := range m.hosts.recent {
		if !slices.ContainsFunc(all, func(h Host) bool { return h.Target == r }) {
			all = append(all, Host{Name: r, Target: r})
		}
	}
	return all
}

// listed reports a target of the list.
func (m Model) listed(target string) bool {
	return slices.ContainsFunc(m.list(), func(h Host) bool { return h.Target == target })
}

// manual reports that another host than the profiles' may be typed.
func (m Model) manual() bool {
	if may := m.policy.ManualHosts; may != nil { // of all profiles
		return *may
	}
	return m.inForce("AllowManualHostInput", "true") != "false"
}

// chosen takes what the person chose.
func (h hosts) chosen(m Model, c Choose) hosts {
	list := m.list()
	if c.Index >= 0 && c.Index < len(list) {
		h.target, h.manual = list[c.Index].Target, false
		return h
	}
	if c.Index < 0 && len(c.Typed) <= maxTyped && m.manual() {
		h.typed, h.manual = visible(c.Typed), true
	}
	return h
}

// visible is what was typed or pasted without the characters that cannot be seen.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
}

// selected is the index of what is chosen: the person's choice, else what was used last, else the agent's choice, else the first; -1 for what was typed, or nothing.
func (m Model) selected(list []Host) int {
	if m.hosts.manual {
		return -1
	}
	wanted := []string{m.hosts.target}
	if m.state.Attempt != "" {
		wanted = append(wanted, m.state.Target)
	}
	wanted = append(append(wanted, m.hosts.recent...), m.policy.Target)
	for _, t := range wanted {
		if i := slices.IndexFunc(list, func(h Host) bool { return t != "" && h.Target == t }); i >= 0 {
			return i
		}
	}
	return min(0, len(list)-1)
}

// chosen is the target of the window; "" where there is none.
func (m Model) chosen() string {
	list := m.list()
	if i := m.selected(list); i >= 0 {
		return list[i].Target
	}
	return strings.TrimSpace(m.hosts.typed)
}
