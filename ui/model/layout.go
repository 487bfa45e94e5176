package model

import (
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// details is the details window as it is to be seen, nil while it is closed.
func (m Model) details(now time.Time) *Details {
	if !m.pages.open {
		return nil
	}
	d := &Details{Title: m.words.Text("details.title"), Open: m.pages.tab}
	for t := range Tab(len(tabs)) {
		if t == TabDiagnostics && !m.version.Offers(ipc.FeatureDart) {
			continue // it appears when an agent has it
		}
		d.Tabs = append(d.Tabs, TabLabel{t, m.words.Text("details.tab." + t.String())})
	}
	if d.Empty = m.missing(); d.Empty != "" {
		return d
	}
	switch m.pages.tab {
	case TabStatistics:
		d.Statistics = m.statisticsPage(now)
	case TabRoutes:
		d.Routes = m.routesPage(now)
	case TabDNS:
		d.DNS = m.dnsPage()
	case TabHistory:
		d.History = m.historyLines(now)
	case TabTimeline:
		d.Timeline = m.timelinePage(now)
	case TabPreferences:
		d.Preferences = m.preferencesPage()
	case TabDiagnostics:
		d.Diagnostics = m.diagnosticsPage()
	case TabAbout:
		d.About = m.aboutPage()
	}
	d.Buttons = m.pageButtons(now)
	return d
}

// missing is what to say in place of a page that has nothing to show, and what to do about it; "" where it has.
func (m Model) missing() string {
	tab := m.pages.tab
	switch {
	case tab == TabAbout:
		return ""
	case tab == TabHistory:
		return m.saidIf(len(m.pages.history.lines) == 0, "details.empty.history")
	case !m.here:
		return m.words.Text("details.empty.agent")
	case tab == TabDiagnostics:
		return m.saidIf(!m.version.Offers(ipc.FeatureDart), "details.empty.older")
	case tab == TabTimeline && !m.version.Offers(ipc.FeatureTimeline), tab == TabPreferences && !m.version.Offers(ipc.FeaturePreferences):
		return m.words.Text("details.empty.older")
	}
	if what, any := tab.needs(); any {
		if err := m.pages.failed[what]; err != nil {
			return m.explained(err)
		}
	}
	switch tab {
	case TabStatistics:
		if down(m.state) {
			return m.words.Text("details.empty.session")
		}
		return m.saidIf(m.pages.stats == nil, "details.empty.asking")
	case TabRoutes:
		return m.saidIf(!m.settled(), "details.empty.session")
	case TabDNS:
		if m.settled() {
			return m.saidIf(m.state.DNS == nil, "details.empty.dns")
		}
		return m.words.Text("details.empty.session")
	case TabTimeline:
		if m.pages.past != nil && len(m.pages.past) == 0 {
			return m.words.Text("details.empty.timeline")
		}
		return m.saidIf(m.pages.past == nil, "details.empty.asking")
	case TabPreferences:
		return m.saidIf(m.pages.policy == nil, "details.empty.asking")
	}
	return ""
}

// settled reports whether there is a session whose settings this person may see.
func (m Model) settled() bool { return m.state.TunnelAll != nil || len(m.state.SplitInclude) > 0 }

// saidIf is the text of a key where a condition holds.
func (m Model) saidIf(holds bool, key string) string {
	if !holds {
		return ""
	}
	return m.words.Text(key)
}

// pageButtons are those below the page.
func (m Model) pageButtons(now time.Time) []Button {
	switch m.pages.tab {
	case TabPreferences, TabDiagnostics:
		return nil
	}
	copied := Button{Label: m.words.Text("details.copy"), Msg: Copy{}}
	if now.Before(m.pages.copied.Add(thanks)) {
		copied.Label = m.words.Text("details.copied")
	}
	buttons := []Button{copied}
	if m.pages.tab != TabAbout {
		buttons = append(buttons, Button{Label: m.words.Text("details.export"), Msg: Export{}})
	}
	return buttons
}
