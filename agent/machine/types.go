package machine

import (
	"net/netip"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Instant is now, on two clocks: Mono stands still while the machine sleeps, Boot does not. Round trips and retries count Mono, sessions and leases Boot.
type Instant struct{ Mono, Boot time.Duration }

// Phase is where the session is.
type Phase uint8

const (
	Disconnected Phase = iota
	Connecting
	Authenticating
	Establishing
	Connected
	Reconnecting
	Paused
	Blocked
	Disconnecting
	phaseEnd
)

var phaseNames = [...]string{"disconnected", "connecting", "authenticating", "establishing", "connected", "reconnecting", "paused", "blocked", "disconnecting"}

// String is the phase's name in the contract's `state`.
func (p Phase) String() string {
	if int(p) < len(phaseNames) {
		return phaseNames[p]
	}
	return "unknown"
}

// Want is intent, kept apart from the phase.
type Want uint8

const (
	WantDown Want = iota
	WantUp
)

// After says what follows a disconnect.
type After uint8

const (
	AfterNothing After = iota
	AfterReconnect
	AfterBlock
)

// ID names an attempt, a reach, a tunnel, an apply, a probe or a prompt; 0 is none. The machine numbers what it starts from one counter in the State and never
// uses a number twice. A tunnel has the number of the login or commit that opened it; prompts are numbered by the shell, which must not use a number twice either.
type ID uint64

// Path is one way to the gateway. The zero Path means "as the system routes".
type Path struct {
	IfIndex int        `json:"if,omitempty"`
	Name    string     `json:"name,omitempty"`
	Local   netip.Addr `json:"local,omitzero"`
	NextHop netip.Addr `json:"hop,omitzero"`
}

// NetPlan is what a tunnel wants of the host, comparable: addresses and MTU as they are, the rest as a digest.
type NetPlan struct {
	Addr4  netip.Prefix `json:"addr4,omitzero"`
	Addr6  netip.Prefix `json:"addr6,omitzero"`
	MTU    int          `json:"mtu,omitempty"`
	Digest uint64       `json:"digest,omitempty"`
}

// Limits is what the gateway said of the session's life. Zero is off. Session counts from the login, Disconnected from the loss of the tunnel.
type Limits struct {
	Session      time.Duration `json:"session,omitempty"`
	Disconnected time.Duration `json:"disconnected,omitempty"`
	Idle         time.Duration `json:"idle,omitempty"`
}

// Policy is what the profile says, as far as the machine decides by it.
type Policy struct {
	AutoReconnect       bool `json:"auto_reconnect"`
	DisconnectOnSuspend bool `json:"disconnect_on_suspend,omitempty"`
	Backups             int  `json:"backups,omitempty"`        // how many backup servers there are; the shell knows them by number, 1 and up
	LockUp              bool `json:"lock_up,omitempty"`        // always-on: the user may not disconnect
	IgnorePortals       bool `json:"ignore_portals,omitempty"` // DisableCaptivePortalDetection: no sign-in page is looked for
}

// EventKind names what happened.
type EventKind uint8

const (
	EvTick EventKind = iota + 1
	// From clients.
	EvConnectRequested    // Policy, Deadline (budget of connect --timeout; 0 is the default)
	EvDisconnectRequested // by the owner or root
	EvShutdown            // the agent is stopping
	EvPromptNeeded        // Attempt, Prompt
	EvPromptAnswered      // Attempt, Prompt
	EvPromptCancelled     // Attempt, Prompt: the user said no, or it ran out
	// Of attempts.
	EvTunnelOpened  // Attempt, Tunnel, Plan, Limits, Path: a login that ended in a tunnel. Path zero means the best known one
	EvAttemptFailed // Attempt, Fault
	EvReached       // Attempt (the reach), Path, RTT
	EvReachFailed   // Attempt (the reach), Path, Fault
	EvRebound       // Attempt (the commit), Tunnel, Plan, Limits, Path: as of EvTunnelOpened, where the reach was not bound to one
	EvRebindFailed  // Attempt (the commit), Fault
	// Of the host.
	EvNetworkApplied // Attempt (the apply)
	EvApplyFailed    // Attempt (the apply), Fault
	EvReverted       // Attempt (the apply)
	// Of tunnels.
	EvCarrierDown  // Tunnel, Fault
	EvPeerDead     // Tunnel: DPD unanswered
	EvServerClosed // Tunnel, Reason, Unused
	EvRekeyDue     // Tunnel
	EvSilence      // Tunnel, Asked: sent and nothing heard, for how long a question has been out
	EvHeard        // Tunnel: it answers again
	EvProbed       // Attempt (the probe), Tunnel
	EvProbeFailed  // Attempt (the probe), Tunnel, Fault
	EvTunnelClosed // Tunnel: CloseTunnel was carried out
	// Of the machine we run on.
	EvNetworkChanged // Paths: the ways to the gateway, best first, of which eight count; empty is offline. Path: that of the tunnel, where it was not known
	EvSuspending
	EvResumed // Slept: how long the machine slept; 0 when only we stood still, as in a paused virtual machine
	// EvAnswered (Attempt) says that the gateway of a login has answered at all. It decides what the end of the budget is called: GW-007, without it NET-006.
	EvAnswered
	// EvWaitBegan (Attempt): the gateway of a login has the user's answers and may be waiting for what he does elsewhere, on a phone. EvWaitEnded (Attempt): it
	// goes on. In between our own time stands still, as it does for a prompt, and AuthIdle counts.
	EvWaitBegan
	EvWaitEnded
	EvDeviceGone // of the host: the tunnel device ended without us
	// EvCarrierChanged (Tunnel): its packets travel by another transport, DTLS or TLS. The tunnel does that by itself, and nothing on the host changes.
	EvCarrierChanged
	// EvMTUChanged (Tunnel, Plan): packets of another size fit through the tunnel, which has negotiated nothing anew. Plan is what it wants of the host now.
	EvMTUChanged
	// EvRenewDue (Tunnel): a new tunnel of the same session would be better, for a reason of our own: one of its transports is of no use. It may come again.
	EvRenewDue
	// EvKeysChanged (Tunnel): its packets travel by the same transport under new keys.
	EvKeysChanged
	EvLooked // Attempt (the look), Path, Fault: NET-007 when a sign-in page answers there, none when nothing says so
	// EvAdopted (Policy, Plan, Limits, Path, Kept): this agent was started in place of one that died with a session, which may still live at the gateway. Its changes of the
	// host stand, by Plan; Path is the way of its last tunnel. The first event a machine sees of a session.
	EvAdopted
	evEnd
)

var eventNames = [...]string{"", "tick", "connect-requested", "disconnect-requested", "shutdown", "prompt-needed", "prompt-answered", "prompt-cancelled",
	"tunnel-opened", "attempt-failed", "reached", "reach-failed", "rebound", "rebind-failed", "network-applied", "apply-failed", "reverted",
	"carrier-down", "peer-dead", "server-closed", "rekey-due", "silence", "heard", "probed", "probe-failed", "tunnel-closed",
	"network-changed", "suspending", "resumed", "answered", "wait-began", "wait-ended", "device-gone", "carrier-changed", "mtu-changed", "renew-due", "keys-changed", "looked", "adopted"}

// String is the event's name in timelines and records.
func (k EventKind) String() string {
	if int(k) < len(eventNames) {
		return eventNames[k]
	}
	return "unknown"
}

// Fault is a failure as the machine sees it.
type Fault struct {
	Code fault.Code `json:"code,omitempty"`
	Kind fault.Kind `json:"kind,omitempty"`
}

// Kept is what is known of a session that a former agent left. Login and Expires are Boot time; Expires is 0 where the gateway sets no limit.
type Kept struct {
	Login    time.Duration `json:"login,omitempty"`
	Expires  time.Duration `json:"expires,omitempty"`
	Tunnels  uint64        `json:"tunnels,omitempty"`
	Sessions uint64        `json:"sessions,omitempty"`
	Relogin  bool          `json:"relogin,omitempty"` // it came from a login that a lost session made necessary
	Last     Reconnect     `json:"last,omitzero"`
}

// Event is one thing that happened. Which fields count is said beside its kind. Evidence is a short text for the timeline, nothing is decided by it.
type Event struct {
	Kind     EventKind     `json:"kind"`
	Attempt  ID            `json:"attempt,omitempty"`
	Tunnel   ID            `json:"tunnel,omitempty"`
	Prompt   ID            `json:"prompt,omitempty"`
	Policy   Policy        `json:"policy,omitzero"`
	Plan     NetPlan       `json:"plan,omitzero"`
	Limits   Limits        `json:"limits,omitzero"`
	Path     Path          `json:"path,omitzero"`
	Paths    []Path        `json:"paths,omitempty"`
	RTT      time.Duration `json:"rtt,omitempty"`
	Slept    time.Duration `json:"slept,omitempty"`
	Unused   time.Duration `json:"unused,omitempty"` // for how long no packet has gone either way
	Asked    time.Duration `json:"asked,omitempty"`
	Deadline time.Duration `json:"deadline,omitempty"`
	Reason   byte          `json:"reason,omitempty"`
	Fault    Fault         `json:"fault,omitzero"`
	Kept     Kept          `json:"kept,omitzero"`
	Evidence string        `json:"evidence,omitempty"`
}

// EffectKind names what the shell must do.
type EffectKind uint8

const (
	FxStartAttempt   EffectKind = iota + 1 // Attempt, Server (0 is the target, 1.. its backups): a full login. Answer: EvTunnelOpened or EvAttemptFailed, prompts between
	FxCancelAttempt                        // Attempt: login, reach (also one that was reached), commit or probe; unknown numbers are ignored. It is answered by nothing; a late answer is dropped or closed
	FxStartReach                           // Attempt, Path. Answer: EvReached or EvReachFailed. The connection is kept until FxCommit or FxCancelAttempt
	FxCommit                               // Attempt (new), Reach: Resume on what that reach opened. Answer: EvRebound or EvRebindFailed
	FxAskUser                              // Prompt: show it to the owner
	FxWithdrawPrompt                       // Prompt
	FxApplyNetwork                         // Attempt (the apply), Tunnel; 0 is what a former agent has left. Answer: EvNetworkApplied or EvApplyFailed. What is in place already is left alone
	FxRevertNetwork                        // Attempt (the apply). Answer: EvReverted or EvApplyFailed
	FxStartPump                            // Tunnel: packets flow on its carrier from now on; an older carrier is let go
	FxStopPump                             // hold packets: the device is drained, bounded by age and bytes. The tunnel is still read: the answer to a probe comes that way
	FxCloseTunnel                          // Tunnel, Close. Answer: EvTunnelClosed
	FxProbe                                // Attempt (the probe), Tunnel. Answer: EvProbed or EvProbeFailed
	FxDropSession                          // forget the token and what came with it
	FxRaiseNotice                          // Fault
	FxPublish                              // the visible state changed
	FxLook                                 // Attempt, Server, Path, Fault (what made us look): ask in plain HTTP where the gateway should be, and see who answers. Answer: EvLooked
	fxEnd
)

var effectNames = [...]string{"", "start-attempt", "cancel-attempt", "start-reach", "commit", "ask-user", "withdraw-prompt", "apply-network", "revert-network",
	"start-pump", "stop-pump", "close-tunnel", "probe", "drop-session", "raise-notice", "publish", "look"}

// String is the effect's name in timelines and records.
func (k EffectKind) String() string {
	if int(k) < len(effectNames) {
		return effectNames[k]
	}
	return "unknown"
}

// Close says what the gateway is told when a tunnel is closed.
type Close uint8

const (
	CloseQuiet Close = iota
	CloseUser
	CloseReconnect
)

// Effect is one thing to do, as data.
type Effect struct {
	Kind    EffectKind `json:"kind"`
	Attempt ID         `json:"attempt,omitempty"`
	Reach   ID         `json:"reach,omitempty"`
	Tunnel  ID         `json:"tunnel,omitempty"`
	Prompt  ID         `json:"prompt,omitempty"`
	Server  int        `json:"server,omitempty"`
	Path    Path       `json:"path,omitzero"`
	Close   Close      `json:"close,omitempty"`
	Fault   Fault      `json:"fault,omitzero"`
}

// Level is how deep a reconnect went (design §4).
type Level uint8

const (
	LevelNone Level = iota
	LevelTunnel
	LevelSession
)

// String is the level's name in the contract's `last_reconnect`.
func (l Level) String() string {
	switch l {
	case LevelTunnel:
		return "tunnel"
	case LevelSession:
		return "session"
	}
	return "none"
}

// Reconnect describes the last one, for `state`. Code is the Reason that began it. At is Boot time of its end; Detected (until packets were held) and Outage (until
// they flowed again) count from the first sign of the loss, without time asleep.
type Reconnect struct {
	Level    Level         `json:"level,omitempty"`
	Code     int           `json:"code,omitempty"`
	Detected time.Duration `json:"detected,omitempty"`
	Outage   time.Duration `json:"outage,omitempty"`
	At       time.Duration `json:"at,omitempty"`
}
