package resolvconf

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Step is told the name of each point at which a crash leaves a different state behind. It may be nil.
type Step func(name string)

func (s Step) at(name string) {
	if s != nil {
		s(name)
	}
}

// Write makes content the file at Path, with mode and owner of now if that is a regular file, else 0644 and ours. now is what the caller saw there. Where somebody
// else wrote between that look and the change, what he wrote is returned: it is displaced too, and the caller has not seen it.
func Write(content []byte, now File, step Step) (unseen *File, err error) {
	return writeLike(content, now, now, step)
}

func writeLike(content []byte, like, now File, step Step) (unseen *File, err error) {
	if err := Sweep(); err != nil && !unmovable(err) {
		return nil, err
	}
	err = makeSpare(content, like)
	if err == nil {
		step.at("resolv.conf: new file made")
		unseen, err = place(now)
		step.at("resolv.conf: renamed")
		if err == nil {
			return unseen, syncDir()
		}
		_ = os.Remove(spare)
	}
	if !unmovable(err) {
		return nil, err
	}
	return nil, inPlace(content, step)
}

// place makes the spare the file at Path. The kernel swaps the two where it can, so that nothing is displaced unseen: who writes the file may do so at any moment.
func place(now File) (unseen *File, err error) {
	swapped, err := swap(spare, Path)
	if err != nil {
		return nil, err
	}
	if !swapped {
		return nil, os.Rename(spare, Path)
	}
	was, err := readAt(spare)
	if err == nil && !was.same(now) {
		unseen = &was
	}
	return unseen, errors.Join(err, os.Remove(spare))
}

// makeSpare writes the new file beside the old one and brings it to the disk.
func makeSpare(content []byte, like File) error {
	f, err := os.OpenFile(spare, os.O_WRONLY|os.O_CREATE|os.O_EXCL|openNoFollow, 0o600)
	if err != nil {
		return err
	}
	mode, uid, gid := fs.FileMode(0o644), os.Geteuid(), os.Getegid()
	if like.Kind == Regular {
		mode, uid, gid = fs.FileMode(like.Mode).Perm(), like.UID, like.GID
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Chown(uid, gid)
	}
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// inPlace rewrites the file that stands at Path.
func inPlace(content []byte, step Step) error {
	f, err := os.OpenFile(Path, os.O_WRONLY|openNoFollow|openNonblock, 0)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", Path)
	}
	if err == nil {
		_, err = f.WriteAt(content, 0)
	}
	if err == nil {
		step.at("resolv.conf: bytes written in place")
		err = f.Truncate(int64(len(content)))
	}
	if err == nil {
		err = f.Sync()
		step.at("resolv.conf: rewritten in place")
	}
	return errors.Join(err, f.Close())
}

// Restore puts back what Read returned, in the place of now. unseen is as with Write.
func Restore(was, now File, step Step) (unseen *File, err error) {
	switch was.Kind {
	case Regular:
		return writeLike(was.Content, was, now, step)
	case Link:
		if err := Sweep(); err != nil {
			return nil, err
		}
		if err := os.Symlink(was.Target, spare); err != nil {
			return nil, err
		}
		step.at("resolv.conf: link made")
		if unseen, err = place(now); err != nil {
			_ = os.Remove(spare)
			return nil, err
		}
	case Absent:
		if err := os.Remove(Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return unseen, syncDir()
}

// Sweep removes what a crash of Write or Restore may have left beside Path.
func Sweep() error {
	if err := os.Remove(spare); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func syncDir() error {
	d, err := os.Open(filepath.Dir(Path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Stub is the link to systemd-resolved's stub, as we make it.
var Stub = File{Kind: Link, Target: "/run/systemd/resolve/stub-resolv.conf"}

// Unlink puts was back in the place of Stub, and reports whether that stood there.
func Unlink(was File, step Step) (bool, error) {
	now, err := Read()
	if err != nil || now.Kind != Link || now.Target != Stub.Target || was.same(now) {
		return false, err
	}
	unseen, err := Restore(was, now, step)
	if err == nil && unseen != nil {
		_, err = Restore(*unseen, was, step) // somebody's, who was faster
	}
	return true, err
}

// tries bounds how often somebody else may be faster than Revert.
const tries = 5

// Revert takes our part out of the file at Path: was is what we displaced, wrote the contents we may have written since, newest first. It reports
// whether anything had to be done. What somebody else puts there meanwhile stays.
func Revert(was File, wrote [][]byte, step Step) (bool, error) {
	if err := Sweep(); err != nil && !unmovable(err) {
		return false, err
	}
	now, err := Read()
	if err != nil {
		return false, err
	}
	then, changed := without(now, was, wrote)
	if !changed {
		return false, nil
	}
	for range tries {
		unseen, err := Restore(then, now, step)
		if err != nil || unseen == nil {
			return true, err
		}
		now, then = then, *unseen // his is newer than what we have just put back
		then, _ = without(then, was, wrote)
	}
	return true, errors.New("somebody else goes on writing " + Path)
}

// without is the file as it should be after us, and whether that is another one.
func without(now, was File, wrote [][]byte) (File, bool) {
	if now.Kind != Regular || (was.Kind == Regular && bytes.Equal(now.Content, was.Content)) {
		return now, false // taken away, replaced by a link, or not yet changed: nothing of ours is there
	}
	for _, w := range wrote {
		if bytes.Equal(now.Content, w) {
			return was, true
		}
	}
	states := append([][]byte{was.Content}, wrote...) // any of them may have been under way to any other
	for _, next := range states {
		for _, before := range states {
			if mixed(now.Content, next, before) {
				return was, true
			}
		}
	}
	rest := Foreign(now.Content, wrote, was)
	if bytes.Equal(rest, now.Content) {
		return now, false
	}
	now.Content = rest
	return now, true
}

// mixed reports whether content is what a crash leaves in the middle of rewriting before with next in place: all of next, then the tail of before.
func mixed(content, next, before []byte) bool {
	return len(before) > len(next) && len(content) == len(before) && bytes.HasPrefix(content, next) && bytes.HasSuffix(content, before[len(next):])
}
