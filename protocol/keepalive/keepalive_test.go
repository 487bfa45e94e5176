package keepalive

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

// world is a peer and a path as a value: what is sent arrives after rtt as an answer, unless the path is down.
type world struct {
	state  State
	seen   Seen
	now    time.Duration
	rtt    time.Duration
	down   bool
	flow   time.Duration // when the last flow began
	frozen time.Duration // the process stands still until then
	next   time.Duration
	due    []time.Duration // arrivals
	log    []string
	gone   time.Duration // at Dead: for how long nothing had been heard
}

// run lets time pass until end; between two instants nothing happens.
func (w *world) run(end time.Duration) {
	for w.poll(); ; w.poll() {
		at := end
		if w.next > 0 {
			at = min(at, w.next)
		}
		for _, d := range w.due {
			at = min(at, d)
		}
		if w.now = max(at, w.frozen, w.now); w.now >= end {
			w.now = max(end, w.now)
			w.arrive()
			w.poll()
			return
		}
		w.arrive()
	}
}

func (w *world) arrive() {
	w.due = slices.DeleteFunc(w.due, func(d time.Duration) bool {
		if d > w.now {
			return false
		}
		w.seen.Heard, w.seen.Asked = w.now, 0
		return true
	})
}

// receive has data come every 10 ms for a while, as a download that goes by one carrier and is answered by nothing of ours.
func (w *world) receive(long time.Duration) {
	for end := w.now + long; w.now < end; w.run(w.now + 10*ms) {
		if w.seen.Came == 0 || w.now-w.seen.Came > FlowGap {
			w.flow = w.now
		}
		w.seen.Heard, w.seen.Asked, w.seen.Came, w.seen.Flow = w.now, 0, w.now, w.now-w.flow
	}
}

func (w *world) send(data, answered bool) {
	w.seen.Sent = w.now
	if data && w.seen.Asked == 0 {
		w.seen.Asked = w.now
	}
	if answered && !w.down {
		w.due = append(w.due, w.now+w.rtt)
	}
}

func (w *world) poll() {
	var do Action
	w.state, do, w.next = w.state.Poll(w.now, w.seen)
	for _, a := range []struct {
		bit  Action
		name string
	}{{SendDPD, "dpd"}, {SendKeepalive, "keepalive"}, {Silence, "silence"}, {Heard, "heard"}, {Dead, "dead"}} {
		if do&a.bit != 0 {
			w.log = append(w.log, fmt.Sprintf("%v %s", w.now, a.name))
		}
	}
	if do&Dead != 0 {
		w.gone = w.now - w.seen.Heard
	}
	if do&(SendDPD|SendKeepalive) != 0 {
		w.send(false, do&SendDPD != 0)
	}
}

