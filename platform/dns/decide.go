package dns

import (
	"fmt"
	"log/slog"
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/holdfast-vpn/holdfast/platform/sysbus"
	"github.com/holdfast-vpn/holdfast/platform/undo/records"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolvconf"
)

// Backend is the way names are resolved while a session lives.
type Backend string

const (
	Resolved   Backend = "systemd-resolved"
	Resolvconf Backend = "resolvconf" // Debian's
	Openresolv Backend = "openresolv"
	PlainFile  Backend = "resolv.conf"
	Nothing    Backend = "" // nothing can be changed
)

// Facts is what the choice depends on.
type Facts struct {
	File       resolvconf.File // at /etc/resolv.conf, or what would stand there without us
	Mount      bool            // the file is a mount point: nothing can be renamed over it
	Fixed      string          // why the file cannot be changed, "" when it can
	Resolved   sysbus.Network
	Stub       bool // something listens at 127.0.0.53 port 53 in our network
	NM         sysbus.Network
	NMMode     string // NetworkManager's dns=: default, dnsmasq, systemd-resolved, none
	NMFile     string // NetworkManager's rc-manager=: symlink, file, resolvconf, unmanaged
	Resolvconf records.Flavour
}

// LogValue shows the facts in a log: no addresses, no names.
func (f Facts) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("file", string(f.File.Kind)), slog.String("target", f.File.Target), slog.String("writer", writer(f.File.Content)), slog.Bool("mount", f.Mount), slog.String("fixed", f.Fixed),
		slog.String("resolved", f.Resolved.String()), slog.Bool("stub", f.Stub),
		slog.String("networkmanager", f.NM.String()), slog.String("nm_dns", f.NMMode), slog.String("nm_rc", f.NMFile), slog.String("resolvconf", string(f.Resolvconf)))
}

// Decision is the choice. Also says that systemd-resolved is told too, for programs that ask it by its socket or bus and never read the file; Relink that resolv.conf
// must lead to its stub for the session.
type Decision struct {
	Backend Backend
	Also    bool
	Relink  bool
	Why     string
}

// Decide picks the back end: that of whoever really answers the programs that read /etc/resolv.conf. Who answers on the bus alone proves nothing.
func Decide(f Facts) Decision {
	resolved := f.Resolved == sysbus.Ours || f.Resolved == sysbus.Unclear && f.Stub
	target := f.target()
	switch {
	case (stubFiles[target] || onlyStub(f.File.Content)) && resolved:
		return Decision{Backend: Resolved, Why: "resolv.conf leads to systemd-resolved's stub"}
	case debianFiles[target] && f.Resolvconf == records.Debian:
		return Decision{Backend: Resolvconf, Also: resolved, Why: "resolv.conf leads to what resolvconf makes"}
	case writer(f.File.Content) == byResolvconf && f.Resolvconf == records.Openresolv:
		return Decision{Backend: Openresolv, Also: resolved, Why: "openresolv makes resolv.conf"}
	case f.Fixed != "":
		return Decision{Backend: Nothing, Why: "resolv.conf cannot be changed: " + f.Fixed}
	case target == uplinkFile && resolved && f.Stub:
		return Decision{Backend: Resolved, Relink: true, Why: "resolv.conf leads to systemd-resolved's list of servers: to its stub for the session, which can split"}
	}
	return Decision{Backend: PlainFile, Also: resolved, Why: f.plain(target)}
}

// waits reports whether systemd-resolved, once chosen, is only away for a moment, as in an upgrade: it is told again when it comes back. A file of ours in the meantime
// would do harm: at its start resolved reads servers from any file that is not its own, and never forgets them.
func waits(chosen Decision, f Facts) bool {
	return chosen.Backend == Resolved && f.Resolved == sysbus.Nowhere && (stubFiles[f.target()] || onlyStub(f.File.Content))
}

// plain says why it is the file itself.
func (f Facts) plain(target string) string {
	how := "replaced"
	if f.Mount {
		how = "rewritten in place, because it is a mount point,"
	}
	reason := "nobody manages it"
	switch by := writer(f.File.Content); {
	case stubFiles[target] || onlyStub(f.File.Content):
		reason = "it leads to systemd-resolved's stub, and systemd-resolved is " + f.Resolved.String()
	case target == uplinkFile:
		reason = "it lists the servers that systemd-resolved has, and programs ask those themselves"
	case f.NM == sysbus.Ours && (f.NMMode == "none" || f.NMFile == "unmanaged"):
		reason = "NetworkManager leaves it alone"
	case by == byNetworkManager || f.NM == sysbus.Ours && (f.NMFile == "symlink" || f.NMFile == "file"):
		reason = "NetworkManager writes it, and takes no servers for a device that is not its own"
	case by == byResolvconf:
		reason = "resolvconf made it and is no longer there"
	case f.File.Kind == resolvconf.Absent:
		reason = "there is none"
	case f.File.Kind == resolvconf.Link && len(f.File.Content) == 0:
		reason = "it leads nowhere"
	}
	return fmt.Sprintf("resolv.conf is %s and watched: %s", how, reason)
}

// Where files that others make lie. A link may go through /var/run or relative ways: target makes them one.
var (
	stubFiles   = map[string]bool{"/run/systemd/resolve/stub-resolv.conf": true, "/usr/lib/systemd/resolv.conf": true, "/lib/systemd/resolv.conf": true}
	debianFiles = map[string]bool{"/run/resolvconf/resolv.conf": true, "/etc/resolvconf/run/resolv.conf": true}
)

const uplinkFile = "/run/systemd/resolve/resolv.conf"

// target is where the link leads, as an absolute path; "" for a file.
func (f Facts) target() string {
	t := f.File.Target
	if t == "" {
		return ""
	}
	if !path.IsAbs(t) {
		t = path.Join(path.Dir(resolvconf.Path), t)
	}
	t = path.Clean(t)
	if rest, found := strings.CutPrefix(t, "/var/run/"); found {
		t = "/run/" + rest
	}
	return t
}

// ownOfResolved reports whether the file is one of systemd-resolved's own.
func (f Facts) ownOfResolved() bool { return stubFiles[f.target()] || f.target() == uplinkFile }

// onlyStub reports whether the file names resolved's stub and no other server.
func onlyStub(content []byte) bool {
	servers := resolvconf.Servers(content)
	return len(servers) > 0 && !slices.ContainsFunc(servers, func(a netip.Addr) bool { return a != stub })
}

// Who wrote a file, as its comments say.
const (
	byNetworkManager = "NetworkManager"
	byResolved       = "systemd-resolved"
	byResolvconf     = "resolvconf"
)

// writer reads the leading comments.
func writer(content []byte) string {
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case line[0] != '#' && line[0] != ';':
			return ""
		case strings.Contains(line, "Generated by NetworkManager"):
			return byNetworkManager
		case strings.Contains(line, "systemd-resolved"):
			return byResolved
		case strings.Contains(line, "resolvconf(8)"), strings.Contains(line, "Generated by resolvconf"):
			return byResolvconf
		}
	}
	return ""
}
