package undo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/undo/records"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolvconf"
)

// Names in the two directories.
const (
	fileName = "undo"
	newName  = "undo.new"
	lockName = "lock"
)

// Options of Open; the zero value is what programs use.
type Options struct {
	Log *slog.Logger
	// Step is called at each point where a crash leaves another state behind. Tests end the process in it; nothing that is shipped sets it.
	Step func(name string)
}

// Journal is the open journal. One process has it at a time.
type Journal struct {
	log  *slog.Logger
	step func(name string)

	mu      sync.Mutex
	network io.Closer  // the lock of the network; nil where none is needed
	state   *directory // resolv.conf
	runtime *directory // what dies with the kernel
	slots   map[Slot][]Entry
}

// directory is one of the two, open and locked.
type directory struct {
	root *os.Root
	lock io.Closer
}

func (d *directory) close() error {
	if d == nil {
		return nil
	}
	return errors.Join(d.lock.Close(), d.root.Close())
}

// Open locks the network, makes the directories if they are missing, checks and locks them, and reads what a former process left in them; it changes nothing else. The error
// is a *fault.Error: HOST-005 while another process has the journal, HOST-006 for directories that are not safe, HOST-007 where there is no journal.
func Open(stateDir, runtimeDir string, opts Options) (*Journal, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Step == nil {
		opts.Step = func(string) {}
	}
	j := &Journal{log: opts.Log, step: opts.Step, slots: map[Slot][]Entry{}}
	var err error
	if j.network, err = lockNetwork(); err != nil {
		return nil, err
	}
	if j.state, err = openDirectory(stateDir, 0o700); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	if j.runtime, err = openDirectory(runtimeDir, 0o711); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	for _, d := range []*directory{j.runtime, j.state} {
		if err := j.load(d); err != nil {
			return nil, errors.Join(fault.New(fault.HostUndo, err), j.Close())
		}
	}
	return j, nil
}

// load reads one file into the slots that belong into it. A damaged end is logged and left: what it would have listed was not yet done, or is found by tag.
func (j *Journal) load(d *directory) error {
	f, err := d.root.Open(fileName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return err
	}
	slots, err := parse(b)
	if err != nil {
		j.log.Warn("reading the undo journal", "error", err)
	}
	for slot, entries := range slots {
		if j.home(slot) == d {
			j.slots[slot] = entries
		}
	}
	return nil
}

// home is the directory a slot is kept in.
func (j *Journal) home(s Slot) *directory {
	if s == SlotDNS {
		return j.state
	}
	return j.runtime
}

// Put replaces what is listed in the slot, and returns when it is safe there: before that nothing of it may be made.
func (j *Journal) Put(s Slot, entries ...Entry) error {
	r := record{Slot: s, Entries: entries}
	if err := r.check(); err != nil {
		return fmt.Errorf("undo journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	before, had := j.slots[s]
	j.slots[s] = slices.Clone(entries)
	if err := j.save(j.home(s)); err != nil {
		if had {
			j.slots[s] = before
		} else {
			delete(j.slots, s)
		}
		return fmt.Errorf("undo journal: %w", err)
	}
	return nil
}

// Get returns what is listed in the slot.
func (j *Journal) Get(s Slot) []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.slots[s])
}

// Step names a point at which a crash leaves another state behind.
func (j *Journal) Step(name string) { j.step(name) }

// save replaces the file of one directory.
func (j *Journal) save(d *directory) error {
	var b []byte
	for _, s := range []Slot{SlotTun, SlotFilter, SlotRouter, SlotDNS} {
		if entries := j.slots[s]; len(entries) > 0 && j.home(s) == d {
			var err error
			if b, err = appendRecord(b, record{s, entries}); err != nil {
				return err
			}
		}
	}
	if len(b) > maxFile {
		return fmt.Errorf("%d bytes are more than a journal may have", len(b))
	}
	durable := d == j.state
	f, err := d.root.OpenFile(newName, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil && durable {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	j.step("journal: written beside")
	if err := d.root.Rename(newName, fileName); err != nil {
		return err
	}
	if durable {
		if err := syncRoot(d.root); err != nil {
			return err
		}
	}
	j.step("journal: in place")
	return nil
}

func syncRoot(r *os.Root) error {
	f, err := r.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Recover undoes everything that is listed and everything that bears our tags, and says what that was. It goes on after a failure; the error is HOST-004 and
// names what is left, which stays listed. With nothing of ours on the machine it does nothing.
func (j *Journal) Recover(ctx context.Context) (undone []string, err error) {
	var failed []error
	for _, s := range []Slot{SlotDNS, SlotRouter, SlotFilter, SlotTun} {
		var left []Entry
		for _, e := range slices.Backward(j.Get(s)) {
			did, err := j.revert(ctx, e)
			if err != nil {
				failed = append(failed, fmt.Errorf("%s: %w", e, err))
				left = append([]Entry{e}, left...)
			} else if did {
				undone = append(undone, e.String())
			}
			j.step("recover: " + e.String())
		}
		if len(j.Get(s)) > 0 {
			if err := j.Put(s, left...); err != nil {
				failed = append(failed, err)
			}
		}
	}
	if ctx.Err() == nil {
		swept, err := j.sweep(ctx)
		undone = append(undone, swept...)
		failed = append(failed, err)
	}
	if err := errors.Join(failed...); err != nil {
		return undone, fault.New(fault.HostUndo, err)
	}
	return undone, nil
}

// revert undoes one entry and reports whether there was anything to undo.
func (j *Journal) revert(ctx context.Context, e Entry) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	switch e.Kind {
	case KindResolv:
		if e.Resolv.Stub {
			if did, err := resolvconf.Unlink(e.Resolv.Was, j.step); did || err != nil {
				return did, err
			}
		}
		return resolvconf.Revert(e.Resolv.Was, e.Resolv.Wrote, j.step)
	case KindRecord:
		return records.Remove(ctx)
	case KindLinkDNS:
		return revertLinkDNS(ctx)
	}
	return revertKernel(e)
}

// sweep removes what bears our tags although no entry lists it (any more).
func (j *Journal) sweep(ctx context.Context) ([]string, error) {
	undone, err := sweepKernel()
	if len(j.Get(SlotDNS)) > 0 {
		return undone, err // its own failure was told
	}
	did, err2 := records.Remove(ctx)
	if did {
		undone = append(undone, Entry{Kind: KindRecord}.String())
	}
	did, err3 := resolvconf.Revert(resolvconf.File{Kind: resolvconf.Absent}, nil, j.step)
	if did {
		undone = append(undone, resolvconf.Path)
	}
	return undone, errors.Join(err, err2, err3)
}

// Close gives the locks back. What is listed stays for the next one.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := errors.Join(j.runtime.close(), j.state.close())
	if j.network != nil {
		err = errors.Join(err, j.network.Close())
	}
	j.runtime, j.state, j.network = nil, nil, nil
	return err
}

// NameChanges returns the changes to name resolution that the journal in stateDir lists. It needs no lock: a journal is replaced whole.
func NameChanges(stateDir string) ([]Entry, error) {
	f, err := os.Open(filepath.Join(stateDir, fileName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	slots, err := parse(b)
	if listed := slots[SlotDNS]; len(listed) > 0 {
		return listed, nil
	}
	return nil, err
}
