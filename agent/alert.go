package agent

import (
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Where a gateway limits a session and does not say how early its user wants to know of the end.
const (
	alertTime     = 5 * time.Minute
	alertShortest = 15 * time.Minute // of a session for which that makes sense
)

// alertIn is how long it is until the owner is told that the session's time is nearly over (X-CSTP-Session-Timeout-Alert-Interval); not ok where nothing is to be told.
func (l *loop) alertIn(now machine.Instant) (wait time.Duration, ok bool) {
	set := l.status.settings
	end, limited := l.state.Expires()
	if set == nil || !limited {
		return 0, false
	}
	early := set.TimeoutAlert
	if early == 0 && set.SessionTimeout >= alertShortest {
		early = alertTime
	}
	return end - early - now.Boot, early > 0
}

// alert tells the owner, once for each time the end comes near: a reconnect may move it a little, or far away again.
func (l *loop) alert(now machine.Instant) {
	wait, ok := l.alertIn(now)
	if !ok || wait > 0 {
		l.changed = l.changed || l.alerted
		l.alerted = false
		return
	}
	if l.alerted {
		return
	}
	l.alerted, l.changed = true, true
	end, _ := l.state.Expires()
	left := max(0, end-now.Boot).Round(time.Second)
	f := fault.Newf(fault.GwEnding, nil, "%s left", left)
	e := l.timeline.add(l.owner(), ipc.Entry{At: l.cfg.Wall(), Phase: l.state.Phase.String(), Event: "session-ending", Evidence: f.Sentence()})
	l.news = append(l.news, func(h *ipc.Hub) {
		h.Timeline(e)
		h.Notice(ipc.Error{Code: string(f.Code), Message: f.Sentence(), Hint: f.AllHints()[0]})
	})
	l.log.Info("the session's time is nearly over", "left", left)
}
