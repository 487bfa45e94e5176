package resolvconf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Path is the one file this package is about.
const Path = "/etc/resolv.conf"

// spare is where a new file is made before it is renamed over Path. A crash may leave it; Sweep removes it.
const spare = "/etc/.resolv.conf.holdfast"

// MaxSize bounds what is read, in bytes.
const MaxSize = 64 << 10

// Kind says what stands at Path.
type Kind string

const (
	Absent  Kind = "absent"
	Regular Kind = "file"
	Link    Kind = "link"
)

// File is what stood at Path. Content is that of a regular file, or of the file a link led to. Mode, UID and GID count for a regular file, Target for a link.
type File struct {
	Kind    Kind   `json:"kind"`
	Content []byte `json:"content,omitempty"`
	Mode    uint32 `json:"mode,omitempty"`
	UID     int    `json:"uid,omitempty"`
	GID     int    `json:"gid,omitempty"`
	Target  string `json:"target,omitempty"`
}

// Check refuses what Read cannot have returned: a File may come back from disk.
func (f File) Check() error {
	switch {
	case f.Kind != Absent && f.Kind != Regular && f.Kind != Link:
		return fmt.Errorf("kind %q", f.Kind)
	case len(f.Content) > MaxSize:
		return fmt.Errorf("content of %d bytes", len(f.Content))
	case f.Mode&^0o777 != 0:
		return fmt.Errorf("mode %o", f.Mode)
	case f.UID < 0 || f.GID < 0:
		return fmt.Errorf("owner %d:%d", f.UID, f.GID)
	case (f.Kind == Link) != (f.Target != "") || len(f.Target) > 4095 || strings.ContainsRune(f.Target, 0):
		return errors.New("link target")
	}
	return nil
}

// same reports whether two looks saw the same file. The bytes behind a link are somebody else's.
func (f File) same(g File) bool {
	return f.Kind == g.Kind && f.Target == g.Target && (f.Kind == Link || bytes.Equal(f.Content, g.Content))
}

// Read returns what stands at Path now.
func Read() (File, error) { return readAt(Path) }

func readAt(path string) (File, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return File{Kind: Absent}, nil
	case err != nil:
		return File{}, err
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		if err != nil {
			return File{}, err
		}
		content, err := readRegular(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return File{}, err
		}
		return File{Kind: Link, Target: target, Content: content}, nil
	case !info.Mode().IsRegular():
		return File{}, fmt.Errorf("%s is neither a file nor a link", path)
	}
	content, err := readRegular(path)
	if err != nil {
		return File{}, err
	}
	uid, gid := owner(info)
	return File{Kind: Regular, Content: content, Mode: uint32(info.Mode().Perm()), UID: uid, GID: gid}, nil
}

// Live returns the content a displaced file would have now: that of a link is kept up to date by others while ours stands in its place. Only
// targets below /etc and /run are looked at; whatever cannot be read is as it was.
func (f File) Live() []byte {
	if f.Kind != Link {
		return f.Content
	}
	target := f.Target
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(Path), target)
	}
	target, err := filepath.EvalSymlinks(target)
	if err != nil || target == Path || (!strings.HasPrefix(target, "/run/") && !strings.HasPrefix(target, "/etc/")) {
		return f.Content
	}
	content, err := readRegular(target)
	if err != nil {
		return f.Content
	}
	return content
}

// readRegular reads a file of at most MaxSize bytes and never waits for one that is no regular file.
func readRegular(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|openNonblock, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	content, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, err
	}
	if len(content) > MaxSize {
		return nil, fmt.Errorf("%s is longer than %d bytes", path, MaxSize)
	}
	return content, nil
}
