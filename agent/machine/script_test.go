package machine

import (
	"bufio"
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// action is one line of a script: something that happens to the world at a time.
type action struct {
	at   time.Duration
	verb string
	arg  string
}

func (a action) String() string {
	return strings.TrimSpace(fmt.Sprintf("%v %s %s", a.at, a.verb, a.arg))
}

// script is a scenario: the world's seed and what happens, in order.
type script struct {
	seed    uint64
	actions []action
	end     time.Duration
}

func (s script) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d\n", s.seed)
	for _, a := range s.actions {
		b.WriteString(a.String() + "\n")
	}
	fmt.Fprintf(&b, "%v end\n", s.end)
	return b.String()
}

// verbs is everything that can happen. An action without meaning at its time does nothing.
var verbs = map[string]func(w *world, arg string){
	"connect": func(w *world, arg string) {
		p := Policy{AutoReconnect: !strings.Contains(arg, "once"), DisconnectOnSuspend: strings.Contains(arg, "suspend-ends"), LockUp: strings.Contains(arg, "locked"),
			IgnorePortals: strings.Contains(arg, "any-network")}
		if strings.Contains(arg, "backups") {
			p.Backups = 2
		}
		w.feed(Event{Kind: EvConnectRequested, Policy: p})
	},
	"disconnect": func(w *world, _ string) { w.feed(Event{Kind: EvDisconnectRequested}) },
	"shutdown":   func(w *world, _ string) { w.feed(Event{Kind: EvShutdown}) },
	"unplug":     func(w *world, arg string) { w.link(arg, func(l *link) { l.up = false }) },
	"plug":       func(w *world, arg string) { w.link(arg, func(l *link) { l.up = true }) },
	"dark":       func(w *world, arg string) { w.quietly(arg, func(l *link) { l.dark = true }) },
	"light":      func(w *world, arg string) { w.quietly(arg, func(l *link) { l.dark = false }) },
	"portal":     func(w *world, arg string) { w.quietly(arg, func(l *link) { l.portal, l.dark = true, false }) },
	"signed-in":  func(w *world, arg string) { w.quietly(arg, func(l *link) { l.portal = false }) },
	"renumber":   func(w *world, arg string) { w.renumber(arg) },
	"prefer": func(w *world, arg string) {
		slices.SortStableFunc(w.links, func(a, b *link) int { return cmp.Compare(btoi(b.path.Name == arg), btoi(a.path.Name == arg)) })
		w.link(arg, func(*link) {})
	},
	"noise": func(w *world, _ string) { w.feed(Event{Kind: EvNetworkChanged, Paths: w.paths()}) },
	"strand": func(w *world, _ string) {
		if t := w.tunnels[w.s.Tunnel]; t != nil {
			t.stranded = true
			w.sense()
		}
	},
	"kill-worker": func(w *world, _ string) { w.breakTunnel() },
	"kick": func(w *world, _ string) {
		w.gw.token = false
		w.hangUpCurrent(0)
	},
	"kick-explained": func(w *world, _ string) {
		w.gw.token = false
		w.hangUpCurrent(byeUser)
	},
	"hang-up": func(w *world, _ string) { w.hangUpCurrent(0) },
	"revoke":  func(w *world, _ string) { w.gw.token = false },
	"gateway-down": func(w *world, _ string) {
		w.gw.up = false
		w.breakTunnel()
		w.sense()
	},
	"gateway-up": func(w *world, arg string) {
		w.gw.up = true
		if arg == "empty" {
			w.gw.token = false
		}
		w.sense()
	},
	"busy":  func(w *world, _ string) { w.gw.busy = true },
	"ready": func(w *world, _ string) { w.gw.busy = false },
	"rekey": func(w *world, _ string) {
		if w.s.Tunnel != 0 {
			w.feed(Event{Kind: EvRekeyDue, Tunnel: w.s.Tunnel})
		}
	},
	"new-address": func(w *world, _ string) { w.gw.plan.Addr4 = netip.MustParsePrefix("10.9.0.99/24") },
	"new-mtu":     func(w *world, _ string) { w.gw.plan.MTU = 1300 },
	"fits": func(w *world, arg string) {
		if w.s.Tunnel != 0 {
			p := w.s.Plan
			_, _ = fmt.Sscan(arg, &p.MTU)
			w.feed(Event{Kind: EvMTUChanged, Tunnel: w.s.Tunnel, Plan: p, Evidence: arg})
		}
	},
	"keeps": func(w *world, arg string) { w.gw.keep, _ = time.ParseDuration(arg) },
	"slow":  func(w *world, arg string) { w.latency, _ = time.ParseDuration(arg) },
	"asks":  func(w *world, arg string) { w.banner, w.user.mood = arg != "nothing", arg },
	"host": func(w *world, arg string) {
		w.hang, w.noApply, w.sticks = arg == "hangs", arg == "fails", arg == "sticks"
	},
	"lasts":        func(w *world, arg string) { w.lasts, _ = time.ParseDuration(arg) },
	"sleep":        func(w *world, arg string) { w.sleep(arg, true) },
	"sleep-unseen": func(w *world, arg string) { w.sleep(arg, false) },
	"calm":         func(w *world, _ string) { w.calm() },
	"take-device": func(w *world, _ string) {
		if w.applied {
			w.feed(Event{Kind: EvDeviceGone})
		}
	},
	"races":      func(w *world, _ string) { w.races = true },
	"more-links": func(w *world, _ string) { w.moreLinks() },
	"ipv6": func(w *world, arg string) {
		w.gw.no6 = arg == "off"
		w.sense()
	},
	"late":        func(w *world, arg string) { w.gw.late, _ = time.ParseDuration(arg) },
	"backup-only": func(w *world, arg string) { w.gw.first = arg != "over" },
	"udp":         func(w *world, arg string) { w.udp(arg != "blocked") },
	"renew": func(w *world, _ string) {
		if w.s.Tunnel != 0 {
			w.feed(Event{Kind: EvRenewDue, Tunnel: w.s.Tunnel})
		}
	},
	"freeze":       func(w *world, arg string) { w.freeze(arg) },
	"suspend-only": func(w *world, _ string) { w.feed(Event{Kind: EvSuspending}) },
	"wake":         func(w *world, _ string) { w.feed(Event{Kind: EvResumed}) },
	"crowd":        func(w *world, _ string) { w.crowd() },
	"restart":      func(w *world, _ string) { w.restart() },
	"no-network-reported": func(w *world, _ string) {
		w.blind = true
		w.feed(Event{Kind: EvNetworkChanged})
	},
	"distrusted": func(w *world, _ string) { w.gw.stale = true },
	"hung":       func(w *world, arg string) { w.gw.hung = arg != "over" },
	"toil":       func(w *world, arg string) { w.toil, _ = time.ParseDuration(arg) },
	"impatient": func(w *world, arg string) {
		w.feed(Event{Kind: EvDisconnectRequested})
		w.feed(Event{Kind: EvConnectRequested, Policy: Policy{AutoReconnect: true}})
	},
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// harmless is what a living carrier survives.
var harmless = map[string]bool{"connect": true, "noise": true, "keeps": true, "asks": true, "host": true, "lasts": true, "new-mtu": true, "new-address": true, "races": true, "fits": true, "toil": true, "udp": true, "more-links": true, "crowd": true, "backup-only": true, "prefer": true}

// link changes a link in a way that the monitor sees.
func (w *world) link(name string, change func(*link)) {
	w.quietly(name, change)
	w.feed(Event{Kind: EvNetworkChanged, Paths: w.paths()})
}

// quietly changes a link in a way that only its silence shows.
func (w *world) quietly(name string, change func(*link)) {
	for _, l := range w.links {
		if l.is(name) {
			change(l)
		}
	}
	w.sense()
}

// renumber gives a link another address: what ran over the old one is stranded.
func (w *world) renumber(name string) {
	for _, id := range w.tunnelIDs() {
		if t := w.tunnels[id]; t.link.is(name) {
			t.stranded = true
		}
	}
	w.link(name, func(l *link) { l.path.Local = l.path.Local.Next() })
}

// breakTunnel ends the connection under the session's tunnel.
func (w *world) breakTunnel() {
	t := w.tunnels[w.gw.current]
	w.loseCurrent()
	if t == nil || !t.open || t.broken {
		return
	}
	t.alive = false
	w.after(w.latency+t.link.lag, func() {
		if t.open && t.link.up && !w.dark(t.link) && !t.stranded {
			t.broken = true
			w.feed(Event{Kind: EvCarrierDown, Tunnel: t.id, Fault: faultOf(fault.NetLost)})
		}
	})
}

// loseCurrent is the gateway without a tunnel of the session: from now on it counts.
func (w *world) loseCurrent() {
	if w.gw.current != 0 {
		w.gw.current, w.gw.lostAt = 0, w.now.Boot
	}
}

func (w *world) hangUpCurrent(reason byte) {
	t := w.tunnels[w.gw.current]
	w.loseCurrent()
	if t != nil {
		w.hangUp(t, reason)
	}
}

// sleep stops the monotonic clock for a while. Connections do not survive more than a minute of it.
func (w *world) sleep(arg string, announced bool) {
	d, err := time.ParseDuration(arg)
	if err != nil {
		d = time.Minute
	}
	if announced {
		w.feed(Event{Kind: EvSuspending})
	}
	w.now.Boot += d
	if d > time.Minute {
		for _, id := range w.tunnelIDs() {
			w.tunnels[id].stranded = true
		}
		if w.gw.current != 0 {
			w.gw.current, w.gw.lostAt = 0, w.now.Boot-d+time.Minute
		}
	}
	w.forget()
	w.feed(Event{Kind: EvResumed, Slept: d})
	w.sense()
}

// restart kills the agent and starts another: it adopts the session that was kept, or undoes everything. What the dead one had asked for is answered to nobody.
func (w *world) restart() {
	for _, id := range w.tunnelIDs() {
		if t := w.tunnels[id]; t.open {
			w.shut(t)
		}
	}
	last := w.s
	w.life++
	w.out, w.reaches, w.prompts, w.pump = map[ID]EffectKind{}, map[ID]*link{}, map[ID]bool{}, 0
	w.s = New(last.Rand)
	w.s.LastID = last.LastID // so that the world's numbers mean one thing each
	k := w.heir
	w.heir = State{}
	end, limited := k.Expires()
	adopts := k.Session && k.Policy.AutoReconnect && (!limited || end > w.now.Boot)
	stands := w.applied
	w.applied = false
	w.feed(Event{Kind: EvNetworkChanged, Paths: w.paths()})
	if adopts {
		w.heir, w.applied = k, stands
		w.feed(Event{Kind: EvAdopted, Policy: k.Policy, Plan: k.Plan, Limits: k.Limits, Path: k.Path,
			Kept: Kept{Login: k.Login.Boot, Expires: end, Tunnels: k.Tunnels, Sessions: k.Sessions, Relogin: k.Relogin, Last: k.LastReconnect}})
	}
}

// play runs a script to its end. What happens is written down when trace is asked for.
func play(s script, step stepper, trace bool) *world {
	w := newWorld(s.seed, step, trace)
	for _, a := range s.actions {
		w.run(a.at + time.Minute + w.frozen)
		if len(w.errs) > 0 {
			return w
		}
		if !harmless[a.verb] {
			w.disturbed = w.now.Mono
		}
		verbs[a.verb](w, a.arg)
		w.checkService()
	}
	w.run(s.end + time.Minute + w.frozen)
	return w
}

// parseScript reads a scenario: "seed N", lines of "TIME VERB [ARG]", "TIME end", "expect PHASE tunnel=N session=N logins=N", "#" comments.
func parseScript(text string) (s script, expect string, err error) {
	sc := bufio.NewScanner(strings.NewReader(text))
	for sc.Scan() {
		line, _, _ := strings.Cut(sc.Text(), "#")
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		switch f[0] {
		case "seed":
			if _, err := fmt.Sscan(f[1], &s.seed); err != nil {
				return s, "", fmt.Errorf("seed: %w", err)
			}
			continue
		case "expect":
			expect = strings.Join(f[1:], " ")
			continue
		}
		at, err := time.ParseDuration(f[0])
		if err != nil {
			return s, "", err
		}
		if f[1] == "end" {
			s.end = at
			continue
		}
		if verbs[f[1]] == nil {
			return s, "", fmt.Errorf("no such verb: %s", f[1])
		}
		s.actions = append(s.actions, action{at, f[1], strings.Join(f[2:], " ")})
	}
	return s, expect, sc.Err()
}

// calm makes the world good: whatever is still wanted must come to rest after it.
func (w *world) calm() {
	for _, l := range w.links {
		l.dark, l.portal = false, false
	}
	w.gw.up, w.gw.busy, w.hang, w.noApply, w.sticks, w.latency = true, false, false, false, false, 10*time.Millisecond
	w.gw.hung, w.gw.no6, w.gw.late, w.gw.first, w.toil = false, false, 0, false, 30*time.Millisecond
	w.user.mood = "answers"
	w.link("eth0", func(l *link) { l.up = true })
}

// choices is what a random script is drawn from; what stands twice happens twice as often.
var choices = []action{
	{verb: "connect"}, {verb: "connect"}, {verb: "connect"}, {verb: "connect", arg: "backups"}, {verb: "connect", arg: "once"}, {verb: "connect", arg: "suspend-ends"},
	{verb: "disconnect"}, {verb: "unplug", arg: "eth0"}, {verb: "unplug", arg: "wlan0"}, {verb: "plug", arg: "eth0"}, {verb: "plug", arg: "eth0"}, {verb: "plug", arg: "wlan0"},
	{verb: "dark", arg: "eth0"}, {verb: "light", arg: "eth0"}, {verb: "light", arg: "eth0"}, {verb: "dark", arg: "wlan0"}, {verb: "light", arg: "wlan0"},
	{verb: "portal", arg: "eth0"}, {verb: "signed-in", arg: "eth0"}, {verb: "renumber", arg: "eth0"}, {verb: "renumber", arg: "wlan0"}, {verb: "noise"}, {verb: "prefer", arg: "eth0"}, {verb: "prefer", arg: "wlan0"}, {verb: "strand"},
	{verb: "kill-worker"}, {verb: "kick"}, {verb: "kick-explained"}, {verb: "hang-up"}, {verb: "revoke"}, {verb: "gateway-down"}, {verb: "gateway-up"}, {verb: "gateway-up"},
	{verb: "gateway-up", arg: "empty"}, {verb: "busy"}, {verb: "ready"}, {verb: "ready"}, {verb: "rekey"}, {verb: "new-address"}, {verb: "new-mtu"}, {verb: "fits", arg: "1300"}, {verb: "fits", arg: "1280"}, {verb: "keeps", arg: "30s"},
	{verb: "keeps", arg: "10m"}, {verb: "slow", arg: "10ms"}, {verb: "slow", arg: "300ms"}, {verb: "slow", arg: "900ms"}, {verb: "asks", arg: "answers"},
	{verb: "asks", arg: "refuses"}, {verb: "asks", arg: "away"}, {verb: "asks", arg: "nothing"}, {verb: "host", arg: "hangs"}, {verb: "host", arg: "works"},
	{verb: "host", arg: "works"}, {verb: "host", arg: "fails"}, {verb: "host", arg: "sticks"}, {verb: "lasts", arg: "3m"}, {verb: "lasts", arg: "0s"}, {verb: "sleep", arg: "20s"}, {verb: "sleep", arg: "8h"}, {verb: "sleep-unseen", arg: "3m"}, {verb: "take-device"}, {verb: "asks", arg: "push"},
	{verb: "udp", arg: "blocked"}, {verb: "udp", arg: "open"}, {verb: "renew"}, {verb: "freeze", arg: "1s"}, {verb: "freeze", arg: "40s"}, {verb: "freeze", arg: "5m"}, {verb: "suspend-only"}, {verb: "wake"},
	{verb: "crowd"}, {verb: "toil", arg: "3s"}, {verb: "toil", arg: "30ms"}, {verb: "late", arg: "1s"}, {verb: "late", arg: "4s"}, {verb: "late", arg: "20s"}, {verb: "late", arg: "0s"}, {verb: "late", arg: "0s"},
	{verb: "backup-only"}, {verb: "backup-only", arg: "over"}, {verb: "ipv6", arg: "off"}, {verb: "ipv6", arg: "on"}, {verb: "dark", arg: "eth0/6"}, {verb: "light", arg: "eth0/6"}, {verb: "dark", arg: "wwan0"}, {verb: "unplug", arg: "wwan0"},
	{verb: "plug", arg: "wwan0"}, {verb: "portal", arg: "wlan0"}, {verb: "signed-in", arg: "wlan0"}, {verb: "impatient"}, {verb: "sleep", arg: "1s"}, {verb: "new-address"}, {verb: "more-links"}, {verb: "no-network-reported"}, {verb: "hung"}, {verb: "hung", arg: "over"},
	{verb: "restart"}, {verb: "restart"},
}

// randomScript draws a script from a seed.
func randomScript(seed uint64) script {
	rng := rand.New(rand.NewPCG(seed, 2))
	s := script{seed: seed, actions: []action{{0, "races", ""}, {0, "connect", ""}}}
	if rng.IntN(3) == 0 {
		s.actions = append(s.actions, action{0, "more-links", ""})
	}
	if rng.IntN(3) == 0 {
		s.actions = append(s.actions, action{0, "udp", "open"})
	}
	at := time.Duration(0)
	for range 5 + rng.IntN(30) {
		switch rng.IntN(4) {
		case 0:
			at += time.Duration(rng.Int64N(int64(100 * time.Millisecond)))
		case 1, 2:
			at += time.Duration(rng.Int64N(int64(8 * time.Second)))
		default:
			at += time.Duration(rng.Int64N(int64(90 * time.Second)))
		}
		a := choices[rng.IntN(len(choices))]
		a.at = at.Round(time.Millisecond)
		at = a.at
		s.actions = append(s.actions, a)
	}
	return s.calming(at + time.Second)
}

// calming ends a script with a world that is good, and time for the machine to come to rest in it: a person's five minutes may have begun just before.
func (s script) calming(at time.Duration) script {
	s.actions, s.end = append(s.actions, action{at: at, verb: "calm"}), at+7*time.Minute
	return s
}
