package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/dataplane"
	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/agent/machine/record"
	"github.com/holdfast-vpn/holdfast/agent/vault"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/impair"
	"github.com/holdfast-vpn/holdfast/protocol/patience"
)

const (
	inboxSize = 64
	// shutdownTime bounds the way down; a worker that hangs is left behind after it.
	shutdownTime = 5 * time.Second
	// late is how far behind a timer, or apart the two clocks, may be before it means that the machine slept or we were frozen (design §4).
	late = 2 * time.Second
	// watchTime is how often a session looks at the clocks when nothing else happens. Whatever stood still for that long and late beyond it is noticed when it goes on. Where the Patience
	// looks, calmTime is often enough.
	watchTime = 7 * time.Second
	calmTime  = 30 * time.Second
)

// report is what comes back to the loop: one event, and what is alive behind it.
type report struct {
	ev      machine.Event
	tunnel  protocol.Tunnel
	plan    hostPlan
	reached protocol.Reached
	prompt  *prompt
	pump    *dataplane.Pump
	device  string
	healed  *healed // no event: the machine knows nothing of it
	word    word    // nor of this
	err     error   // what ev.Fault is short for
}

// drop lets go of what is alive in a report that nobody takes any more. A tunnel is told how.
func (r report) drop(how protocol.CloseReason) {
	if r.tunnel != nil {
		_ = r.tunnel.Close(how)
	}
	if r.reached != nil {
		_ = r.reached.Close()
	}
	if r.prompt != nil {
		r.prompt.end(reply{err: fault.New(fault.AuthCancelled, context.Canceled)})
	}
}

// loop is the one goroutine that owns the machine's state. What it cannot do at once it gives to workers; it never waits for one.
type loop struct {
	cfg     *Config
	log     *slog.Logger
	base    context.Context // of workers; ends with the loop
	inbox   chan report
	calls   chan func()
	ended   chan struct{} // closed when nobody reads inbox and calls any more
	workers sync.WaitGroup
	applier *applier
	keeper  *keeper
	begun   chan struct{} // closed when the first state is the right one
	timer   *patience.Timer

	connector protocol.Connector

	state    machine.State
	queue    []machine.Event // events that effects raised themselves
	stepping bool
	stopping bool
	changed  bool
	wake     machine.Instant // the last look at the clocks
	used     use
	due      time.Duration // Mono, when the timer should fire
	res      resources
	connects uint64        // numbers the connects
	prompts  atomic.Uint64 // numbers the prompts; asked for in workers
	network  platform.NetSnapshot
	toward   []netip.Addr // of the gateway that the ways out lead to, once one has answered
	status   status
	board    board
	news     []func(*ipc.Hub) // told after the next publish
	record   *record.Ring     // what the machine was told and what it decided
	timeline timeline
	memory   *memory

	asleep bool   // between the word of sleep and the waking
	ready  func() // lets the machine sleep; nil when it does not wait for us

	delivered delivered
	trusted   *trusted
	wallStart time.Time     // what the wall clock would have said when the machine started
	alerted   time.Duration // how early before the session's end its owner was last told of it; 0 not
	healing   healing

	faults *impair.Faults
	breaks []impair.Spec        // that the timeline knows of
	seen   platform.NetSnapshot // the network, however it is impaired

	adopted *vault.Session // to be taken up when the loop runs
	leaving atomic.Bool    // another agent goes on with the session: nothing is ended at the gateway
}

func newLoop(cfg *Config) *loop {
	first := machine.New(cfg.Seed)
	l := &loop{
		cfg: cfg, log: cfg.Log,
		inbox: make(chan report, inboxSize), calls: make(chan func()), ended: make(chan struct{}),
		applier: newApplier(cfg.Host, cfg.Log), keeper: newKeeper(cfg.Vault, cfg.Log), begun: make(chan struct{}),
		state: first, record: record.NewRing(first, record.DefaultLimit), res: newResources(), memory: recall(cfg.StateDir),
		status:    status{since: cfg.Wall()},
		delivered: delivered{filepath.Join(cfg.StateDir, "profiles"), cfg.Log}, faults: impair.New(),
		trusted: &trusted{dir: filepath.Join(cfg.StateDir, "trusted"), log: cfg.Log},
	}
	l.connector = cfg.Connect(l.faults.Dialer(cfg.Dialer))
	if cfg.Saved != nil {
		l.recallSession(*cfg.Saved)
	}
	l.publish() // so that a client that comes before Run finds a state
	return l
}

