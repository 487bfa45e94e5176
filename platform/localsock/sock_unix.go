//go:build linux || darwin

package localsock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// staleWait bounds the question whether somebody answers on an existing socket. A listener of ours accepts at once, and the kernel does so in its stead.
const staleWait = 2 * time.Second

type listener struct {
	*net.UnixListener
	path   string
	made   fs.FileInfo // the socket as it was put in place: only this one is removed by Close
	policy Policy
}

// Listen makes the socket and listens on it. It fails with ErrInUse where somebody answers already, and with a plain error where path is something else than
// a socket of ours. Close removes the socket, unless it was replaced meanwhile.
func Listen(path string, p Policy) (net.Listener, error) {
	if err := clearWay(path); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".s") // mode 0700: nobody can reach what is inside
	if err != nil {
		return nil, fmt.Errorf("localsock: %w", err)
	}
	defer os.RemoveAll(dir)
	tmp := filepath.Join(dir, "s")
	ul, err := net.ListenUnix("unix", &net.UnixAddr{Name: tmp, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("localsock: %w", err)
	}
	ul.SetUnlinkOnClose(false) // it would remove by the first name
	l := &listener{UnixListener: ul, path: path, policy: p}
	if l.made, err = place(tmp, path, p.Group); err != nil {
		ul.Close()
		return nil, fmt.Errorf("localsock: %w", err)
	}
	return l, nil
}

// place gives the socket its owner and mode and then its name.
func place(tmp, path, group string) (fs.FileInfo, error) {
	mode := fs.FileMode(0o600)
	if g, err := user.LookupGroup(group); group != "" && err == nil {
		gid, err := strconv.Atoi(g.Gid)
		if err != nil {
			return nil, fmt.Errorf("group %s: %w", group, err)
		}
		if err := os.Chown(tmp, -1, gid); err != nil {
			return nil, err
		}
		mode = 0o660
	}
	if err := os.Chmod(tmp, mode); err != nil {
		return nil, err
	}
	made, err := os.Lstat(tmp)
	if err != nil {
		return nil, err
	}
	return made, os.Rename(tmp, path)
}

// clearWay returns nil if nothing is at path, or a dead socket of ours.
func clearWay(path string) error {
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("localsock: %w", err)
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if fi.Mode().Type() != fs.ModeSocket || !ok || int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("localsock: %s is not a socket of ours", path)
	}
	c, err := net.DialTimeout("unix", path, staleWait)
	switch {
	case err == nil:
		c.Close()
		return ErrInUse
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil
	}
	return fmt.Errorf("localsock: %w", err)
}

// Accept returns the next client as a *Conn. One whose identity cannot be had is closed and passed over.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		peer, err := identify(c)
		if err != nil {
			c.Close()
			continue
		}
		peer.Root = peer.UID == 0
		peer.Member = int(peer.UID) == os.Geteuid() || member(peer.UID, l.policy.Group)
		return &Conn{Conn: c, peer: peer}, nil
	}
}

// Close ends listening and removes the socket.
func (l *listener) Close() error {
	err := l.UnixListener.Close()
	if now, e := os.Lstat(l.path); err == nil && e == nil && os.SameFile(now, l.made) {
		err = os.Remove(l.path)
	}
	return err
}

// identify asks the kernel.
func identify(c *net.UnixConn) (Peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var p Peer
	var cerr error
	if err := raw.Control(func(fd uintptr) { p, cerr = credentials(int(fd)) }); err != nil {
		return Peer{}, err
	}
	return p, cerr
}

// inGroup looks the user's groups up by uid, not by the process: membership that was taken away counts at once.
func inGroup(uid uint32, group string) bool {
	if group == "" {
		return false
	}
	g, err := user.LookupGroup(group)
	if err != nil {
		return false
	}
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return false
	}
	ids, err := u.GroupIds()
	return err == nil && slices.Contains(ids, g.Gid)
}

// Dial connects to the agent. A socket that is not there, refuses, or may not be opened gives an error that errors.Is knows as fs.ErrNotExist,
// syscall.ECONNREFUSED or fs.ErrPermission.
func Dial(ctx context.Context, path string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "unix", path)
}
