package outage

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"syscall"
	"time"
)

// target is what the agent must reach; 0 is no limit.
type target struct{ p50, p95 time.Duration }

// The targets. None is ever lowered.
var (
	path    = target{250 * time.Millisecond, time.Second} // a network that went and came
	silent  = target{p50: time.Second}                    // one that goes without a word
	gateway = target{p50: time.Second}
	narrow  = target{p50: 5 * time.Second}
	survive = target{p50: time.Second}
)

// scenario is something that happens.
type scenario struct {
	key, name string
	want      target
	wired     bool          // it begins on the wire and not in the air
	plain     bool          // by TLS only
	quiet     bool          // nothing but the download, which then measures
	byLoad    bool          // the download measures: short packets pass all the time
	lost      bool          // the session is lost: the user must be asked
	watch     time.Duration // so long it is looked at in any case
	suits     func(lane string) bool
	fault     func(*run) // does it and calls now
	then      func(*run) // what follows when the tunnel works
}

func (s scenario) first(w *world) *uplink {
	if s.wired {
		return w.wired
	}
	return w.wifi
}

// forced leaves the client out whose dead peers are found as the gateway says: what happens here is not found by that.
func forced(lane string) bool { return lane != "unforced" }

// ours leaves all but the agent out.
func ours(lane string) bool { return lane == "holdfast" }

// scenarios lists all, by the letter of their key.
func scenarios() []scenario {
	all := slices.Concat(networks(), losses(), gateways(), ourselves())
	slices.SortStableFunc(all, func(a, b scenario) int { return cmp.Compare(a.key[0], b.key[0]) })
	return all
}

// networks are changes that the client's machine sees.
func networks() []scenario {
	return []scenario{
		{key: "a-cable", name: "cable out for 3 s", want: path, fault: func(r *run) {
			r.cable(r.wifi, "down")
			time.Sleep(3 * time.Second)
			r.cable(r.wifi, "up")
			r.now()
		}},
		{key: "a-link", name: "link down for 3 s", want: path, suits: forced, fault: func(r *run) {
			r.unplug(r.wifi)
			time.Sleep(3 * time.Second)
			r.plug(r.wifi, usual)
			r.now()
		}},
		{key: "b-wired", name: "wifi to wired", want: path, suits: forced, fault: func(r *run) { r.swap(r.wifi, r.wired) }},
		{key: "b-wifi", name: "wired to wifi", want: path, suits: forced, wired: true, fault: func(r *run) { r.swap(r.wired, r.wifi) }},
		{key: "b-beside-wired", name: "wired comes, wifi goes 2 s later", want: path, suits: forced, watch: 4 * time.Second, fault: func(r *run) { r.overlap(r.wifi, r.wired) }},
		{key: "b-beside-wifi", name: "wifi comes, wired goes 2 s later", want: path, suits: forced, watch: 4 * time.Second, wired: true, fault: func(r *run) { r.overlap(r.wired, r.wifi) }},
		{key: "b-dead", name: "wifi silent with its link up, wired there", want: silent, fault: func(r *run) {
			r.plug(r.wired, worse)
			time.Sleep(2 * time.Second)
			r.sever(r.wifi, "drop")
			r.now()
		}},
		{key: "c-address", name: "another address on the same link", want: path, suits: forced, fault: func(r *run) {
			r.IP(r.client, "addr flush dev wifi0", "addr add 192.0.2.77/24 dev wifi0", "route add default via 192.0.2.1 dev wifi0 metric 300")
			r.now()
		}},
	}
}

// swap takes one uplink away and brings the other a moment later.
func (r *run) swap(from, to *uplink) {
	r.unplug(from)
	time.Sleep(300 * time.Millisecond)
	r.plug(to, usual)
	r.now()
}

// overlap brings a better uplink while the one in use works, which goes away two seconds later.
func (r *run) overlap(from, to *uplink) {
	r.now()
	r.plug(to, better)
	time.Sleep(2 * time.Second)
	r.unplug(from)
}

