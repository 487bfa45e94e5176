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

// Write makes content the file at Path, with mode and owner of like if that was a regular file, else 0644 and ours.
func Write(content []byte, like File, step Step) error {
	if err := Sweep(); err != nil && !unmovable(err) {
		return err
	}
	err := makeSpare(content, like)
	if err == nil {
		step.at("resolv.conf: new file made")
		if err = os.Rename(spare, Path); err == nil {
			step.at("resolv.conf: renamed")
			return syncDir()
		}
		_ = os.Remove(spare)
	}
	if !unmovable(err) {
		return err
	}
	return inPlace(content, step)
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

// Restore puts back what Read returned.
func Restore(was File, step Step) error {
	switch was.Kind {
	case Regular:
		return Write(was.Content, was, step)
	case Link:
		if err := Sweep(); err != nil {
			return err
		}
		if err := os.Symlink(was.Target, spare); err != nil {
			return err
		}
		step.at("resolv.conf: link made")
		if err := os.Rename(spare, Path); err != nil {
			return errors.Join(err, os.Remove(spare))
		}
	case Absent:
		if err := os.Remove(Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return syncDir()
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

// Revert takes our part out of the file at Path: was is what we displaced, wrote the contents we may have written since, newest first. It reports
// whether anything had to be done.
func Revert(was File, wrote [][]byte, step Step) (bool, error) {
	if err := Sweep(); err != nil && !unmovable(err) {
		return false, err
	}
	now, err := Read()
	if err != nil {
		return false, err
	}
	if now.Kind != Regular || (was.Kind == Regular && bytes.Equal(now.Content, was.Content)) {
		return false, nil // taken away, replaced by a link, or not yet changed: nothing of ours is there
	}
	for _, w := range wrote {
		if bytes.Equal(now.Content, w) {
			return true, Restore(was, step)
		}
	}
	states := append([][]byte{was.Content}, wrote...) // any of them may have been under way to any other
	for _, next := range states {
		for _, before := range states {
			if mixed(now.Content, next, before) {
				return true, Restore(was, step)
			}
		}
	}
	rest := Foreign(now.Content, wrote, was)
	if bytes.Equal(rest, now.Content) {
		return false, nil
	}
	return true, Write(rest, now, step)
}

// mixed reports whether content is what a crash leaves in the middle of rewriting before with next in place: all of next, then the tail of before.
func mixed(content, next, before []byte) bool {
	return len(before) > len(next) && len(content) == len(before) && bytes.HasPrefix(content, next) && bytes.HasSuffix(content, before[len(next):])
}
