package modeltest

import (
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/profile"
	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
)

// Details makes the situations of the details window, in which it is open: every page as it is after a morning with an outage, and pages that have nothing to show.
func Details(l locale.Language) []Case {
	var all []Case
	for _, s := range pages {
		c := NewScript(l)
		s.play(c)
		all = append(all, Case{s.name, c.Model, c.Now})
	}
	return all
}

// pages are those situations.
var pages = []situation{
	{"details-statistics", page(model.TabStatistics)},
	{"details-routes", page(model.TabRoutes)},
	{"details-dns", page(model.TabDNS)},
	{"details-history", page(model.TabHistory)},
	{"details-timeline", page(model.TabTimeline)},
	{"details-preferences", page(model.TabPreferences)},
	{"details-refused", func(s *Script) {
		page(model.TabPreferences)(s)
		s.Send(model.Prefer{Name: "LocalLanAccess", Value: "false"})
		s.Send(model.Done{Command: s.last(), Err: fault.New(fault.HostDir, nil)})
	}},
	{"details-about", page(model.TabAbout)},
	{"details-diagnostics", func(s *Script) {
		morning(s)
		v := Agent
		v.Features = append([]string{ipc.FeatureDart}, v.Features...)
		s.Send(model.AgentHere{Version: v}, model.ShowDetails{Tab: model.TabDiagnostics}, model.Collect{}, model.Progressed{Part: 0.6, Step: "System/routes-now.txt"})
	}},
	{"details-disconnected", func(s *Script) {
		here(s)
		s.State(Phase("disconnected", s.Now)).Send(model.ShowDetails{Tab: model.TabStatistics})
	}},
	{"details-agent-absent", func(s *Script) {
		gone(fault.AgentUnreachable)(s)
		s.Send(model.ShowDetails{Tab: model.TabTimeline})
	}},
}

// page has a page opened and filled.
func page(t model.Tab) func(*Script) {
	return func(s *Script) {
		morning(s)
		st := Phase("connected", s.Now.Add(-50*time.Minute))
		st.Counters = &ipc.Counters{TxBytes: 12_843_117, RxBytes: 184_201_934, TxPackets: 48_120, RxPackets: 141_882}
		end := s.Now.Add(7*time.Hour + 10*time.Minute + 30*time.Second)
		st.Session.Expires = &end
		st.SplitExclude = []string{"10.99.0.0/16", "0.0.0.0/32"}
		s.State(st).Send(model.ShowDetails{Tab: t})
		switch t {
		case model.TabStatistics:
			s.Send(model.Measured{Stats: ipc.Stats{State: st, DurationS: 3000, Control: ipc.Frames{Tx: 102, Rx: 101}}})
		case model.TabTimeline:
			s.Send(model.Past{Entries: Morning(s.Now)})
		case model.TabPreferences:
			s.Send(model.Ruled{Policy: Preferences()})
		}
	}
}

// morning is a session with an outage of half a minute, and a notice.
func morning(s *Script) {
	connecting(s)
	s.State(Phase("authenticating", s.Now)).Later(8 * time.Second)
	s.State(Phase("establishing", s.Now)).Later(400 * time.Millisecond)
	began := s.Now
	s.State(Phase("connected", began)).Later(20 * time.Minute)
	s.State(Phase("reconnecting", began)).Later(31 * time.Second)
	tls := Phase("connected", began)
	tls.Transport = "tls"
	s.State(tls).Later(4 * time.Minute)
	s.State(Phase("connected", began)).Later(15 * time.Minute)
	e := Fault(fault.GwEnding)
	s.Send(model.Happened{Event: ipc.Event{Type: "notice", At: s.Now, Notice: &e}}).Later(10 * time.Minute)
}

// Morning is what an agent tells of such a session up to now: what was found, and after a colon what was done.
func Morning(now time.Time) []ipc.Entry {
	var list []ipc.Entry
	tell := func(ago time.Duration, phase, event string, code int, reason, evidence string, took float64, effects ...string) {
		list = append(list, ipc.Entry{
			At: now.Add(-ago), Seq: uint64(len(list) + 1), Phase: phase, Event: event, Code: code, Reason: reason, Evidence: evidence, TookMS: took, Effects: effects, // #nosec G115 -- a few
		})
	}
	const min = time.Minute
	tell(50*min, "connecting", "connect-requested", 100, "a connection was asked for: log in", "", 0, "start-attempt")
	tell(50*min-300*time.Millisecond, "connecting", "answered", 112, "the gateway has answered", "203.0.113.7:443", 0)
	tell(50*min-time.Second, "authenticating", "prompt-needed", 101, "the gateway asks something: ask the user, and stop counting our own time", "", 0, "ask-user")
	tell(49*min, "connecting", "prompt-answered", 102, "the user answered: go on", "", 0)
	tell(49*min-2*time.Second, "establishing", "tunnel-opened", 106, "the login made a tunnel: apply what it wants of this machine", "eth0/192.0.2.10", 62_000, "apply-network")
	tell(49*min-3*time.Second, "connected", "network-applied", 107, "this machine is set up: let packets flow", "", 812, "start-pump")
	tell(40*min, "connected", "carrier-changed", 156, "the tunnel tells how its packets travel now: addresses, routes and names stay as they are", "dtls", 0)
	tell(27*min, "connected", "network-changed", 149, "the way to the gateway is as before: nothing to do", "eth0/192.0.2.10, wlan0/198.51.100.7", 0)
	tell(25*min, "reconnecting", "network-changed", 151, "the network that was being used went away: look for another", "wlan0/198.51.100.7", 0, "stop-pump", "start-reach")
	tell(25*min-3*time.Second, "reconnecting", "reach-failed", 150, "no connection on this path: try again", "wlan0/198.51.100.7: NET-004 the gateway does not answer", 3000)
	tell(24*min, "reconnecting", "reached", 140, "a new connection answered and the old one is of no use: present the token on the new one", "wlan0/198.51.100.7", 143, "commit")
	list[len(list)-2].Fault = string(fault.NetSilent)
	tell(24*min-time.Second, "connected", "rebound", 142, "the session goes on with the same settings: let packets flow", "", 96, "start-pump")
	list[len(list)-1].Level, list[len(list)-1].OutageMS = "session", 61_000
	tell(12*min, "connected", "attempt-failed", 108, "the login failed, and trying again cannot help", "a try by another program", 0)
	return list
}

// Preferences are the values in force where a profile leaves some of them to the person.
func Preferences() ipc.Policy {
	p := ipc.Policy{Target: "Head office", Profile: "example.xml"}
	for _, r := range profile.Effective(nil, nil).Rows() {
		s := ipc.Setting{Name: r.Name, Value: r.Value, Origin: r.Origin, Locked: r.Locked, Why: r.Why, User: r.User, Status: r.Status.String()}
		switch r.Name {
		case "LocalLanAccess":
			s.Origin = profile.OriginUser
		case "AutoReconnect":
			s.Origin, s.Locked, s.Why = "example.xml", true, "example.xml"+profile.WhyProfile
		case "AutoReconnectBehavior":
			s.Origin = profile.OriginGateway + "vpn.example.com"
		}
		p.Settings = append(p.Settings, s)
	}
	return p
}

// last is the command that the Model gave last but for Wake.
func (s *Script) last() model.Command {
	for i := len(s.Commands) - 1; i >= 0; i-- {
		if _, ok := s.Commands[i].(model.Wake); !ok {
			return s.Commands[i]
		}
	}
	return nil
}