func (w *world) want(t *testing.T, lines ...string) {
	t.Helper()
	if got, want := strings.Join(w.log, "\n"), strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func start(dpd, keepalive, rtt time.Duration) *world {
	return &world{state: New(dpd, keepalive, rtt, 1), now: 1, rtt: rtt}
}

func TestIdlePeerIsAskedEveryInterval(t *testing.T) {
	w := start(30*time.Second, 0, 20*ms)
	w.run(70 * time.Second)
	w.want(t, "30.000000001s dpd", "1m0.020000001s dpd")
}

func TestGonePeerIsDeadAtTwice(t *testing.T) {
	w := start(30*time.Second, 0, 20*ms)
	w.down = true
	w.run(5 * time.Minute)
	w.want(t, "30.000000001s dpd", "45.000000001s dpd", "1m0.000000001s dead")
}

func TestKeepaliveWhenNothingIsSent(t *testing.T) {
	w := start(0, 20*time.Second, 20*ms)
	w.run(50 * time.Second)
	w.want(t, "20.000000001s keepalive", "40.000000001s keepalive")
}

// A download stops and nothing comes any more: the peer is asked, and its silence is told as that of sent data is.
func TestFlowStops(t *testing.T) {
	w := start(30*time.Second, 0, 10*ms)
	w.receive(time.Second)
	w.down = true
	w.run(3 * time.Second)
	w.want(t, "1.190000001s dpd", "1.290000001s dpd", "1.290000001s silence")
	w.down = false
	w.send(true, true) // and now there is something to say
	w.run(4 * time.Second)
	w.want(t, "1.190000001s dpd", "1.290000001s dpd", "1.290000001s silence", "3.01s heard")
}

// A download has ended, the peer is there: one question, and no more.
func TestFlowEnds(t *testing.T) {
	w := start(30*time.Second, 0, 10*ms)
	w.receive(time.Second)
	w.run(20 * time.Second)
	w.want(t, "1.190000001s dpd")
}

// Flows that come and go cost a question a second at most, and what is too short to be one costs none.
func TestFlowsAreAskedAboutRarely(t *testing.T) {
	w := start(30*time.Second, 0, 10*ms)
	for range 10 {
		w.receive(600 * ms)
		w.run(w.now + 250*ms)
	}
	if n := len(w.log); n < 4 || n > 9 {
		t.Errorf("%d questions in %v:\n%s", n, w.now, strings.Join(w.log, "\n"))
	}
	w = start(30*time.Second, 0, 10*ms)
	for range 20 {
		w.receive(300 * ms)
		w.run(w.now + 250*ms)
	}
	w.want(t)
}

// While data goes the other way the silence of that data says it sooner.
func TestFlowWithAnswers(t *testing.T) {
	w := start(30*time.Second, 0, 10*ms)
	w.receive(time.Second)
	w.down = true
	w.send(true, false)
	w.run(2 * time.Second)
	w.want(t, "1.100000001s dpd", "1.100000001s silence")
}

func TestSilenceThenHeard(t *testing.T) {
	w := start(30*time.Second, 0, 10*ms)
	w.run(time.Second)
	w.down = true
	w.send(true, true)
	w.run(2 * time.Second)
	w.down = false
	w.send(true, true)
	w.run(3 * time.Second)
	w.want(t, "1.1s dpd", "1.1s silence", "2.01s heard")
}

func TestSilenceFollowsTheRoundTrip(t *testing.T) {
	w := start(0, 0, 300*ms)
	w.down = true
	w.send(true, false)
	w.run(5 * time.Second)
	w.want(t, "1.200000001s dpd", "1.200000001s silence")
}

// A flow that is never answered, to a peer that lives: a question a second, no more.
func TestOneWayTrafficAsksOnceASecond(t *testing.T) {
	w := start(0, 0, 10*ms)
	for w.now < 10*time.Second {
		w.send(true, false)
		w.run(w.now + 5*ms)
	}
	n := 0
	for _, l := range w.log {
		if strings.HasSuffix(l, " silence") {
			n++
		}
	}
	if n < 9 || n > 10 {
		t.Errorf("%d silences in 10 s:\n%s", n, strings.Join(w.log, "\n"))
	}
}

// After a pause the peer is asked before it is dead.
func TestFrozenProcessAsksFirst(t *testing.T) {
	w := start(30*time.Second, 0, 20*ms)
	w.frozen = time.Hour
	w.run(time.Hour + 10*time.Second)
	w.want(t, "1h0m0s dpd")
}

func TestResumePushesDeadlines(t *testing.T) {
	w := start(30*time.Second, 0, 20*ms)
	w.send(true, false)
	w.now = time.Hour
	w.state = w.state.Resumed(w.now)
	w.run(time.Hour + 99*ms)
	w.want(t)
}

func TestMeasured(t *testing.T) {
	s := New(0, 0, 0, 1).Measured(80 * ms)
	if s.srtt != 80*ms {
		t.Fatalf("the first is %v", s.srtt)
	}
	if s = s.Measured(160 * ms); s.srtt != 90*ms {
		t.Fatalf("the second makes it %v", s.srtt)
	}
	if s = s.Measured(0); s.srtt != 90*ms {
		t.Fatalf("nonsense makes it %v", s.srtt)
	}
}

// A day on a path that comes and goes: nobody is dead who answered, whoever is gone for long enough is dead, and every deadline lies ahead.
func TestSimulation(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		dpd := time.Duration(1+r.IntN(60)) * time.Second
		w := start(dpd, time.Duration(r.IntN(40))*time.Second, time.Duration(1+r.IntN(400))*ms)
		var downSince time.Duration
		for w.now < 24*time.Hour && !slices.ContainsFunc(w.log, func(l string) bool { return strings.HasSuffix(l, " dead") }) {
			w.log = w.log[:0]
			if r.IntN(3) == 0 {
				w.send(true, r.IntN(4) > 0)
			}
			if r.IntN(4) == 0 && !w.down {
				w.receive(time.Duration(r.IntN(1500)) * ms)
			}
			if r.IntN(10) == 0 {
				if w.down = !w.down; w.down {
					downSince = w.now
				}
			}
			w.run(w.now + time.Duration(r.Int64N(int64(dpd))))
			if w.next != 0 && w.next <= w.now {
				t.Fatalf("seed %d: at %v the next deadline is %v", seed, w.now, w.next)
			}
			if w.down && w.now > downSince+3*dpd+w.rtt && !w.state.dead {
				t.Fatalf("seed %d: down since %v, at %v still alive", seed, downSince, w.now)
			}
			if w.state.dead && w.gone < 2*dpd {
				t.Fatalf("seed %d: dead %v after the last frame, dpd is %v", seed, w.gone, dpd)
			}
		}
	}
}

// TestOutageDoesNotBluntTheEstimate: a probe that was answered after three seconds without a network must not make the next silence wait for seconds.
func TestOutageDoesNotBluntTheEstimate(t *testing.T) {
	s := New(30*time.Second, 0, 12*time.Millisecond, 0).Measured(3 * time.Second)
	if at := s.silentAt(time.Minute) - time.Minute; at > 2*minSilence {
		t.Errorf("the next silence is noticed after %s", at)
	}
	for range 40 {
		s = s.Measured(600 * time.Millisecond)
	}
	if s.srtt < 400*time.Millisecond {
		t.Errorf("a path that has become slow is taken for one of %s", s.srtt)
	}
}