// losses are what nobody tells the client of.
func losses() []scenario {
	flushed := func(r *run) {
		r.now()
		r.forgetMappings(r.wifi)
	}
	blocked := func(r *run) {
		r.now()
		r.sever(r.wifi, "udp dport 443 drop", "udp sport 443 drop")
	}
	return []scenario{
		{key: "d-dtls", name: "NAT mapping lost", want: silent, fault: flushed, then: (*run).awaitDTLS},
		{key: "d-load", name: "NAT mapping lost, only a download", want: silent, suits: forced, quiet: true, fault: flushed, then: (*run).awaitDTLS},
		{key: "d-tls", name: "NAT mapping lost, TLS", want: silent, plain: true, fault: flushed},
		{key: "f-udp", name: "UDP blocked, free 5 s later", want: silent, fault: blocked, then: (*run).freeUDP},
		{key: "f-load", name: "UDP blocked, only a download", want: silent, suits: forced, quiet: true, fault: blocked, then: (*run).freeUDP},
		{key: "g-mtu", name: "path MTU falls to 1280, without a word", want: narrow, byLoad: true, fault: func(r *run) {
			r.now()
			r.sever(r.wifi, "meta length > 1280 drop")
		}},
		{key: "h-frozen", name: "process frozen for 10 s", want: path, suits: forced, fault: func(r *run) {
			r.p.process().Signal(syscall.SIGSTOP)
			time.Sleep(10 * time.Second)
			r.p.process().Signal(syscall.SIGCONT)
			r.now()
		}},
		{key: "h-asleep", name: "machine asleep for 10 s", want: path, suits: ours, fault: func(r *run) {
			r.logind.Suspend()
			r.p.process().Signal(syscall.SIGSTOP)
			time.Sleep(10 * time.Second)
			r.p.process().Signal(syscall.SIGCONT)
			r.logind.Wake()
			r.now()
		}},
	}
}

// awaitDTLS waits until packets go by DTLS again.
func (r *run) awaitDTLS() { r.dtlsSince(r.event) }

// freeUDP lets UDP pass again and waits until packets use it.
func (r *run) freeUDP() {
	if wait := time.Until(r.event.Add(5 * time.Second)); wait > 0 {
		time.Sleep(wait)
	}
	r.mend(r.wifi)
	r.dtlsSince(time.Now())
}

func (r *run) dtlsSince(from time.Time) {
	for end := from.Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if r.p.dtls(from) {
			r.dtls = time.Since(from)
			return
		}
	}
	r.dtls = time.Minute
}

// gateways are what happens to the other end.
func gateways() []scenario {
	return []scenario{
		{key: "e-worker", name: "gateway's worker killed", want: gateway, suits: forced, fault: func(r *run) {
			r.now()
			r.server.KillWorkers()
		}},
		{key: "e-away", name: "worker killed, gateway away for 3 to 5 s", want: gateway, suits: forced, fault: func(r *run) {
			r.sever(r.wifi, "ip daddr "+gatewayAddr+" drop")
			r.server.KillWorkers()
			time.Sleep(3*time.Second + rand.N(2*time.Second)) // SYNs are repeated at fixed times
			r.mend(r.wifi)
			r.now()
		}},
		{key: "e-lost", name: "gateway restarted, sessions lost", want: gateway, suits: forced, lost: true, fault: func(r *run) {
			r.server.Stop(syscall.SIGTERM)
			time.Sleep(time.Second)
			r.server.Start()
			r.now()
		}},
	}
}

// ourselves is what happens to the agent.
func ourselves() []scenario {
	return []scenario{
		{key: "i-crash", name: "agent killed, started again", want: survive, suits: ours, fault: func(r *run) {
			r.now()
			r.p.(*agent).Crash()
		}},
		{key: "j-upgrade", name: "agent upgraded in place", want: survive, suits: ours, fault: func(r *run) {
			r.now()
			r.p.(*agent).Replace()
			r.p.(*agent).Restart()
		}},
	}
}
