package profile

import "strings"

// Settings is what the reconnect machine needs of a profile.
type Settings struct {
	AutoReconnect       bool // bring an interrupted session back
	DisconnectOnSuspend bool // end the session when the machine goes to sleep
}

// Default is what holds for a host that no profile has: a session comes back, also after sleep.
func Default() Settings { return Settings{AutoReconnect: true} }

// Settings returns what the profile says; where it is silent, the schema's defaults, of which DisconnectOnSuspend is one. A nil profile is Default.
func (p *Profile) Settings() Settings {
	if p == nil {
		return Default()
	}
	return Settings{
		AutoReconnect:       p.text(byPath["AutoReconnect"]) == "true",
		DisconnectOnSuspend: p.text(byPath["AutoReconnect/AutoReconnectBehavior"]) == disconnectOnSuspend,
	}
}

func (p *Profile) text(e Element) string {
	if v, ok := p.values[e.Path]; ok {
		return v.text
	}
	return e.Default
}

// Row is one line of `profile show`.
type Row struct {
	Name   string // the element's own name, or the path of one that is not in the table
	Value  string
	Origin string // name of the profile's file, or "default"
	Locked bool   // the user may not change it
	Status Status
}

// OriginDefault is the Origin of a value that no profile gives, or gives in a way that cannot be used.
const OriginDefault = "default"

// Effective lists every element of the table and then the unknown ones the profile has. A nil profile gives the values that hold without one, and locks nothing.
func Effective(p *Profile) []Row {
	var rows []Row
	for _, e := range elements {
		if e.Type == Group && e.Path != "BackupServerList" {
			continue // shown by what is in them, below
		}
		r := Row{Name: e.Name(), Value: e.Default, Origin: OriginDefault, Status: e.Status}
		switch {
		case p == nil && e.Name() == "AutoReconnectBehavior":
			r.Value = reconnectAfterResume
		case p == nil:
		case e.Path == "BackupServerList":
			r.Locked = true
			if len(p.backups) > 0 {
				r.Value, r.Origin = joinTargets(p.backups), p.File
			}
		default:
			r.Locked = !e.UserControllable
			if v, ok := p.values[e.Path]; ok {
				r.Value, r.Locked = v.text, !v.userControllable
				if v.given {
					r.Origin = p.File
				}
			}
		}
		rows = append(rows, r)
	}
	if p == nil {
		return rows
	}
	for _, k := range p.Kept {
		if e, ok := byPath[strings.TrimPrefix(k.Path, clientInit+"/")]; ok && e.Type != Group {
			continue // it has its row
		}
		rows = append(rows, Row{Name: k.Path, Value: k.Text, Origin: p.File, Locked: true})
	}
	return rows
}

func joinTargets(list []Target) string {
	parts := make([]string, len(list))
	for i, t := range list {
		parts[i] = t.String()
	}
	return strings.Join(parts, ",")
}
