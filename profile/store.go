package profile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// maxFiles bounds the profiles of one directory.
const maxFiles = 200

// Store holds the profiles of some directories. It is not changed after Load and LoadPolicy; a nil Store is empty.
type Store struct {
	Profiles []*Profile // in the order of the directories, by file name within one

	policy    *Policy
	policyErr error
}

// Load reads every *.xml of the directories, in that order. A directory that is not there is no warning. A directory or file that is a link or of another kind, is writable by
// group or others, or belongs to neither root nor this process's user, is one, as is a file that is no profile; the others still count. A profile whose name or whole contents a
// directory before has already is left out: it was imported from there. A PolicyFile in a directory is the machine's local policy, the first one counts.
func Load(dirs ...string) (*Store, []Warning) {
	s := &Store{}
	var warnings []Warning
	for _, dir := range dirs {
		warnings = append(warnings, s.loadDir(dir)...)
	}
	return s, warnings
}

func (s *Store) loadDir(dir string) []Warning {
	root, err := openSafely(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return []Warning{{File: dir, Text: "not read: " + cause(err)}}
	}
	defer root.Close()
	names, warnings := list(root, dir)
	before := len(s.Profiles)
	for _, name := range names {
		data, err := readSafely(root, name)
		if strings.EqualFold(name, PolicyFile) {
			warnings = append(warnings, s.takePolicy(name, data, err)...)
			continue
		}
		if err != nil {
			warnings = append(warnings, Warning{File: fault.Clean(name), Text: "skipped: " + cause(err)})
			continue
		}
		if i := slices.IndexFunc(s.Profiles[:before], func(p *Profile) bool { return p.File == fault.Clean(name) || bytes.Equal(p.Bytes(), data) }); i >= 0 {
			warnings = append(warnings, Warning{File: fault.Clean(name), Text: "left out in " + dir + ": " + s.Profiles[i].File + " is there already"})
			continue
		}
		p, warned, err := ParseFile(name, data)
		warnings = append(warnings, warned...)
		if err != nil {
			warnings = append(warnings, Warning{File: fault.Clean(name), Text: "skipped: " + fault.As(err).Detail})
			continue
		}
		s.Profiles = append(s.Profiles, p)
	}
	return warnings
}

// LoadPolicy reads the machine's local policy from the first of the files that is there, under the rules of Load, unless Load has found one.
func (s *Store) LoadPolicy(files ...string) []Warning {
	for _, file := range files {
		if s.policy != nil || s.policyErr != nil {
			return nil
		}
		root, err := openSafely(filepath.Dir(file))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var data []byte
		if err == nil {
			data, err = readSafely(root, filepath.Base(file))
			_ = root.Close()
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
		}
		if warnings := s.takePolicy(file, data, err); len(warnings) > 0 {
			return warnings
		}
	}
	return nil
}

// takePolicy keeps a policy, or why there is none although there should be.
func (s *Store) takePolicy(file string, data []byte, err error) []Warning {
	if s.policy != nil || s.policyErr != nil {
		return []Warning{{File: file, Text: "left out: another local policy is in force"}}
	}
	file = fault.Clean(file)
	if err != nil {
		s.policyErr = fault.Newf(fault.ProfPolicy, err, "%s: %s", file, cause(err))
		return []Warning{{File: file, Text: "not read: " + cause(err)}}
	}
	p, warnings, err := ParsePolicy(data)
	for i := range warnings {
		warnings[i].File = file
	}
	if err != nil {
		s.policyErr = fault.Newf(fault.ProfPolicy, errors.Unwrap(err), "%s: %s", file, fault.As(err).Detail)
		return append(warnings, Warning{File: file, Text: fault.As(err).Detail})
	}
	p.File = file
	s.policy = p
	return warnings
}

// Policy is the machine's local policy, nil without one. The error is PROF-005: there is one, it cannot be used, and nobody knows what it forbids.
func (s *Store) Policy() (*Policy, error) {
	if s == nil {
		return nil, nil
	}
	return s.policy, s.policyErr
}

// ManualHosts reports whether gateways that no profile has may be connected to: every profile allows it.
func (s *Store) ManualHosts() bool {
	if s == nil {
		return true
	}
	return !slices.ContainsFunc(s.Profiles, func(p *Profile) bool { return p.values["AllowManualHostInput"].text == "false" })
}

// openSafely opens a directory after it has looked at it: who may write to it could put profiles there under another's name, and a FIFO would hold us for ever.
func openSafely(dir string) (*os.Root, error) {
	before, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	if !before.IsDir() {
		return nil, errors.New("it is a link or no directory")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	info, err := root.Stat(".")
	if err == nil && !os.SameFile(before, info) {
		err = errors.New("it was replaced while it was opened")
	}
	if err == nil {
		err = trusted(info)
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return root, nil
}

// list returns the names of the profiles in the directory, sorted.
func list(root *os.Root, dir string) ([]string, []Warning) {
	d, err := root.Open(".")
	if err != nil {
		return nil, []Warning{{File: dir, Text: "cannot be read: " + cause(err)}}
	}
	defer d.Close()
	entries, err := d.ReadDir(20 * maxFiles)
	if err != nil && err != io.EOF {
		return nil, []Warning{{File: dir, Text: "cannot be read: " + cause(err)}}
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(strings.ToLower(e.Name()), ".xml") && !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	if len(names) > maxFiles {
		return names[:maxFiles], []Warning{{File: dir, Text: fmt.Sprintf("more than %d profiles; the rest is not read", maxFiles)}}
	}
	return names, nil
}

// readSafely reads a file of the directory after it has looked at what it opened, so that nobody can put another in its place between the look and the read.
func readSafely(root *os.Root, name string) ([]byte, error) {
	before, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, errors.New("it is a link or no regular file")
	}
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO put there meanwhile must not hold us
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || !os.SameFile(before, info) {
		return nil, errors.New("it was replaced while it was opened")
	}
	if err := trusted(info); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err == nil && len(data) > MaxSize {
		err = ErrTooBig
	}
	return data, err
}

// cause is the error without the path, which the warning names already.
func cause(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fault.Clean(err.Error())
}

// ParseFile is Parse for the contents of a file of that name (without its directory): profile, hosts and warnings carry it.
func ParseFile(name string, data []byte) (*Profile, []Warning, error) {
	name = fault.Clean(name)
	p, warnings, err := Parse(data)
	for i := range warnings {
		warnings[i].File = name
	}
	if err != nil {
		return nil, warnings, err
	}
	p.File = name
	for i := range p.Hosts {
		p.Hosts[i].Profile = name
	}
	return p, warnings, nil
}

// Hosts lists the hosts of all profiles in order. Two profiles may have the same name: both are listed, each with its profile.
func (s *Store) Hosts() []Host {
	var hosts []Host
	if s != nil {
		for _, p := range s.Profiles {
			hosts = append(hosts, p.Hosts...)
		}
	}
	return hosts
}

// Find returns the host that the user means: the first of that name, else of that name but for case, else the first with that very target. The profile is the one
// that holds it: its settings are those of the connection.
func (s *Store) Find(name string) (Host, *Profile, bool) {
	if s == nil || name == "" {
		return Host{}, nil, false
	}
	typed, err := ParseTarget(name)
	for _, means := range []func(Host) bool{
		func(h Host) bool { return h.Name == name },
		func(h Host) bool { return strings.EqualFold(h.Name, name) },
		func(h Host) bool { return err == nil && h.Target == typed },
	} {
		for _, p := range s.Profiles {
			for _, h := range p.Hosts {
				if means(h) {
					return h, p, true
				}
			}
		}
	}
	return Host{}, nil, false
}