// run is the loop. It returns when ctx is done and the machine is Disconnected, or shutdownTime later.
func (l *loop) run(ctx context.Context) error {
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l.base = base
	defer cancel()
	go l.applier.run()
	go l.keeper.run()
	l.timer = l.cfg.Patience.NewTimer()
	defer l.timer.Stop()
	l.wake = l.now()
	l.sensed(l.cfg.Host.Monitor.Snapshot())
	l.adopt()
	close(l.begun)

	stop, changes, power := ctx.Done(), l.cfg.Host.Monitor.Changes(), l.cfg.Host.Power.Events()
	var down context.Context // the way down, once it has begun
	var giveUp <-chan struct{}
	var err error
	for err == nil && (stop != nil || !l.idle()) {
		l.letSleep()
		l.arm()
		select {
		case <-stop:
			stop, l.stopping = nil, true
			var freed context.CancelFunc
			down, freed = context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
			defer freed()
			giveUp = down.Done()
			if errors.Is(context.Cause(ctx), ErrRestarting) && l.leave() {
				cancel()
				l.end(down)
				return nil
			}
			l.feed(machine.Event{Kind: machine.EvShutdown})
		case <-giveUp:
			err = fault.New(fault.Internal, fmt.Errorf("agent: still %s after %v", l.state.Phase, shutdownTime))
		case r := <-l.inbox:
			l.clocks()
			l.take(r)
		case call := <-l.calls:
			l.clocks()
			call()
		case s, ok := <-changes:
			if !ok {
				changes = nil
				continue
			}
			l.clocks()
			l.sensed(s)
		case e, ok := <-power:
			if !ok {
				power = nil
				continue
			}
			l.clocks()
			l.sleep(e)
		case <-l.faults.Changed():
			l.clocks()
			l.impaired()
		case <-l.timer.C():
			l.clocks()
			l.feed(machine.Event{Kind: machine.EvTick})
		}
	}
	cancel()
	l.end(down)
	return err
}

// idle reports whether the machine has come to rest.
func (l *loop) idle() bool { return l.state.Phase == machine.Disconnected }

// end waits for the workers and the final revert as long as patience lasts, and lets go of what they bring too late.
func (l *loop) end(patience context.Context) {
	close(l.ended)
	l.mend()
	close(l.applier.jobs)
	quiet := make(chan struct{})
	go func() {
		l.workers.Wait()
		<-l.applier.done
		l.keeper.end()
		close(quiet)
	}()
	select {
	case <-quiet:
	case <-patience.Done():
		l.log.Warn("a worker did not end in time")
	}
	for {
		select {
		case r := <-l.inbox:
			r.drop(l.farewell())
		default:
			return
		}
	}
}

// now reads both clocks.
func (l *loop) now() machine.Instant {
	mono, boot := l.cfg.Host.Clock.Now()
	return machine.Instant{Mono: mono, Boot: boot + l.faults.Slept()}
}

// arm sets the one timer.
func (l *loop) arm() {
	now := l.now()
	wait, ok := l.state.Wait(now)
	if !ok && l.state.Phase == machine.Disconnected {
		l.due = 0
		l.timer.Stop()
		return
	}
	watch := watchTime
	if l.cfg.Patience != nil {
		watch = calmTime
	}
	wait = min(wait, watch)
	if d, ok := l.alertIn(now); ok {
		wait = min(wait, max(d, 0))
	}
	if d, ok := l.healIn(now); ok {
		wait = min(wait, d)
	}
	l.due = now.Mono + wait
	l.timer.Reset(wait)
}

// clocks looks for time that went by without us: sleep shows as the two clocks apart, a frozen process or a paused machine as a timer that fires late.
func (l *loop) clocks() {
	now := l.now()
	slept := (now.Boot - l.wake.Boot) - (now.Mono - l.wake.Mono)
	if slept <= late {
		slept = 0 // the clocks are not read at once
	}
	away := max(slept, l.cfg.Patience.Gap())
	if l.due > 0 {
		away = max(away, now.Mono-l.due)
	}
	l.wake, l.due = now, 0
	l.used.look(l.res.pump, now)
	l.alert(now)
	l.heal(now)
	if away > late {
		l.asleep = false
		l.feed(machine.Event{Kind: machine.EvResumed, Slept: slept, Evidence: "clocks " + away.Round(time.Millisecond).String() + " ahead"})
	}
}

// feed gives an event to the machine and carries out what it decides. An event raised by an effect waits until the effects before it are done.
func (l *loop) feed(ev machine.Event) {
	l.queue = append(l.queue, ev)
	if l.stepping {
		return
	}
	l.stepping = true
	for len(l.queue) > 0 {
		ev, l.queue = l.queue[0], l.queue[1:]
		l.step(ev)
	}
	l.stepping = false
	l.flush()
}

// flush tells what has changed, unless more is about to.
func (l *loop) flush() {
	if l.changed && !l.stepping {
		l.changed = false
		l.publish()
	}
}

func (l *loop) step(ev machine.Event) {
	now, was := l.now(), l.state
	before := was.Phase
	next, effects := machine.Step(was, ev, now)
	l.state = next
	if err := l.record.Add(now, ev, next, effects); err != nil {
		l.log.Error("a step was not recorded", "err", err)
	}
	if before != next.Phase {
		l.status.since = l.cfg.Wall()
		l.changed = true
		if next.Phase == machine.Disconnected {
			l.mend()
		}
		l.log.Info("phase", "from", before, "to", next.Phase, "event", ev.Kind, "code", ev.Fault.Code)
	}
	if next.Frozen != was.Frozen || ev.Kind == machine.EvResumed {
		l.stillness(next.Frozen)
	}
	l.enter(was, ev, effects)
	for _, fx := range effects {
		l.do(fx)
	}
}

// enter appends to the timeline: every transition and every decision, with its cause.
func (l *loop) enter(before machine.State, ev machine.Event, effects []machine.Effect) {
	told, ok := machine.Tell(before, ev, l.state, effects)
	if !ok {
		return
	}
	e := l.timeline.add(l.owner(), entry(told, l.cfg.Wall()))
	l.news = append(l.news, func(h *ipc.Hub) { h.Timeline(e) })
	l.changed = true
}
