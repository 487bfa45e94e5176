package machine

import (
	"math"
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Never is a deadline that does not come.
const Never = time.Duration(math.MaxInt64)

// How long things may take. All of it is round-trip time, so it counts on the monotonic clock, unless it says otherwise.
const (
	DefaultBudget = 60 * time.Second // a connect, without the time a person takes
	AuthIdle      = 5 * time.Minute  // a person, for one prompt or one push
	refusedGrace  = 2 * time.Second  // a login that was told "no" by its user, to say so
	applyTime     = 15 * time.Second
	closingTime   = 3 * time.Second // everything of a disconnect
	probeTime     = 3 * time.Second
	reachTime     = 3 * time.Second
	longReach     = 9 * time.Second
	heldTime      = 5 * time.Second // a verified connection that waits for its commit
	commitTime    = 10 * time.Second
	moveTime      = 3 * time.Second  // a commit that nothing forces, while the old carrier may still work
	thawTime      = 30 * time.Second // a suspend that never came
	verdictFloor  = 100 * time.Millisecond
	slowTrip      = time.Second           // no carrier counts as slower: a broken one must not be waited for much longer than a probe
	courtesy      = 50 * time.Millisecond // for a silent carrier to answer before the gateway is bothered with new connections
	mostCourtesy  = 250 * time.Millisecond
	defaultLost   = 30 * time.Minute // boot time: a session without a tunnel, when the gateway does not say
	tunnelLevel   = 30 * time.Second // boot time
	reloginGap    = time.Minute      // boot time: a session lost sooner after a second login is not asked for a third time
	overslept     = 2 * time.Second  // boot time: how late a deadline is looked at only by a machine that slept, or stood still
	maxPaths      = 8
	longestShy    = 10 * time.Minute // between looks at a better way that does not answer, or did not hold
)

// Job is an effect that has been started and not answered. It lives until its answer, its cancellation or its deadline, whichever is first.
type Job struct {
	ID     ID            `json:"id"`
	Kind   EffectKind    `json:"kind"`
	Tunnel ID            `json:"tunnel,omitempty"`
	Path   Path          `json:"path,omitzero"`
	Start  time.Duration `json:"start"`          // Mono
	At     time.Duration `json:"at"`             // Mono: its deadline
	Held   bool          `json:"held,omitempty"` // a reach that was answered: its connection waits for a commit
	RTT    time.Duration `json:"rtt,omitempty"`
	Fault  Fault         `json:"fault,omitzero"` // a login whose user refused: what to call it; a look: what made us look
}

// TimerKind names a deadline that belongs to no job.
type TimerKind uint8

const (
	TimerRetry   TimerKind = iota + 1 // the next round of probes and reaches
	TimerVerdict                      // the old carrier has had its three round trips
	TimerThaw                         // the suspend was announced and did not come
	TimerLost                         // the gateway forgets a session without a tunnel
	TimerSession                      // the session's own end
)

// boot reports whether the timer counts the time a machine sleeps.
func (k TimerKind) boot() bool { return k == TimerLost || k == TimerSession }

// Timer is one armed deadline, on the clock of its kind.
type Timer struct {
	Kind TimerKind     `json:"kind"`
	At   time.Duration `json:"at"`
}

// Loss describes the trouble a session is in, from its first sign until packets flow again.
type Loss struct {
	On        bool          `json:"on,omitempty"`
	At        Instant       `json:"at,omitzero"` // first sign
	Cause     Reason        `json:"cause,omitempty"`
	Detected  time.Duration `json:"detected,omitempty"` // from the first sign until packets were held
	Path      Path          `json:"path,omitzero"`      // the tunnel's path before
	Reapplied bool          `json:"reapplied,omitempty"`
	Since     Instant       `json:"since,omitzero"` // when the retries started over
	Delay     time.Duration `json:"delay,omitempty"`
	Told      []fault.Code  `json:"told,omitempty"` // what the user has been told of
}

// State is everything the machine knows. It is a value: Step copies what it changes, so an older State stays as it was, and it survives JSON.
// The fields are for reading; only Step writes them.
type State struct {
	Phase  Phase   `json:"phase"`
	Since  Instant `json:"since,omitzero"` // when the phase was entered
	Want   Want    `json:"want,omitempty"`
	After  After   `json:"after,omitempty"`
	Reason Reason  `json:"reason,omitempty"` // what the last step decided; ReasonNone if nothing
	Err    Fault   `json:"err,omitzero"`     // why it is not up, or what is in the way while reconnecting
	Now    Instant `json:"now,omitzero"`     // of the last step
	LastID ID      `json:"last_id,omitempty"`
	Rand   uint64  `json:"rand"` // the jitter's generator

	Policy   Policy        `json:"policy,omitzero"`
	Next     Policy        `json:"next,omitzero"` // of the connect that waits for the end of a disconnect
	NextTime time.Duration `json:"next_time,omitempty"`
	Stopping bool          `json:"stopping,omitempty"` // Shutdown was seen: no more connects
	Frozen   bool          `json:"frozen,omitempty"`   // between Suspending and Resumed: nothing new is started on the network

	Server   int           `json:"server,omitempty"`
	Budget   time.Duration `json:"budget,omitempty"` // left of it while a person is asked or waited for
	Answered bool          `json:"answered,omitempty"`
	Waiting  bool          `json:"waiting,omitempty"` // the gateway may be waiting for the user elsewhere, and the budget stands still
	Relogin  bool          `json:"relogin,omitempty"` // the login is, or the session came from, one that a lost session made necessary
	Prompt   ID            `json:"prompt,omitempty"`  // pending

	Session bool    `json:"session,omitempty"` // the shell holds a token
	Login   Instant `json:"login,omitzero"`
	Limits  Limits  `json:"limits,omitzero"`
	Tunnel  ID      `json:"tunnel,omitempty"`
	Path    Path    `json:"path,omitzero"` // of the tunnel
	Plan    NetPlan `json:"plan,omitzero"` // what the tunnel wants
	Applied NetPlan `json:"applied,omitzero"`
	Fitting NetPlan `json:"fitting,omitzero"` // what the apply that is out will have applied
	Netted  bool    `json:"netted,omitempty"` // something of ours is, or may be, on the host
	Pump    bool    `json:"pump,omitempty"`

	RTT       time.Duration `json:"rtt,omitempty"`      // of the carrier, as far as it is known
	Unseen    bool          `json:"unseen,omitempty"`   // it was made on a network that the system does not see
	Down      bool          `json:"down,omitempty"`     // the carrier is broken for good
	Gone      bool          `json:"gone,omitempty"`     // its local address is not there now
	Dead      bool          `json:"dead,omitempty"`     // its DPD ran out
	Probing   bool          `json:"probing,omitempty"`  // it is in doubt
	ProbeAt   time.Duration `json:"probe_at,omitempty"` // Mono: the doubt's first probe
	Planned   bool          `json:"planned,omitempty"`  // the gateway wants a new tunnel
	Own       bool          `json:"own,omitempty"`      // of Planned: not the gateway wants it but we
	Closed    bool          `json:"closed,omitempty"`   // the gateway ended the tunnel without saying why
	Presented int           `json:"presented,omitempty"`
	Moves     int           `json:"moves,omitempty"` // to a better network, in the minute that began at MovedAt
	MovedAt   time.Duration `json:"moved_at,omitempty"`
	Shy       time.Duration `json:"shy,omitempty"` // the pause before the next look at a better way
	Loss      Loss          `json:"loss,omitzero"`

	Tunnels       uint64    `json:"tunnels,omitempty"`  // reconnects of tunnel level
	Sessions      uint64    `json:"sessions,omitempty"` // and of session level
	LastReconnect Reconnect `json:"last_reconnect,omitzero"`

	PathsKnown bool          `json:"paths_known,omitempty"`
	Paths      []Path        `json:"paths,omitempty"`
	PathsAt    time.Duration `json:"paths_at,omitempty"` // Mono: since when they are these
	Looks      []Look        `json:"looks,omitempty"`    // for sign-in pages, one of a path at most
	Jobs       []Job         `json:"jobs,omitempty"`     // in the order they were started
	Timers     []Timer       `json:"timers,omitempty"`   // one of a kind at most
}

// New returns the first State. The seed makes the retries' jitter; a record holds it, so that a replay retries at the same instants.
func New(seed uint64) State { return State{Rand: seed} }

// clone returns a State that shares nothing with s.
func (s State) clone() State {
	s.Looks, s.Jobs, s.Timers = slices.Clone(s.Looks), roomy(s.Jobs), roomy(s.Timers) // Paths are replaced as a whole, never written to
	return s
}

// roomy is a copy with room for what a step adds as a rule.
func roomy[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return append(make([]T, 0, len(list)+2), list...)
}

// NextDeadline is when the machine wants the next Tick: the earliest deadline on each of the two clocks, Never where there is none.
func (s State) NextDeadline() Instant {
	next := Instant{Never, Never}
	for _, j := range s.Jobs {
		next.Mono = min(next.Mono, j.At)
	}
	for _, t := range s.Timers {
		if t.Kind.boot() {
			next.Boot = min(next.Boot, t.At)
		} else {
			next.Mono = min(next.Mono, t.At)
		}
	}
	return next
}

// Wait is how long the shell's one timer should run, at least 0; Never and false when there is no deadline. The timer may count either clock: after sleep the
// shell feeds Resumed and asks again. A Tick that comes early is harmless.
func (s State) Wait(now Instant) (time.Duration, bool) {
	next, wait := s.NextDeadline(), Never
	if next.Mono != Never {
		wait = next.Mono - now.Mono
	}
	if next.Boot != Never {
		wait = min(wait, next.Boot-now.Boot)
	}
	return max(wait, 0), wait != Never
}

// Expires is the boot time at which the session ends by itself, false when the gateway gave no limit.
func (s State) Expires() (time.Duration, bool) {
	i := s.timer(TimerSession)
	if i < 0 {
		return 0, false
	}
	return s.Timers[i].At, true
}

// Offline reports that the host is known to have no way to the gateway.
func (s State) Offline() bool { return s.PathsKnown && len(s.Paths) == 0 }

// timer returns the index of a timer, -1 if it is not armed.
func (s State) timer(k TimerKind) int {
	return slices.IndexFunc(s.Timers, func(t Timer) bool { return t.Kind == k })
}

// job returns the index of an outstanding job of this kind, -1 if there is none.
func (s State) job(k EffectKind, id ID) int {
	return slices.IndexFunc(s.Jobs, func(j Job) bool { return j.Kind == k && j.ID == id })
}

// has reports whether a job of this kind is outstanding.
func (s State) has(k EffectKind) bool {
	return slices.ContainsFunc(s.Jobs, func(j Job) bool { return j.Kind == k })
}

// gone reports whether the tunnel's local address has left the machine.
func (s State) gone() bool {
	if !s.PathsKnown || s.Tunnel == 0 || s.Unseen {
		return false
	}
	if !s.Path.Local.IsValid() {
		return len(s.Paths) == 0
	}
	return !slices.ContainsFunc(s.Paths, func(p Path) bool { return p.IfIndex == s.Path.IfIndex && p.Local == s.Path.Local })
}
