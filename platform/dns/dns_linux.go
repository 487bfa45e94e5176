package dns

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/dns/forward"
	"github.com/holdfast-vpn/holdfast/platform/undo"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolvconf"
)

// Resolver is name resolution by whichever way this machine has.
type Resolver struct {
	j       *undo.Journal
	out     platform.Dialer
	log     *slog.Logger
	backend atomic.Pointer[string] // for people; read without the locks

	life  sync.Mutex // one Set or Close at a time; it holds the watch
	watch *watch

	mu      sync.Mutex // what stands on the machine
	want    platform.DNSConfig
	index   int // of the device they are for, also while nothing is wanted any more
	chosen  Decision
	failed  Backend // gave way to the file since the last Set
	changes int     // made so far
	forward *forward.Server
}

// New returns the resolver. Whatever it makes is in the journal first. By out the machine's own servers are asked, where a forwarder of ours must.
func New(j *undo.Journal, log *slog.Logger, out platform.Dialer) *Resolver {
	return &Resolver{j: j, log: log, out: out}
}

var _ platform.Resolver = (*Resolver)(nil)

// Set makes name resolution what c wants, and keeps it so until the next Set; the zero value takes our part back. The error is HOST-003, or HOST-010 where nothing can
// be changed.
func (r *Resolver) Set(ctx context.Context, c platform.DNSConfig) error {
	r.life.Lock()
	defer r.life.Unlock()
	r.watch.stop()
	r.watch = nil
	r.mu.Lock()
	defer r.mu.Unlock()
	err := ctx.Err()
	if err == nil {
		r.want = c
		if c.Index != 0 {
			r.index = c.Index
		}
		if c.Empty() {
			err = r.drop(ctx)
		} else if err = r.apply(ctx, false); err == nil {
			r.watch = startWatch(r)
		}
	}
	if _, coded := errors.AsType[*fault.Error](err); err != nil && !coded {
		return fault.New(fault.HostDNS, err)
	}
	return err
}

// Close ends the watch and the forwarder; what stands on the machine stays, for the journal.
func (r *Resolver) Close() error {
	r.life.Lock()
	defer r.life.Unlock()
	r.watch.stop()
	r.watch = nil
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stopForward()
}

// Backend names the way names are resolved, for `state`.
func (r *Resolver) Backend() string {
	if name := r.backend.Load(); name != nil {
		return *name
	}
	return ""
}

// apply brings the machine to r.want by the back end of the moment. One that fails gives way to the file. again says that this is to keep what was set before.
func (r *Resolver) apply(ctx context.Context, again bool) error {
	now, err := resolvconf.Read()
	if err != nil {
		return err
	}
	facts := look(ctx, displaced(now, r.resolv()))
	if again && waits(r.chosen, facts) {
		return nil
	}
	d := Decide(facts)
	if !again {
		r.failed = Nothing
	}
	if d.Backend == r.failed && d.Backend != Nothing {
		d = Decision{Backend: PlainFile, Why: string(r.failed) + " failed since the session began"}
	}
	if d != r.chosen {
		r.log.Info("name resolution", "by", string(d.Backend), "also_resolved", d.Also, "because", d.Why, "facts", facts)
	}
	r.chosen = d
	via := r.startForward(d.Backend)
	switch d.Backend {
	case Nothing:
		return fault.Newf(fault.HostFixed, nil, "%s", facts.Fixed)
	case Resolved:
		if err = r.setLink(ctx); err == nil && d.Relink {
			err = r.relink()
		}
	case Resolvconf, Openresolv:
		err = r.setRecord(ctx, facts.Resolvconf, via)
	default:
		err = r.setFile(via)
	}
	if err != nil && d.Backend != PlainFile && facts.Fixed == "" && ctx.Err() == nil {
		r.log.Warn("name resolution goes by the file instead", "failed", string(d.Backend), "error", err)
		r.failed, d.Backend, d.Relink = d.Backend, PlainFile, false
		if err = r.dropBut(ctx, d); err == nil { // openresolv rewrites the file when a record goes
			via = r.startForward(d.Backend)
			err = r.setFile(via)
		}
	}
	if err != nil {
		return err
	}
	if d.Also {
		if err := r.setLink(ctx); err != nil {
			r.log.Warn("programs that ask systemd-resolved keep its own servers", "error", err)
		}
	}
	name := string(d.Backend)
	if via.IsValid() {
		name += " and a forwarder of ours"
	}
	r.backend.Store(&name)
	err = r.dropBut(ctx, d)
	if !via.IsValid() {
		err = errors.Join(err, r.stopForward())
	}
	return err
}

