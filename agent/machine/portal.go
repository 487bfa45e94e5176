package machine

import (
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// This file holds what is done about networks that want a sign-in before they let anything out: a captive portal. It answers in the gateway's place, or lets
// nothing through. A failed try is what makes us look; a portal that is found is named, and the session waits for it without hurry. Nothing is ever sent to it: a
// token goes only to who has proved to be the gateway.

const (
	lookTime   = 3 * time.Second  // for the gateway's address, a name server, and the address that it gives
	lookAgain  = 5 * time.Second  // between two looks on one path where something answered in the gateway's place
	lookSeldom = 30 * time.Second // and where nothing did
	portalPace = 2 * time.Second  // between tries while a person signs in
	portalTime = 5 * time.Minute  // for which that pace is kept
)

// Look is the last look for a portal on a path.
type Look struct {
	Path   Path          `json:"path,omitzero"`
	At     time.Duration `json:"at"` // Mono
	Portal bool          `json:"portal,omitempty"`
}

// look returns the index of the last look on a path, -1 if there was none.
func (s State) look(p Path) int {
	return slices.IndexFunc(s.Looks, func(l Look) bool { return l.Path == p })
}

// Portal reports that a captive portal is in the way: a path has one, and there is no connection on another.
func (s State) Portal() bool {
	return s.Phase != Connected && s.Phase != Establishing && slices.ContainsFunc(s.Looks, func(l Look) bool { return l.Portal })
}

// signing reports that somebody may be signing in at a portal just now, and nothing else is to be hurried for. since is for how long there have been tries.
func (m *step) signing(since time.Duration) bool {
	portal := slices.ContainsFunc(m.s.Looks, func(l Look) bool { return l.Portal })
	return portal && since < portalTime && (since >= briskTime || m.walled())
}

// walled reports that every path has a portal.
func (m *step) walled() bool {
	return !slices.ContainsFunc(m.ways(), func(p Path) bool {
		i := m.s.look(p)
		return i < 0 || !m.s.Looks[i].Portal
	})
}

// suspect looks for a portal on a path where the gateway was not found, unless the session has no need of the path. It reports whether a look is under way.
func (m *step) suspect(p Path, f Fault) bool {
	if m.s.Policy.IgnorePortals || m.s.Frozen || m.calm() || f.Code == fault.NetNoPath || f.Code == fault.NetNoRoute {
		return false
	}
	if slices.ContainsFunc(m.s.Jobs, func(j Job) bool { return j.Kind == FxLook && j.Path == p }) {
		return true
	}
	i := m.s.look(p)
	if i >= 0 {
		pause := lookSeldom
		if f.impostor() || m.s.Looks[i].Portal {
			pause = lookAgain
		}
		if m.now.Mono-m.s.Looks[i].At < pause {
			return false
		}
	} else {
		i = len(m.s.Looks)
		m.s.Looks = append(m.s.Looks, Look{Path: p})
	}
	m.s.Looks[i].At = m.now.Mono
	m.startLook(p, f, lookTime)
	return true
}

// startLook starts a look and notes what made us do so.
func (m *step) startLook(p Path, f Fault, limit time.Duration) {
	m.note(ReasonPortalLook)
	m.publish = true
	m.start(Effect{Kind: FxLook, Server: m.s.Server, Path: p, Fault: f}, limit)
	m.s.Jobs[len(m.s.Jobs)-1].Fault = f
}

// looked takes what was seen on a path.
func (m *step) looked() {
	if j, ok := m.take(FxLook); ok {
		m.saw(j, m.ev.Fault.Code == fault.NetPortal)
	}
}

// saw is the end of a look while a session is there, or of one that a failed login waits for.
func (m *step) saw(j Job, portal bool) {
	if m.s.Phase == Connecting {
		m.sawAtLogin(j, portal)
		return
	}
	i := m.s.look(j.Path)
	if i < 0 {
		return // the path is gone
	}
	news := portal != m.s.Looks[i].Portal
	m.s.Looks[i].Portal = portal
	if !portal {
		m.decide(ReasonNoPortal)
		if j.Fault.impostor() {
			m.complain(j.Fault)
		}
		return
	}
	m.decide(ReasonPortal)
	f := faultOf(fault.NetPortal)
	if m.s.Phase != Reconnecting {
		return // the session has a way that works, or may have
	}
	m.s.Err = f
	if news {
		m.do(Effect{Kind: FxRaiseNotice, Fault: f})
	}
	if m.walled() && !m.s.Frozen && !m.s.has(FxCommit) {
		m.rearm()
	}
}

// complain tells the user of something that answers and is not the gateway, once.
func (m *step) complain(f Fault) {
	if !m.calm() {
		m.tellOnce(f)
	}
	if m.s.Phase == Reconnecting {
		m.s.Err = f
	}
}

// tellOnce raises a notice of what stands in the way, once in an outage however often it is met.
func (m *step) tellOnce(f Fault) {
	if told := m.s.Loss.Told; !slices.Contains(told, f.Code) {
		m.s.Loss.Told = append(slices.Clip(told), f.Code)
		m.do(Effect{Kind: FxRaiseNotice, Fault: f})
	}
}

// lookFirst has a failed login wait for a look, where a portal may be the reason and there is time left. A gateway that has answered is there.
func (m *step) lookFirst(f Fault, left time.Duration) bool {
	if m.s.Policy.IgnorePortals || m.s.Answered || !f.elsewhere() || f.Code == fault.NetNoName || f.Code == fault.NetNoPath || f.Code == fault.NetNoRoute || left <= 0 {
		return false
	}
	m.s.Budget = left
	m.startLook(Path{}, f, min(lookTime, left))
	return true
}

// sawAtLogin goes on with a login that failed. Behind a portal no backup server is any better.
func (m *step) sawAtLogin(j Job, portal bool) {
	if portal {
		m.end(faultOf(fault.NetPortal), CloseQuiet, ReasonPortal)
		return
	}
	m.decide(ReasonNoPortal)
	m.nextServer(j.Fault, m.s.Budget-(m.now.Mono-j.Start))
}

// letThrough forgets what was seen on a path on which the gateway has answered.
func (m *step) letThrough(p Path) { m.forgetLooks(func(q Path) bool { return q == p }) }

// everyPath is for forgetLooks.
func everyPath(Path) bool { return true }

// forgetLooks forgets what was seen on some paths, and gives up looking there.
func (m *step) forgetLooks(gone func(Path) bool) {
	m.s.Looks = slices.DeleteFunc(m.s.Looks, func(l Look) bool { return gone(l.Path) })
	m.cancel(func(j Job) bool { return j.Kind == FxLook && gone(j.Path) })
}

// urged is a user who asks for the connection while it is looked for: he may have signed in to the network just now.
func (m *step) urged() {
	m.decide(ReasonUrged)
	if m.s.has(FxCommit) {
		return
	}
	for i := range m.s.Looks {
		m.s.Looks[i].At = max(m.now.Mono-lookSeldom, 0)
	}
	if m.s.Offline() { // the system sees no network, the user may
		m.s.Loss.Delay = slowest
		m.round()
		return
	}
	m.search()
}
