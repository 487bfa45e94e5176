package dns

import (
	"bufio"
	"context"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/sysbus"
	"github.com/holdfast-vpn/holdfast/platform/undo/records"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolvconf"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolved"
)

const (
	nmName = "org.freedesktop.NetworkManager"
	nmPath = "/org/freedesktop/NetworkManager/DnsManager"
)

// look gathers the facts; file is what stands at /etc/resolv.conf, or would without us. What cannot be found out counts as not there.
func look(ctx context.Context, file resolvconf.File) Facts {
	f := Facts{File: file, Resolvconf: records.Which(), Stub: stubListens(), Mount: isMount()}
	if file.Kind == resolvconf.Link {
		f.File.Content = file.Live()
	}
	f.Fixed = fixed(f.Mount)
	bus, err := sysbus.Dial(ctx)
	if err != nil {
		return f
	}
	defer bus.Close()
	f.Resolved, f.NM = bus.Of(ctx, resolved.Name), bus.Of(ctx, nmName)
	if f.NM == sysbus.Ours {
		_ = bus.Property(ctx, nmName, nmPath, nmName+".DnsManager", "Mode", &f.NMMode) // an old one has no such object
		_ = bus.Property(ctx, nmName, nmPath, nmName+".DnsManager", "RcManager", &f.NMFile)
	}
	return f
}

// Look says what a session would do here. It needs no privilege; while there is a session, a file of ours counts as what else stands in it.
func Look(ctx context.Context) (Decision, error) {
	now, err := resolvconf.Read()
	if err != nil {
		return Decision{}, err
	}
	facts := look(ctx, displaced(now, nil))
	d := Decide(facts)
	if d.Backend == Nothing {
		return d, fault.Newf(fault.HostFixed, nil, "%s", facts.Fixed)
	}
	return d, nil
}

// isMount reports whether a file is mounted over /etc/resolv.conf itself.
func isMount() bool {
	var stx unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, resolvconf.Path, unix.AT_SYMLINK_NOFOLLOW, 0, &stx)
	return err == nil && stx.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT != 0 && stx.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
}

// fixed says why neither the file can be replaced nor its bytes, "" when one of them can.
func fixed(mount bool) string {
	var stx unix.Statx_t
	if unix.Statx(unix.AT_FDCWD, resolvconf.Path, unix.AT_SYMLINK_NOFOLLOW, 0, &stx) == nil && stx.Attributes&unix.STATX_ATTR_IMMUTABLE != 0 {
		return "it has the immutable attribute"
	}
	folder := readOnly("/etc")
	switch {
	case !folder && !mount:
		return ""
	case !mount && stx.Mode&unix.S_IFMT != unix.S_IFREG:
		return "its folder is read-only"
	case readOnly(resolvconf.Path):
		return "it is read-only"
	}
	return ""
}

// readOnly asks the mount rather than for permission: doctor looks without privilege.
func readOnly(path string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(path, &fs) == nil && fs.Flags&unix.ST_RDONLY != 0
}

// stubListens reports whether somebody has 127.0.0.53 port 53 in our network (proc_net_udp(5): the address in the machine's byte order).
func stubListens() bool {
	f, err := os.Open("/proc/net/udp")
	if err != nil {
		return false
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		if len(fields) > 1 && (fields[1] == "3500007F:0035" || fields[1] == "7F000035:0035") {
			return true
		}
	}
	return false
}
