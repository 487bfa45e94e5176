package model

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/statistics"
)

// maxRoutes bounds what is shown of one table of a gateway's.
const maxRoutes = 500

// statisticsPage has the sections that AnyConnect users know, in their order; empty tables are left out.
func (m Model) statisticsPage(now time.Time) []Section {
	var list []Section
	for _, s := range statistics.Of(*m.pages.stats, now) {
		section := Section{Title: m.words.Text("details.section." + s.Key)}
		for _, r := range s.Rows {
			section.Rows = append(section.Rows, Fact{Label: m.words.Text("details.row." + r.Key), Value: m.value(r.Value)})
		}
		if s.Rows == nil {
			section.Rows = m.networks(s.Routes)
		}
		if len(section.Rows) > 0 {
			list = append(list, section)
		}
	}
	return list
}

// value is a value of the statistics in the person's language. Its numbers are as they are, as for Cisco's client: they are read over the phone and copied into tickets.
func (m Model) value(v statistics.Value) string {
	switch v.Word {
	case "":
		return v.Text
	case statistics.Remaining:
		return m.words.Remaining(v.Left)
	}
	if key := "details.phase." + string(v.Word); m.words.Has(key) {
		return m.words.Text(key)
	}
	return m.words.Text("details.word." + string(v.Word))
}

// networks is a table of routes.
func (m Model) networks(routes []string) []Fact {
	var rows []Fact
	for i, r := range routes {
		if i == maxRoutes {
			rows = append(rows, Fact{Label: m.words.Text("details.routes.more", locale.With("n", len(routes)-maxRoutes)), Tone: ToneFaint})
			break
		}
		rows = append(rows, Fact{Label: fault.Clean(r), Value: m.extent(r), Tone: TonePlain})
	}
	return rows
}

// extent is how much a network is, in words.
func (m Model) extent(cidr string) string {
	p, err := netip.ParsePrefix(cidr)
	switch {
	case err != nil:
		return ""
	case p.Bits() == 0:
		return m.words.Text("details.routes.everything")
	case p.Addr().IsUnspecified() && p.IsSingleIP():
		return m.words.Text("details.routes.localNetwork")
	}
	spare := p.Addr().BitLen() - p.Bits()
	if spare > 32 {
		return m.words.Text("details.routes.subnets", locale.With("size", "2"+raised.Replace(strconv.Itoa(spare))))
	}
	return m.words.Text("details.routes.addresses", locale.With("n", int64(1)<<spare))
}

// raised writes digits as an exponent.
var raised = strings.NewReplacer("0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹")

// routesPage says for each family what goes through the tunnel and what does not, and what that means.
func (m Model) routesPage(now time.Time) []Section {
	sections := map[string]statistics.Section{}
	modes := map[string]statistics.Value{}
	for _, s := range statistics.Of(ipc.Stats{State: m.state}, now) {
		sections[s.Key] = s
		for _, r := range s.Rows {
			modes[r.Key] = r.Value
		}
	}
	var list []Section
	for _, family := range []string{"4", "6"} {
		note := m.words.Text("details.mode."+string(modes["mode"+family].Word), locale.With("family", "IPv"+family))
		secured := Section{Title: m.words.Text("details.section.secured" + family), Note: note, Rows: m.networks(sections["secured"+family].Routes)}
		list = append(list, secured)
		if rows := m.networks(sections["open"+family].Routes); len(rows) > 0 {
			list = append(list, Section{Title: m.words.Text("details.section.open" + family), Note: m.words.Text("details.routes.direct"), Rows: rows})
		}
	}
	return list
}

// dnsPage says who answers for which names.
func (m Model) dnsPage() []Section {
	d := m.state.DNS
	if d == nil {
		return nil
	}
	list := []Section{{Title: m.words.Text("details.dns.servers"), Rows: m.plain(d.Servers)}}
	split := Section{Title: m.words.Text("details.dns.split"), Note: m.words.Text("details.dns.splitAll"), Rows: m.plain(d.Split)}
	if len(d.Split) > 0 {
		split.Note = m.words.Text("details.dns.splitSome")
	}
	list = append(list, split)
	if len(d.Search) > 0 {
		list = append(list, Section{Title: m.words.Text("details.dns.search"), Note: m.words.Text("details.dns.searchNote"), Rows: m.plain(d.Search)})
	}
	if d.Backend != "" {
		list = append(list, Section{Title: m.words.Text("details.dns.backend"), Rows: m.plain([]string{d.Backend})})
	}
	return list
}

// plain are rows without a label beside them.
func (m Model) plain(values []string) []Fact {
	rows := make([]Fact, 0, len(values))
	for i, v := range values {
		if i == maxRoutes {
			return append(rows, Fact{Label: m.words.Text("details.routes.more", locale.With("n", len(values)-maxRoutes)), Tone: ToneFaint})
		}
		rows = append(rows, Fact{Label: fault.Clean(v)})
	}
	return rows
}

// protocolName is a transport as people write it.
func protocolName(s string) string { return strings.ToUpper(fault.Clean(s)) }
