//go:build unix

package records

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-vpn/holdfast/platform/undo/resolvconf"
)

const (
	runTime  = 10 * time.Second
	killTime = time.Second
	maxOther = 64 // other records that are looked at
)

// folders are where each keeps its records.
var folders = map[Flavour]string{
	Debian:     "/run/resolvconf/interface",
	Openresolv: "/run/resolvconf/interfaces",
}

// Which looks at the program itself, running nothing: both are shell scripts that name their kind of folder. resolvectl is a binary.
func Which() Flavour {
	f, err := os.Open(Program)
	if err != nil {
		return None
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 256<<10))
	switch {
	case err != nil || !bytes.HasPrefix(text, []byte("#!")):
		return Other
	case bytes.Contains(text, []byte("OPENRESOLV_VERSION")):
		return Openresolv
	case bytes.Contains(text, []byte("/lib/resolvconf/list-records")):
		return Debian
	}
	return Other
}

// Set makes content our record. With openresolv it is exclusive when asked for, and comes first otherwise; Debian's has no such thing.
func Set(ctx context.Context, f Flavour, content []byte, exclusive bool) error {
	args := []string{"-a", Name}
	switch {
	case f == Openresolv && exclusive:
		args = []string{"-x", "-m", "0", "-a", Name}
	case f == Openresolv:
		args = []string{"-m", "0", "-a", Name}
	case f != Debian:
		return fmt.Errorf("%s is not one that keeps records for us", Program)
	}
	return run(ctx, content, args...)
}

// Remove takes our record away and reports whether there was one.
func Remove(ctx context.Context) (bool, error) {
	if _, there := Ours(); !there {
		return false, nil
	}
	args := []string{"-d", Name}
	f := Which()
	switch f {
	case Openresolv:
		args = []string{"-f", "-d", Name}
	case Debian:
	default: // the program went while the record stayed: nobody reads it any more
		return true, removeFile()
	}
	if err := run(ctx, nil, args...); err != nil {
		return true, err
	}
	if _, there := Ours(); there {
		return true, fmt.Errorf("%s keeps the record %s", Program, Name)
	}
	return true, nil
}

// removeFile deletes the record where no program does.
func removeFile() error {
	for _, folder := range folders {
		if err := os.Remove(filepath.Join(folder, Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Ours returns our record's text and whether there is one.
func Ours() ([]byte, bool) {
	for _, folder := range folders {
		if text, err := read(filepath.Join(folder, Name)); err == nil {
			return text, true
		}
	}
	return nil, false
}

// Others returns the servers of all other records, in no particular order.
func Others() []netip.Addr {
	var all []byte
	for _, folder := range folders {
		entries, err := os.ReadDir(folder)
		if err != nil {
			continue
		}
		for _, e := range entries[:min(len(entries), maxOther)] {
			if e.Name() == Name || !e.Type().IsRegular() {
				continue
			}
			if text, err := read(filepath.Join(folder, e.Name())); err == nil {
				all = append(append(all, text...), '\n')
			}
		}
	}
	return resolvconf.Servers(all)
}

func read(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, resolvconf.MaxSize))
}

// run runs the program, and ends it with all that its hooks started when the time is over.
func run(ctx context.Context, stdin []byte, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, runTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, Program, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	cmd.Stdin = bytes.NewReader(stdin)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = killTime
	out, err := cmd.CombinedOutput()
	if err != nil {
		said := strings.TrimSpace(string(out[:min(len(out), 400)]))
		return fmt.Errorf("%s %s: %w: %q", Program, strings.Join(args, " "), err, said)
	}
	return nil
}
