package profile

import "strings"

// Where a value comes from, besides the name of a profile's file.
const (
	OriginDefault = "default" // no document gives it, or gives it in a way that cannot be used
	OriginUser    = "preferences"
	OriginGlobal  = "global preferences"
	OriginPolicy  = "local policy"
	OriginGateway = "profile of " // and the gateway that delivered it
)

// Row is one value in force.
type Row struct {
	Name   string // the element's own name; the path of a Detail
	Value  string
	Origin string // one of the Origin constants, a profile's File, or OriginGateway and its name
	Locked bool   // the user may not change it
	Why    string // it is locked
	User   bool   // a kind of value that can be a user's
	Status Status
}

// Values are all values in force, by the table's order.
type Values struct {
	rows []Row
	at   map[string]int // into rows, by Element.Path
}

// withoutProfile are the values that hold where no profile has the host, if they are not the schema's.
var withoutProfile = map[string]string{suspend: reconnectAfterResume, "LocalLanAccess": "true", "IPProtocolSupport": ""}

// Effective puts the documents together: the table's defaults, the profile that holds the chosen host, what it leaves to the user from the preferences, the
// weaker ones first, and above all the machine's local policy. Each of them may be nil.
func Effective(policy *Policy, p *Profile, prefs ...*Preferences) Values {
	v := Values{at: map[string]int{}}
	for _, e := range elements {
		if !e.row() && e.Path != backups {
			continue
		}
		r := Row{Name: e.Name(), Value: e.Default, Origin: OriginDefault, Status: e.Status, User: e.Control != Fixed}
		if other, ok := withoutProfile[e.Path]; ok && p == nil {
			r.Value = other
		}
		p.into(&r, e)
		if !r.Locked {
			for _, c := range prefs {
				c.into(&r, e)
			}
		}
		policy.into(&r, e)
		v.at[e.Path] = len(v.rows)
		v.rows = append(v.rows, r)
	}
	if p != nil {
		for _, d := range p.Details {
			v.rows = append(v.rows, Row{Name: d.Path, Value: d.Text, Origin: p.origin(), Locked: true, Why: WhyFixed, Status: d.Status})
		}
	}
	v.rows = append(v.rows, policy.rows()...)
	return v
}

// Rows lists them: the elements of the table, the profile's details, and the local policy where there is one.
func (v Values) Rows() []Row { return append([]Row(nil), v.rows...) }

// Text is the value of the element with that path; empty for one that is not in the table.
func (v Values) Text(path string) string { return v.row(path).Value }

func (v Values) row(path string) Row {
	i, ok := v.at[path]
	if !ok {
		return Row{Origin: OriginDefault}
	}
	return v.rows[i]
}

// Find returns the row of an element by its name, as Lookup reads it.
func (v Values) Find(name string) (Row, bool) {
	e, ok := Lookup(name)
	if !ok {
		return Row{}, false
	}
	i, ok := v.at[e.Path]
	if !ok {
		return Row{}, false
	}
	return v.rows[i], true
}

// Why a value is locked: Row.Why is one of the first two, or the profile's name and the third.
const (
	WhyFixed   = "only a profile can set it"
	WhyPolicy  = "this machine's local policy decides it"
	WhyProfile = " does not leave it to the user"
)

// into makes the profile's value the row's, and says whether it leaves it to the user.
func (p *Profile) into(r *Row, e Element) {
	if e.Control == Fixed {
		r.Locked, r.Why = true, WhyFixed
	}
	if p == nil {
		return
	}
	if e.Path == backups {
		if len(p.backups) > 0 {
			r.Value, r.Origin = joinTargets(p.backups), p.origin()
		}
		return
	}
	v, ok := p.values[e.Path]
	if !ok {
		v = value{text: e.Default, user: e.Control == User}
	}
	r.Value = v.text
	if v.given {
		r.Origin = p.origin()
	}
	if e.Control != Fixed && !v.user {
		r.Locked, r.Why = true, or(p.origin(), "the profile")+WhyProfile
	}
}

// origin names the profile as where a value comes from.
func (p *Profile) origin() string {
	if p.Gateway != "" {
		return OriginGateway + p.Gateway
	}
	return p.File
}

func joinTargets(list []Target) string {
	parts := make([]string, len(list))
	for i, t := range list {
		parts[i] = t.String()
	}
	return strings.Join(parts, ",")
}
