package machine

import "strings"

// Reason says what a step decided and why. Its number is the reconnect reason code of `state` and of the timeline: where the AnyConnect client's number for the
// same thing is known (6, 9, 15, 16) it is that number, our own begin at 100. docs/reason-codes.md lists them.
type Reason uint8

// The reasons. Those of 1 to 99 and of 120 to 139 can be the cause of a reconnect.
const (
	ReasonNone      Reason = 0
	ReasonDisrupted Reason = 6
	ReasonResume    Reason = 9
	ReasonNewPath   Reason = 15
	ReasonNewMTU    Reason = 16

	ReasonConnect     Reason = 100
	ReasonAsk         Reason = 101
	ReasonAnswer      Reason = 102
	ReasonRefused     Reason = 103
	ReasonNobody      Reason = 104
	ReasonBackup      Reason = 105
	ReasonLoggedIn    Reason = 106
	ReasonApplied     Reason = 107
	ReasonFailed      Reason = 108
	ReasonBudget      Reason = 109
	ReasonApplyFailed Reason = 110
	ReasonQueued      Reason = 111
	ReasonSpoke       Reason = 112
	ReasonWait        Reason = 113
	ReasonWaited      Reason = 114

	ReasonPeerDead     Reason = 120
	ReasonSilence      Reason = 121
	ReasonServerClosed Reason = 122
	ReasonRekey        Reason = 123
	ReasonUnanswered   Reason = 124
	ReasonRenew        Reason = 125
	ReasonRestarted    Reason = 126

	ReasonCommit      Reason = 140
	ReasonHold        Reason = 141
	ReasonRebound     Reason = 142
	ReasonNewSettings Reason = 143
	ReasonAlive       Reason = 144
	ReasonRetry       Reason = 145
	ReasonWrongPlace  Reason = 146
	ReasonNotNow      Reason = 147
	ReasonOffline     Reason = 148
	ReasonSameNetwork Reason = 149
	ReasonReachFailed Reason = 150
	ReasonPathGone    Reason = 151
	ReasonFreeze      Reason = 152
	ReasonRound       Reason = 153
	ReasonTimeout     Reason = 154
	ReasonSuperseded  Reason = 155
	ReasonCarrier     Reason = 156
	ReasonFitted      Reason = 157
	ReasonKeys        Reason = 158
	ReasonInPlace     Reason = 159

	ReasonUser        Reason = 160
	ReasonLocked      Reason = 161
	ReasonShutdown    Reason = 162
	ReasonSuspend     Reason = 163
	ReasonSessionLost Reason = 164
	ReasonSessionTime Reason = 165
	ReasonLostTime    Reason = 166
	ReasonNoReconnect Reason = 167
	ReasonCleaned     Reason = 168
	ReasonNotCleaned  Reason = 169
	ReasonLate        Reason = 170
	ReasonDeviceGone  Reason = 171
	ReasonIdle        Reason = 172

	ReasonMove     Reason = 180
	ReasonLook     Reason = 181
	ReasonFlapping Reason = 183
	ReasonSwap     Reason = 182

	ReasonPortalLook Reason = 190
	ReasonPortal     Reason = 191
	ReasonNoPortal   Reason = 192
	ReasonUrged      Reason = 193
)

