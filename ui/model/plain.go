package model

import "strings"

// Text is the open page as plain text, for a ticket or a mail.
func (d *Details) Text() string {
	var b strings.Builder
	section := func(s Section) {
		b.WriteString("[ " + s.Title + " ]\n")
		if s.Note != "" {
			b.WriteString(s.Note + "\n")
		}
		facts(&b, s.Rows, "    ")
		b.WriteByte('\n')
	}
	for _, list := range [][]Section{d.Statistics, d.Routes, d.DNS} {
		for _, s := range list {
			section(s)
		}
	}
	for _, h := range d.History {
		b.WriteString(joined("  ", h.At, h.Severity, h.Text, parenthesised(h.Code)) + "\n")
	}
	if d.Timeline != nil {
		for _, band := range d.Timeline.Bands {
			b.WriteString(band.Tip + "\n")
		}
		for _, k := range d.Timeline.Marks {
			b.WriteString("\n" + k.Title + "\n")
			facts(&b, k.Facts, "    ")
		}
	}
	if d.Preferences != nil {
		wishes(&b, d.Preferences)
	}
	if g := d.Diagnostics; g != nil {
		b.WriteString(joined("\n", g.Text, g.Step, g.Result, g.Error) + "\n")
	}
	if d.About != nil {
		b.WriteString(d.About.Name + "\n")
		facts(&b, d.About.Lines, "    ")
	}
	if d.Empty != "" {
		b.WriteString(d.Empty + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// wishes writes the preferences as their names in a profile, which support knows, with value and origin.
func wishes(b *strings.Builder, p *Preferences) {
	b.WriteString(p.For + "\n")
	for _, w := range p.List {
		if w.Heading != "" {
			b.WriteString("\n[ " + w.Heading + " ]\n")
		}
		b.WriteString("    " + joined("  ", w.Name+": "+w.Value, parenthesised(w.Origin), w.Why, w.Error) + "\n")
	}
}

// facts writes a line for each.
func facts(b *strings.Builder, list []Fact, indent string) {
	for _, f := range list {
		b.WriteString(indent + f.Label)
		if f.Value != "" {
			b.WriteString(": " + f.Value)
		}
		b.WriteByte('\n')
	}
}

func parenthesised(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}

// joined puts what is not empty together.
func joined(by string, parts ...string) string {
	var some []string
	for _, p := range parts {
		if p != "" {
			some = append(some, p)
		}
	}
	return strings.Join(some, by)
}
