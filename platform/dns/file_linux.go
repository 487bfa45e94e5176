package dns

import (
	"bytes"
	"context"
	"errors"
	"net/netip"

	"github.com/holdfast-vpn/holdfast/platform/sysbus"
	"github.com/holdfast-vpn/holdfast/platform/undo"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolvconf"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolved"
)

// errContest says that somebody else wrote the file between our writing and our looking.
var errContest = errors.New("somebody else rewrites " + resolvconf.Path)

// setFile makes resolv.conf say what is wanted, or to ask via where that is an address. NetworkManager often writes when a device appears: then it is our turn again.
func (r *Resolver) setFile(via netip.Addr) error {
	var err error
	for range 5 {
		if err = r.writeFile(via); !errors.Is(err, errContest) {
			break
		}
	}
	return err
}

func (r *Resolver) writeFile(via netip.Addr) error {
	now, err := resolvconf.Read()
	if err != nil {
		return err
	}
	old := r.resolv()
	was := displaced(now, old)
	want := compose(r.want, was.Live(), via)
	if now.Kind == resolvconf.Regular && bytes.Equal(now.Content, want) && old != nil {
		return nil
	}
	r.changes++
	wrote := [][]byte{want}
	switch {
	case old == nil:
	case ours(now, old):
		wrote = append(wrote, now.Content)
	default: // edited: until ours stands there again, the lines to take out are the old ones
		wrote = append(wrote, old.Wrote[0])
	}
	if err := r.listFile(was, wrote...); err != nil {
		return err
	}
	r.j.Step("dns: journaled")
	unseen, err := resolvconf.Write(want, now, r.j.Step)
	if err != nil {
		return err
	}
	r.j.Step("dns: written")
	if unseen != nil { // somebody was faster: his is what we displaced. What ours takes from it follows with the next look, which his writing has called for
		if theirs := displaced(*unseen, r.resolv()); !resolvconf.Marked(unseen.Content) {
			was = theirs
		}
	}
	back, err := resolvconf.Read()
	if err != nil {
		return err
	}
	if !bytes.Equal(back.Content, want) {
		return errContest
	}
	return r.listFile(was, want)
}

func (r *Resolver) listFile(was resolvconf.File, wrote ...[]byte) error {
	return r.list(undo.Entry{Kind: undo.KindResolv, Resolv: &undo.Resolv{Was: was, Wrote: wrote}})
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

// relink makes resolv.conf lead to systemd-resolved's stub.
func (r *Resolver) relink() error {
	now, err := resolvconf.Read()
	if err != nil || now.Kind == resolvconf.Link && now.Target == resolvconf.Stub.Target {
		return err
	}
	r.changes++
	if err := r.list(undo.Entry{Kind: undo.KindResolv, Resolv: &undo.Resolv{Was: displaced(now, r.resolv()), Stub: true}}); err != nil {
		return err
	}
	r.j.Step("dns: link listed")
	_, err = resolvconf.Restore(resolvconf.Stub, now, r.j.Step)
	return err
}

func (r *Resolver) dropFile(ctx context.Context) error {
	listed := r.resolv()
	if listed.Stub {
		if did, err := resolvconf.Unlink(listed.Was, r.j.Step); did || err != nil {
			return err
		}
	}
	if err := r.forget(ctx, listed); err != nil {
		r.log.Warn("systemd-resolved may keep servers that it read from our file: restart it", "error", err)
	}
	if listed = r.resolv(); listed == nil {
		return nil
	}
	changed, err := resolvconf.Revert(listed.Was, listed.Wrote, r.j.Step)
	if err == nil && !changed {
		r.log.Info("nothing of ours is left in resolv.conf: somebody else has written it")
	}
	return err
}

// forget makes systemd-resolved forget what it read from our file. It reads any file that is not its own, but when its own is back it does not look any more. So for a
// moment the file names nobody, and a change to a link makes resolved read it.
func (r *Resolver) forget(ctx context.Context, listed *undo.Resolv) error {
	if !(Facts{File: listed.Was}).ownOfResolved() {
		return nil
	}
	now, err := resolvconf.Read()
	if err != nil || !ours(now, listed) {
		return err
	}
	bus, err := sysbus.Dial(ctx)
	if err != nil {
		return nil
	}
	defer bus.Close()
	if bus.Of(ctx, resolved.Name) == sysbus.Nowhere {
		return nil
	}
	empty := resolvconf.Compose(nil, nil)
	if err := r.listFile(listed.Was, empty, now.Content); err != nil {
		return err
	}
	if _, err := resolvconf.Write(empty, now, r.j.Step); err != nil {
		return err
	}
	return resolved.Revert(ctx, bus, r.index)
}
