package dns

import (
	"bytes"
	"context"
	"errors"
	"net/netip"

	"github.com/holdfast-vpn/holdfast/platform/undo"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolvconf"
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

func (r *Resolver) dropFile(context.Context) error {
	listed := r.resolv()
	changed, err := resolvconf.Revert(listed.Was, listed.Wrote, r.j.Step)
	if err == nil && !changed {
		r.log.Info("nothing of ours is left in resolv.conf: somebody else has written it")
	}
	return err
}