// reasonTexts are the sentences of the timeline.
var reasonTexts = map[Reason]string{
	ReasonNone:      "nothing to decide",
	ReasonDisrupted: "the connection to the gateway broke: packets are held, a new one is looked for on every path",
	ReasonResume:    "the machine woke from sleep: the old connection is asked for a sign of life, new ones are tried beside it",
	ReasonNewPath:   "the network changed: the old connection is asked for a sign of life, new ones are tried beside it",
	ReasonNewMTU:    "packets of another size fit (new MTU): only that is applied, nothing is negotiated",

	ReasonConnect:     "a connection was asked for: log in",
	ReasonAsk:         "the gateway asks something: ask the user, and stop counting our own time",
	ReasonAnswer:      "the user answered: go on",
	ReasonRefused:     "the user refused to answer: the login ends",
	ReasonNobody:      "nobody answered in time: the login is given up",
	ReasonBackup:      "this server cannot be used: try the next",
	ReasonLoggedIn:    "the login made a tunnel: apply what it wants of this machine",
	ReasonApplied:     "this machine is set up: let packets flow",
	ReasonFailed:      "the login failed, and trying again cannot help",
	ReasonBudget:      "the time for connecting is used up",
	ReasonApplyFailed: "this machine could not be set up: undo everything",
	ReasonQueued:      "a connection was asked for while another ends: connect after that",
	ReasonSpoke:       "the gateway has answered",
	ReasonWait:        "the gateway has the answers and may be waiting for the user: stop counting our own time",
	ReasonWaited:      "the gateway goes on: count our own time again",

	ReasonPeerDead:     "the gateway did not answer dead peer detection: packets are held, a new connection is looked for",
	ReasonSilence:      "sent and nothing came back: the old connection is asked for a sign of life, new ones are tried if none comes",
	ReasonServerClosed: "the gateway closed the tunnel: ask it once more with the token, after a moment",
	ReasonRekey:        "the gateway wants a new tunnel: make one beside the old",
	ReasonRenew:        "the tunnel works only in part: make a new one beside it, packets flow meanwhile",
	ReasonUnanswered:   "nothing answers, neither the old connection nor a new one: packets are held, the old is kept, tries go on",
	ReasonRestarted:    "the agent was restarted: the session it had is taken up again, packets are held until the gateway answers",

	ReasonCommit:      "a new connection answered and the old one is of no use: present the token on the new one",
	ReasonHold:        "a new connection answered: the old one is given three round trips",
	ReasonRebound:     "the session goes on with the same settings: let packets flow",
	ReasonNewSettings: "the session goes on with other settings: apply the difference",
	ReasonAlive:       "the old connection answers: keep it",
	ReasonRetry:       "the gateway did not take the session up now: try again",
	ReasonWrongPlace:  "what answers there is not the gateway: no token is sent, try again",
	ReasonNotNow:      "the gateway refused the token without saying that the session is over: once more, later",
	ReasonOffline:     "no way to the gateway: wait for a network",
	ReasonSameNetwork: "the way to the gateway is as before: nothing to do",
	ReasonReachFailed: "no connection on this path: try again",
	ReasonPathGone:    "the network that was being used went away: look for another",
	ReasonFreeze:      "the machine goes to sleep: nothing new is started, the session is kept",
	ReasonRound:       "still nothing: ask again on every path",
	ReasonTimeout:     "no answer in time: that try is given up",
	ReasonSuperseded:  "the older tunnel ended, as it must when the token is presented: wait for the new one",
	ReasonInPlace:     "what the former agent set up on this machine is in place: keep it",
	ReasonFitted:      "this machine has the new MTU: packets flow as before",
	ReasonKeys:        "packets travel by the same transport under new keys: nothing else changes",
	ReasonMove:        "a new connection answered on a network that the system likes better: present the token there",
	ReasonFlapping:    "networks come and go too often: stay for now, and look at the better one later",
	ReasonLook:        "there is a network that the system likes better: ask whether the gateway answers there",
	ReasonSwap:        "a new connection answered: present the token there, which ends the old tunnel, as planned",
	ReasonCarrier:     "the tunnel tells how its packets travel now: addresses, routes and names stay as they are",

	ReasonUser:        "the user ended the session",
	ReasonLocked:      "policy does not allow to disconnect",
	ReasonShutdown:    "the agent stops: end the session",
	ReasonSuspend:     "the machine goes to sleep, and policy ends the session then",
	ReasonSessionLost: "the gateway no longer knows the session: only a new login helps",
	ReasonSessionTime: "the session's time is over",
	ReasonLostTime:    "the gateway was out of reach for longer than it keeps the session",
	ReasonNoReconnect: "the tunnel is lost and policy does not allow to reconnect",
	ReasonCleaned:     "everything is undone",
	ReasonNotCleaned:  "something did not end in time: go on without it",
	ReasonLate:        "a late answer of something given up: close what it opened",
	ReasonDeviceGone:  "the tunnel device was taken away: end the session and undo everything",
	ReasonIdle:        "the gateway closed a tunnel that nothing had used for as long as it allows: end the session",

	ReasonPortalLook: "who answers there is not the gateway, or nobody does: see whether this network wants a sign-in",
	ReasonPortal:     "this network wants a sign-in before it lets anything out: no token is sent, a session is kept and tried again",
	ReasonNoPortal:   "no sign-in page answers: go on as before",
	ReasonUrged:      "the user wants it now: try again at once",
}

// String is the reason as the timeline prints it: what was found, and after a colon what is done about it.
func (r Reason) String() string { return reasonTexts[r] }

// Cause is the first half of the sentence, what was found: what `state` says of the last reconnect.
func (r Reason) Cause() string {
	cause, _, _ := strings.Cut(reasonTexts[r], ":")
	return cause
}

// Reasons lists every reason in order of its number.
func Reasons() []Reason {
	var all []Reason
	for r := range 256 {
		if _, ok := reasonTexts[Reason(r)]; ok {
			all = append(all, Reason(r))
		}
	}
	return all
}
