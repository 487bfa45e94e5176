package dns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/undo"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolvconf"
)

// Resolver is name resolution by /etc/resolv.conf.
type Resolver struct {
	j   *undo.Journal
	log *slog.Logger
	mu  sync.Mutex
}

// New returns the resolver. Whatever it makes is in the journal first.
func New(j *undo.Journal, log *slog.Logger) *Resolver { return &Resolver{j: j, log: log} }

var _ platform.Resolver = (*Resolver)(nil)

// Set makes resolv.conf say what c wants; the zero value takes our part out of it. The error is HOST-003.
func (r *Resolver) Set(ctx context.Context, c platform.DNSConfig) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := ctx.Err()
	if err == nil {
		if c.Empty() {
			err = r.remove()
		} else {
			err = r.set(c)
		}
	}
	if err != nil {
		return fault.New(fault.HostDNS, err)
	}
	return nil
}

func (r *Resolver) set(c platform.DNSConfig) error {
	now, err := resolvconf.Read()
	if err != nil {
		return err
	}
	was := displaced(now, r.listed())
	want := compose(c, was.Live())
	if now.Kind == resolvconf.Regular && bytes.Equal(now.Content, want) && r.listed() != nil {
		return nil
	}
	wrote := [][]byte{want}
	switch old := r.listed(); {
	case old == nil:
	case ours(now, old):
		wrote = append(wrote, now.Content)
	default: // edited: until ours stands there again, the lines to take out are the old ones
		wrote = append(wrote, old.Wrote[0])
	}
	if err := r.put(was, wrote...); err != nil {
		return err
	}
	r.j.Step("dns: journaled")
	if err := resolvconf.Write(want, now, r.j.Step); err != nil {
		return err
	}
	r.j.Step("dns: written")
	back, err := resolvconf.Read()
	if err != nil {
		return err
	}
	if !bytes.Equal(back.Content, want) {
		return errors.New("somebody else rewrites " + resolvconf.Path)
	}
	return r.put(was, want)
}

// displaced is the file as it would be without us.
func displaced(now resolvconf.File, listed *undo.Resolv) resolvconf.File {
	switch {
	case listed != nil && ours(now, listed):
		return listed.Was
	case listed != nil && resolvconf.Marked(now.Content):
		now.Content = resolvconf.Foreign(now.Content, listed.Wrote, listed.Was)
	case resolvconf.Marked(now.Content):
		now.Content = resolvconf.Foreign(now.Content, nil, resolvconf.File{Kind: resolvconf.Absent})
	}
	return now
}

func (r *Resolver) remove() error {
	listed := r.listed()
	if listed == nil {
		return nil
	}
	changed, err := resolvconf.Revert(listed.Was, listed.Wrote, r.j.Step)
	if err != nil {
		return err
	}
	if !changed {
		r.log.Info("nothing of ours is left in resolv.conf: somebody else has written it")
	}
	r.j.Step("dns: reverted")
	return r.j.Put(undo.SlotDNS)
}

// put lists the change in the journal.
func (r *Resolver) put(was resolvconf.File, wrote ...[]byte) error {
	return r.j.Put(undo.SlotDNS, undo.Entry{Kind: undo.KindResolv, Resolv: &undo.Resolv{Was: was, Wrote: wrote}})
}

// listed is our change as the journal has it, or nil.
func (r *Resolver) listed() *undo.Resolv {
	for _, e := range r.j.Get(undo.SlotDNS) {
		if e.Kind == undo.KindResolv {
			return e.Resolv
		}
	}
	return nil
}

// Backend names the way names are resolved, for `state`.
func (r *Resolver) Backend() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	file, err := resolvconf.Read()
	if err != nil {
		return "resolv.conf"
	}
	if listed := r.listed(); listed != nil && ours(file, listed) {
		file = listed.Was
	}
	if strings.Contains(file.Target, "systemd/resolve/") || slices.Contains(resolvconf.Servers(file.Content), stub) {
		return "resolv.conf, over systemd-resolved"
	}
	return "resolv.conf"
}

// Displaced returns the name servers of the file that ours displaced, or nil while it displaces none.
func (r *Resolver) Displaced() []netip.Addr {
	r.mu.Lock()
	defer r.mu.Unlock()
	listed := r.listed()
	if listed == nil {
		return nil
	}
	now, err := resolvconf.Read()
	if err != nil {
		r.log.Warn("reading resolv.conf", "error", fmt.Sprint(err))
		return unstub(resolvconf.Servers(listed.Was.Live()))
	}
	return upstream(now, listed)
}
