package vault

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Names of the files.
const (
	sealedName = "session"
	keyName    = "session.key"
	newSuffix  = ".new"
)

// ErrNone says that no session is kept.
var ErrNone = errors.New("no session is kept")

// ErrBroken says that what is kept cannot be used.
var ErrBroken = errors.New("the session that was kept cannot be used")

// Vault is the place of one agent's session.
type Vault struct{ state, runtime string }

// New returns the vault in two directories, the second of which dies with the boot. Nothing is read or written.
func New(stateDir, runtimeDir string) *Vault { return &Vault{state: stateDir, runtime: runtimeDir} }

// Save keeps s in place of what was kept before, whole or not at all. It is not brought to the disk: what it is for does not outlive the boot.
func (v *Vault) Save(s Session) error {
	boot, err := bootID()
	if err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	key, err := read(v.runtime, keyName, keyLen)
	if err != nil || len(key) != keyLen {
		key = newKey()
		err = write(v.runtime, keyName, key)
	}
	defer clear(key)
	if err == nil {
		var sealed []byte
		if sealed, err = seal(key, boot, s); err == nil {
			err = write(v.state, sealedName, sealed)
		}
	}
	if err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	return nil
}

// Load returns what is kept, and leaves it there. The error is ErrNone, or wraps ErrBroken and says why; it holds nothing of what was read.
func (v *Vault) Load() (Session, error) {
	sealed, err := read(v.state, sealedName, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return Session{}, ErrNone
	}
	var key []byte
	if err == nil {
		key, err = read(v.runtime, keyName, keyLen)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.New("its key is gone: the machine was booted since")
	}
	defer clear(key)
	var boot string
	if err == nil {
		boot, err = bootID()
	}
	if err == nil {
		var s Session
		if s, err = open(key, boot, sealed); err == nil {
			return s, nil
		}
	}
	return Session{}, fmt.Errorf("%w: %w", ErrBroken, err)
}

// Discard removes what is kept, the key first, and reports whether there was a session. Files that are not as Save makes them are removed all the same.
func (v *Vault) Discard() (had bool, err error) {
	var failed []error
	for _, f := range []struct{ dir, name string }{{v.runtime, keyName}, {v.runtime, keyName + newSuffix}, {v.state, sealedName}, {v.state, sealedName + newSuffix}} {
		root, err := os.OpenRoot(f.dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = errors.Join(root.Remove(f.name), root.Close())
		}
		switch {
		case err == nil:
			had = had || f.name == sealedName
		case !errors.Is(err, fs.ErrNotExist):
			failed = append(failed, err)
		}
	}
	if err := errors.Join(failed...); err != nil {
		return had, fmt.Errorf("vault: %w", err)
	}
	return had, nil
}

// write replaces a file of ours by a rename.
func write(dir, name string, b []byte) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	_ = root.Remove(name + newSuffix) // of a process that died: whatever it is, it is not written to
	f, err := root.OpenFile(name+newSuffix, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return root.Rename(name+newSuffix, name)
}

// read returns a file of ours of at most limit bytes. What Lstat saw must be what was opened, so a link, or a swap in between, is found.
func read(dir, name string, limit int64) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	seen, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if err := alone(seen); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	opened, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !os.SameFile(seen, opened):
		return nil, fmt.Errorf("%s changed while it was opened", name)
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(b)) > limit:
		return nil, fmt.Errorf("%s is longer than %d bytes", name, limit)
	}
	return b, nil
}
