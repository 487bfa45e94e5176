package outage

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// run is one run of a scenario.
type run struct {
	*world
	p     peer
	o     *watch
	limit time.Duration
	event time.Time // since when there is a way to the gateway, or the fault
	result
}

// result is what came of it.
type result struct {
	outage   time.Duration // until the tunnel worked
	late     bool          // it did not within the limit
	ended    bool          // the client gave the session up
	stall    time.Duration // of the download
	dtls     time.Duration // until packets went by DTLS again, where that was looked for
	asked    time.Duration // until the user was asked, where the session was lost
	logins   int           // beyond the first
	moved    bool          // the inside address is another
	finished bool          // the download, and intact
	noise    time.Duration // by which the measuring itself was kept waiting
}

// kept reports whether nobody inside noticed more than a pause: no login, the same address, the download intact.
func (r result) kept() bool { return r.logins == 0 && !r.moved && r.finished && !r.ended && !r.late }

func (r result) String() string {
	var b strings.Builder
	switch {
	case r.ended:
		b.WriteString("gives up")
	case r.late:
		fmt.Fprintf(&b, "not within %s", r.outage.Round(time.Second))
	case r.asked > 0:
		fmt.Fprintf(&b, "asks after %s", brief(r.asked))
	default:
		fmt.Fprintf(&b, "%s, download %s", brief(r.outage), brief(r.stall))
	}
	if r.dtls > 0 {
		fmt.Fprintf(&b, ", by DTLS after %s", brief(r.dtls))
	}
	for _, x := range []struct {
		is   bool
		says string
	}{{r.logins > 0, fmt.Sprintf("%d logins", r.logins)}, {r.moved, "another address"}, {!r.finished, "download broken"}} {
		if x.is {
			b.WriteString(", " + x.says)
		}
	}
	if r.noise > none {
		fmt.Fprintf(&b, " (disturbed by %s)", brief(r.noise))
	}
	return b.String()
}

// brief is a duration as the table has it.
func brief(d time.Duration) string {
	switch {
	case d == 0:
		return "none"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// run does one.
func (w *world) run(s scenario, p peer, limit time.Duration) result {
	w.Helper()
	r := &run{world: w, p: p, limit: limit}
	w.restore(s.first(w))
	server, port := w.server, "443"
	if s.plain {
		server, port = w.plain, "4443"
	}
	server.Stop(syscall.SIGTERM) // with sessions that a run before could not end
	server.Start()
	logins := server.Logins()
	p.connect(port, !s.plain)
	r.o = w.observe(s.quiet)
	time.Sleep(time.Second)
	address := w.address(p.device())
	s.fault(r)
	if s.lost {
		r.awaitQuestion()
	} else {
		r.awaitWorking(s)
	}
	if s.then != nil && !r.late && !r.ended {
		s.then(r)
	}
	r.moved = address != w.address(p.device())
	r.finished = r.o.load.end(10 * time.Second)
	r.logins = server.Logins() - logins - 1
	r.o.close()
	r.noise = r.o.late
	r.tell(s)
	if !p.process().Ended() {
		p.leave()
	}
	return r.result
}

// now marks the moment from which the outage counts.
func (r *run) now() { r.event = time.Now() }

// awaitWorking waits until answers and the download have come for a while, and until there has been time for what a scenario brings late.
func (r *run) awaitWorking(s scenario) {
	const steady = 500 * time.Millisecond
	end := r.event.Add(r.limit)
	for {
		time.Sleep(10 * time.Millisecond)
		now := time.Now()
		answers, bytes := r.o.heard(), r.o.load.arrived()
		if s.byLoad || s.quiet {
			answers = bytes
		}
		r.outage, r.stall = silence(answers, r.event, now), silence(bytes, r.event, now)
		since := now.Add(-steady)
		works := since.After(r.event.Add(s.watch)) && silence(answers, since, now) == 0 && silence(bytes, since, now) == 0
		r.ended = r.p.process().Ended()
		if works || r.ended {
			return
		}
		if now.After(end) {
			r.late = silence(answers, since, now) > 0
			return
		}
	}
}

// awaitQuestion waits until the user is asked to log in again, does it and waits for the tunnel.
func (r *run) awaitQuestion() {
	a, ok := r.p.(*agent)
	for end := r.event.Add(r.limit); ; time.Sleep(10 * time.Millisecond) {
		r.ended = r.p.process().Ended()
		if r.ended || time.Now().After(end) {
			r.late, r.outage = !r.ended, time.Since(r.event)
			return
		}
		if ok && a.asks() {
			break
		}
	}
	r.asked = time.Since(r.event)
	a.Connect(gatewayAddr + ":443")
	r.awaitWorking(scenario{})
}

// tell writes the client's own account of a run, and what was measured, to the folder for such, where there is one.
func (r *run) tell(s scenario) {
	if *timeline == "" {
		return
	}
	const clock = "15:04:05.000"
	text := fmt.Sprintf("%s\n%s  %s: %s\n", r.p.story(), r.event.Format(clock), s.name, r.result)
	for what, times := range map[string][]time.Time{"answer": r.o.heard(), "byte": r.o.load.arrived()} {
		for i := range times[:max(0, len(times)-1)] {
			if gap := times[i+1].Sub(times[i]); gap > none {
				text += fmt.Sprintf("%s  no %s for %s\n", times[i].Format(clock), what, gap.Round(time.Millisecond))
			}
		}
	}
	name := fmt.Sprintf("%s-%s-%d.txt", s.key, r.p.device(), time.Now().UnixMilli())
	if err := os.WriteFile(filepath.Join(*timeline, name), []byte(text), 0o644); err != nil {
		r.Error(err)
	}
}