// startForward runs the forwarder where the back end needs one, and returns its address, else the zero Addr. A machine where it cannot listen does without.
func (r *Resolver) startForward(b Backend) netip.Addr {
	if !forwarded(r.want, b) {
		return netip.Addr{}
	}
	rules := rulesFor(r.want, r.outside)
	if r.forward != nil {
		r.forward.SetRules(rules)
		return forward.Addr
	}
	f, err := forward.Listen(r.out, rules)
	if err != nil {
		r.log.Warn("split DNS is not possible: the forwarder cannot listen", "error", err)
		return netip.Addr{}
	}
	r.forward = f
	return forward.Addr
}

func (r *Resolver) stopForward() error {
	if r.forward == nil {
		return nil
	}
	err := r.forward.Close()
	r.forward = nil
	return err
}

// drop takes back everything of ours, and goes on after a failure.
func (r *Resolver) drop(ctx context.Context) error {
	r.chosen = Decision{}
	return errors.Join(r.dropBut(ctx, Decision{}), r.stopForward())
}

// dropBut takes back what the decision has no use for: the back end may change under a session.
func (r *Resolver) dropBut(ctx context.Context, d Decision) error {
	var failed []error
	for _, p := range []struct {
		kind undo.Kind
		used bool
		drop func(context.Context) error
	}{
		{undo.KindResolv, d.Backend == PlainFile || d.Relink, r.dropFile},
		{undo.KindRecord, d.Backend == Resolvconf || d.Backend == Openresolv, r.dropRecord},
		{undo.KindLinkDNS, d.Backend == Resolved || d.Also, r.dropLink},
	} {
		if p.used || r.listed(p.kind) == nil {
			continue
		}
		if err := p.drop(ctx); err != nil {
			failed = append(failed, err)
			continue
		}
		r.j.Step("dns: " + string(p.kind) + " taken back")
		if err := r.unlist(p.kind); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// list puts a change into the journal, in the place of an older one of its kind.
func (r *Resolver) list(e undo.Entry) error {
	return r.j.Put(undo.SlotDNS, append(r.allBut(e.Kind), e)...)
}

func (r *Resolver) unlist(k undo.Kind) error { return r.j.Put(undo.SlotDNS, r.allBut(k)...) }

func (r *Resolver) allBut(k undo.Kind) []undo.Entry {
	return slices.DeleteFunc(r.j.Get(undo.SlotDNS), func(e undo.Entry) bool { return e.Kind == k })
}

// listed is our change of that kind as the journal has it, or nil.
func (r *Resolver) listed(k undo.Kind) *undo.Entry {
	for _, e := range r.j.Get(undo.SlotDNS) {
		if e.Kind == k {
			return &e
		}
	}
	return nil
}

// resolv is our change to the file, or nil.
func (r *Resolver) resolv() *undo.Resolv {
	if e := r.listed(undo.KindResolv); e != nil {
		return e.Resolv
	}
	return nil
}

// names is what an entry of ours says of servers.
func (r *Resolver) names(are []netip.Addr) *undo.Names {
	were := r.outside()
	return &undo.Names{Were: were[:min(len(were), undo.MaxNames)], Are: are[:min(len(are), undo.MaxNames)]}
}

// outside lists the servers that answer without us.
func (r *Resolver) outside() []netip.Addr {
	now, err := resolvconf.Read()
	if err != nil {
		r.log.Warn("reading resolv.conf", "error", err)
		return nil
	}
	return upstream(now, r.j.Get(undo.SlotDNS))
}
