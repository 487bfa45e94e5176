package agent

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

const (
	rememberFile  = "last.json"
	rememberAll   = 256     // of one machine
	rememberHosts = 16      // of one user
	rememberBytes = 1 << 18 // of the file
	rememberField = 512     // of one name
)

// last is what a user gave a host the last time. There is no secret in it, by contract: user name, group and host.
type last struct {
	Owner string `json:"owner"`
	Host  string `json:"host"`
	Group string `json:"group,omitempty"` // that was asked for
	User  string `json:"user,omitempty"`
	Chose string `json:"chose,omitempty"` // the label of the group in use, however it came to that
}

// memory keeps what local users gave hosts in the agent's state directory, the most recent at the end. It belongs to the loop; the file is small and
// local, and is written once per login.
type memory struct {
	path string
	list []last
}

// recall reads the file. One that is missing, too long or malformed is an empty memory: it costs a user the typing of a host name.
func recall(stateDir string) *memory {
	m := &memory{path: filepath.Join(stateDir, rememberFile)}
	f, err := os.Open(m.path)
	if err != nil {
		return m
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, rememberBytes))
	if err != nil {
		return m
	}
	var list []last
	if json.Unmarshal(b, &list) != nil || len(list) > rememberAll {
		return m
	}
	m.list = list
	return m
}

// of returns what owner connected to last.
func (m *memory) of(owner string) (last, bool) {
	for _, l := range slices.Backward(m.list) {
		if l.Owner == owner {
			return l, true
		}
	}
	return last{}, false
}

// at returns what owner gave a host the last time, nothing where that is not known.
func (m *memory) at(owner, host string) last {
	i := slices.IndexFunc(m.list, func(l last) bool { return l.Owner == owner && l.Host == host })
	if i < 0 {
		return last{}
	}
	return m.list[i]
}

// keep remembers l and returns what writes the file, whole or not at all; nil when nothing changed.
func (m *memory) keep(l last) func() error {
	if len(l.Owner) > rememberField || len(l.Host) > rememberField || len(l.Group) > rememberField || len(l.User) > rememberField || len(l.Chose) > rememberField {
		return nil
	}
	if old, ok := m.of(l.Owner); ok && old == l {
		return nil
	}
	m.list = append(slices.DeleteFunc(m.list, func(o last) bool { return o.Owner == l.Owner && o.Host == l.Host }), l)
	extra := -rememberHosts // of the owner's
	for _, o := range m.list {
		if o.Owner == l.Owner {
			extra++
		}
	}
	m.list = slices.DeleteFunc(m.list, func(o last) bool {
		if o.Owner != l.Owner || extra <= 0 {
			return false
		}
		extra--
		return true
	})
	m.list = m.list[max(0, len(m.list)-rememberAll):]
	return m.write()
}

// forget lets go of what owner connected to last, and returns what writes the file; nil when nothing changed.
func (m *memory) forget(owner string) func() error {
	if _, ok := m.of(owner); !ok {
		return nil
	}
	m.list = slices.DeleteFunc(m.list, func(o last) bool { return o.Owner == owner })
	return m.write()
}

// write returns what writes the list as it is now.
func (m *memory) write() func() error {
	list, path := slices.Clone(m.list), m.path
	return func() error {
		b, err := json.MarshalIndent(list, "", "  ")
		if err != nil {
			return fmt.Errorf("remember: %w", err)
		}
		return writeWhole(path, append(b, '\n'), 0o600)
	}
}

// writeWhole replaces a file by rename.
func writeWhole(path string, b []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return fmt.Errorf("remember: %w", err)
	}
	_, err = f.Write(b)
	if err == nil && mode != 0o600 {
		err = f.Chmod(mode)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("remember: %w", err)
	}
	return nil
}
