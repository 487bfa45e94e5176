package cli

import (
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// slower is why packets go by TLS, by code. Where the agent's own words say more there is none.
var slower = map[string]string{
	ipc.TransportUDPBlocked:  "this network blocks UDP",
	ipc.TransportUDPRefused:  "nothing listens on the gateway's UDP port",
	ipc.TransportUDPStopped:  "UDP stopped working",
	ipc.TransportUDPNarrow:   "UDP carries only short packets here",
	ipc.TransportUDPUnstable: "UDP comes and goes",
}

// transport is what carries packets, and where that is not the faster way why, since when, and when that is tried next.
func transport(s ipc.State, now time.Time) string {
	name := strings.ToUpper(line(s.Transport))
	why := slower[s.TransportCode]
	if why == "" {
		why = line(s.TransportReason)
	}
	if why == "" {
		return name
	}
	at := s.TransportRetryAt
	if at == nil { // set up just now, or for good: since when says nothing
		return name + ": " + why
	}
	if s.TransportSince != nil {
		why += " since " + clockTime(*s.TransportSince, now)
	}
	if at.After(now) {
		return name + ": " + why + ", next try in " + span(at.Sub(now))
	}
	return name + ": " + why + ", trying again now"
}

// clockTime is the time of day, with its date where that is not today's.
func clockTime(at, now time.Time) string {
	at, now = at.Local(), now.Local()
	if at.YearDay() == now.YearDay() && at.Year() == now.Year() {
		return at.Format("15:04")
	}
	return at.Format("2006-01-02 15:04")
}

// waiting says that the gateway waits for the user elsewhere, and for how long the agent lets it.
func waiting(w *ipc.Waiting, now time.Time) string {
	if w == nil {
		return ""
	}
	return "for the gateway, which may want a confirmation on your phone; " + span(w.Until.Sub(now)) + " left"
}
