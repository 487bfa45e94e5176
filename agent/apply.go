package agent

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/dataplane"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
)

const (
	applyTime  = 15 * time.Second
	revertTime = 3 * time.Second // design §4: disconnect and shutdown in 3 s in all
	// goodbyeTime is how long a revert waits for the gateway to be told.
	goodbyeTime = time.Second
	applyQueue  = 16
)

// applier is the one goroutine that changes the host, in the order of its inbox. It owns the device and the pump's life; the loop only tells the pump
// which carrier to use.
//
//	loop --jobs--> applier --> Tun, Firewall, Router, Resolver
//	                      `--> pump: made with the device, closed before it
//
// A job that hangs holds up the jobs behind it and nothing else: the machine's deadline for each goes on.
type applier struct {
	host *platform.Host
	log  *slog.Logger
	jobs chan func()
	done chan struct{}

	route  platform.RouteConfig  // that is in place; empty before the first and after a revert
	filter platform.FilterConfig // beside it
	dev    platform.Device
	pump   *dataplane.Pump // it owns the device
	dirty  bool            // something of ours may be in place
	heir   bool            // of a former agent, too, whose device is not taken over yet
	heirs  bool            // everything stays for the next agent
}

func newApplier(host *platform.Host, log *slog.Logger) *applier {
	return &applier{host: host, log: log, jobs: make(chan func(), applyQueue), done: make(chan struct{})}
}

// inherit says that what a former agent made is in place. It is called before run.
func (a *applier) inherit() { a.dirty, a.heir = true, true }

// run carries out jobs until the inbox is closed, then takes back what is left.
func (a *applier) run() {
	defer close(a.done)
	for job := range a.jobs {
		job()
	}
	if !a.dirty || a.heirs {
		return
	}
	if err := a.revert(context.Background(), nil); err != nil {
		a.log.Error("the final revert failed", "err", err)
	}
}

// queue hands a job over without waiting; false means the inbox is full, which takes a host that hangs.
func (a *applier) queue(job func()) bool {
	select {
	case a.jobs <- job:
		return true
	default:
		return false
	}
}

// bequeath ends this agent's part and leaves everything in place for the next one.
func (a *applier) bequeath() {
	a.heirs = true
	if d, ok := a.dev.(platform.Lasting); ok {
		d.Leave()
	}
	var err error
	switch {
	case a.pump != nil:
		err = a.pump.Close()
	case a.dev != nil:
		err = a.dev.Close()
	}
	if err != nil {
		a.log.Warn("the device was not left in order", "err", err)
	}
	a.pump, a.dev = nil, nil
}

// apply makes the host look like the plan and returns the pump and the interface's name. The device is made once and outlives every carrier of the session.
func (a *applier) apply(ctx context.Context, p hostPlan) (*dataplane.Pump, string, error) {
	ctx, cancel := context.WithTimeout(ctx, applyTime)
	defer cancel()
	a.dirty = true
	if a.dev == nil {
		dev, err := a.host.Tun.Open(ctx, p.route.MTU)
		if err != nil {
			return nil, "", coded(fault.HostTun, err)
		}
		a.dev, a.heir = dev, false
	}
	p = p.on(a.dev)
	if err := a.host.Firewall.Set(ctx, p.filter); err != nil { // first: nothing passes the tunnel by while the routes come
		return nil, "", coded(fault.HostFilter, err)
	}
	if err := a.host.Router.Set(ctx, p.route); err != nil {
		return nil, "", coded(fault.HostRoute, err)
	}
	a.route, a.filter = p.route, p.filter
	if err := a.host.Resolver.Set(ctx, p.dns); err != nil {
		return nil, "", coded(fault.HostDNS, err)
	}
	if a.pump == nil {
		a.pump = dataplane.New(a.dev, p.route.MTU)
	}
	a.pump.SetMTU(p.route.MTU)
	return a.pump, a.dev.Name(), nil
}

// follow has the networks that stay direct be those that the uplinks are connected to now.
func (a *applier) follow() {
	if !a.route.LocalLAN {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), applyTime)
	defer cancel()
	err := a.host.Firewall.Set(ctx, a.filter)
	if err = errors.Join(err, a.host.Router.Set(ctx, a.route)); err != nil {
		a.log.Warn("the local networks could not be followed", "err", err)
	}
}

// healed is what came of a look at what is ours.
type healed struct {
	steps []string // that it took to have all as it should be
	err   error
}

// heal puts back what others removed, where the system can tell. Who flushes routes and rules may have taken the filter with them; name servers have a watch of their own.
func (a *applier) heal() (h healed) {
	m, ok := a.host.Router.(platform.Mender)
	if !ok || a.route.Empty() {
		return h
	}
	ctx, cancel := context.WithTimeout(context.Background(), applyTime)
	defer cancel()
	if h.steps, h.err = m.Mend(ctx, a.route); len(h.steps) > 0 {
		h.err = errors.Join(h.err, a.host.Firewall.Set(ctx, a.filter))
	}
	return h
}

// revert takes everything back: names first, so that nothing is asked of a server whose route is gone. What the direct way leaves behind, the undo
// journal takes. The pump closes the carrier it reads, so the goodbyes that are on their way go first, for a moment.
func (a *applier) revert(ctx context.Context, goodbyes []<-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, revertTime)
	defer cancel()
	a.route = platform.RouteConfig{}
	errs := []error{
		a.host.Resolver.Set(ctx, platform.DNSConfig{}),
		a.host.Router.Set(ctx, platform.RouteConfig{}),
		a.host.Firewall.Set(ctx, platform.FilterConfig{}),
	}
	goodbye := time.NewTimer(goodbyeTime)
	defer goodbye.Stop()
	for _, said := range goodbyes {
		select {
		case <-said:
		case <-goodbye.C:
			goodbye.Reset(0) // not for the others either
		}
	}
	switch {
	case a.pump != nil:
		errs = append(errs, a.pump.Close())
	case a.dev != nil:
		errs = append(errs, a.dev.Close())
	}
	a.pump, a.dev = nil, nil
	if err := errors.Join(errs...); err != nil || a.heir {
		a.log.Warn("a change was not taken back at first, asking the undo journal", "err", err)
		if err := a.host.Undo(ctx); err != nil {
			return coded(fault.HostUndo, err)
		}
	}
	a.dirty, a.heir = false, false
	return nil
}

// coded gives err a code where it has none of its own.
func coded(code fault.Code, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	return fault.New(code, err)
}
