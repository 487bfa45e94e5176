package statistics

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// Value is what a row says: a Word, or Text where that is empty.
type Value struct {
	Word Word
	Text string
	Left time.Duration // of Remaining, in whole minutes
}

// Word is a fixed answer: lower case, the key of its translations. Besides the constants the states of the contract are words.
type Word string

// The words.
const (
	NotAvailable Word = "notAvailable"
	None         Word = "none"
	NoProxy      Word = "noProxy"
	Undefined    Word = "undefined"
	Disabled     Word = "disabled"
	DropAll      Word = "dropAll"
	SplitExclude Word = "splitExclude"
	TunnelAll    Word = "tunnelAll"
	SplitTunnel  Word = "splitTunnel"
	BypassAll    Word = "bypassAll"
	Remaining    Word = "remaining" // with Value.Left
)

// english are the words as AnyConnect users know them.
var english = map[Word]string{
	NotAvailable: "Not Available", None: "None", NoProxy: "No Proxy", Undefined: "Undefined", Disabled: "Disabled",
	DropAll: "Drop All Traffic", SplitExclude: "Split Exclude", TunnelAll: "Tunnel All Traffic", SplitTunnel: "Split Tunnel", BypassAll: "Bypass All Traffic",
	Remaining:      "%d Hours %d Minutes Remaining",
	"disconnected": "Disconnected", "connecting": "Connecting", "authenticating": "Authenticating", "establishing": "Establishing", "connected": "Connected",
	"reconnecting": "Reconnecting", "paused": "Paused", "blocked": "Blocked", "disconnecting": "Disconnecting",
}

// Words lists every word that a Value can have, for a test of translations.
func Words() []Word { return slices.Sorted(maps.Keys(english)) }

// String is the value in English.
func (v Value) String() string {
	switch v.Word {
	case "":
		return v.Text
	case Remaining:
		h, m := v.Hours()
		return fmt.Sprintf(english[Remaining], h, m)
	}
	return english[v.Word]
}

// Hours is Left as hours and minutes.
func (v Value) Hours() (hours, minutes int64) {
	m := int64(v.Left / time.Minute)
	return m / 60, m % 60
}

// states are those of the contract, which are words.
var states = []string{"disconnected", "connecting", "authenticating", "establishing", "connected", "reconnecting", "paused", "blocked", "disconnecting"}

// state is a state of the contract as a word; a newer agent may have others.
func state(s string) Value {
	if slices.Contains(states, s) {
		return word(Word(s))
	}
	return known(s)
}

// clock is a duration as HH:MM:SS.
func clock(seconds int64) string {
	seconds = max(seconds, 0)
	return fmt.Sprintf("%02d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}

// remaining is the time to the session's end.
func remaining(x *ipc.Session, now time.Time) Value {
	if x == nil || x.Expires == nil {
		return word(None)
	}
	return Value{Word: Remaining, Left: max(x.Expires.Sub(now), 0).Truncate(time.Minute)}
}
