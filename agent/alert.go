package agent

import (
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Where a gateway limits a session: how early its owner is told of the end. The first word is the gateway's to choose, if it does.
const (
	firstAlert   = 15 * time.Minute
	lastAlert    = 5 * time.Minute
	alertPortion = 2 // a session is at least so many times as long as the word comes early, where the gateway does not say
)

// alerts are the times before the session's end at which its owner is told, the earliest first (X-CSTP-Session-Timeout-Alert-Interval).
func (l *loop) alerts() []time.Duration {
	set := l.status.settings
	if set == nil {
		return nil
	}
	var list []time.Duration
	switch {
	case set.TimeoutAlert > 0:
		list = append(list, set.TimeoutAlert)
	case set.SessionTimeout >= alertPortion*firstAlert:
		list = append(list, firstAlert)
	case set.SessionTimeout >= alertPortion*lastAlert:
		return []time.Duration{lastAlert}
	}
	if len(list) > 0 && list[0] > lastAlert {
		list = append(list, lastAlert)
	}
	return list
}

// alertIn is how long it is until the owner is told again that the session's time is nearly over; not ok where nothing is to be told.
func (l *loop) alertIn(now machine.Instant) (wait time.Duration, ok bool) {
	end, limited := l.state.Expires()
	if !limited {
		return 0, false
	}
	for _, early := range l.alerts() {
		if l.alerted == 0 || early < l.alerted {
			return end - early - now.Boot, true
		}
	}
	return 0, false
}

// alert tells the owner, once for each time the end comes near: a reconnect may move it a little, or far away again.
func (l *loop) alert(now machine.Instant) {
	end, limited := l.state.Expires()
	due := time.Duration(0) // the shortest of those whose time has come
	for _, early := range l.alerts() {
		if limited && end-early <= now.Boot {
			due = early
		}
	}
	switch {
	case due == 0:
		l.changed = l.changed || l.alerted > 0
		l.alerted = 0
		return
	case l.alerted > 0 && due >= l.alerted:
		return
	}
	l.alerted, l.changed = due, true
	left := max(0, end-now.Boot).Round(time.Second)
	f := fault.Newf(fault.GwEnding, nil, "%s left", left)
	e := l.timeline.add(l.owner(), ipc.Entry{At: l.cfg.Wall(), Phase: l.state.Phase.String(), Event: "session-ending", Evidence: f.Sentence()})
	l.news = append(l.news, func(h *ipc.Hub) {
		h.Timeline(e)
		h.Notice(ipc.Error{Code: string(f.Code), Message: f.Sentence(), Hint: f.AllHints()[0]})
	})
	l.log.Info("the session's time is nearly over", "left", left)
}
