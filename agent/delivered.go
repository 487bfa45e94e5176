package agent

import (
	"cmp"
	"crypto/sha1" //nolint:gosec // gateways name a profile by it; what arrives is trusted for its connection's certificate
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/profile"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// maxDelivered is how many gateways' profiles are kept for one user; the one that came first makes room. They are read for each connect, whole.
const maxDelivered = 16

// delivered keeps the client profiles that gateways hand over with a login: one for each gateway and local user, in the agent's state directory, in files that bear our
// names. A gateway that one user trusts says nothing to another user, and nothing about another gateway: see catalog.
type delivered struct {
	dir string
	log *slog.Logger
}

// ofGateway is the name of the file for a gateway: its host and port as the user gave them, spelt so that it is one file of the directory everywhere.
func ofGateway(host string, port uint16) string {
	host = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, strings.ToLower(host))
	return "gateway-" + host[:min(len(host), 200)] + "-" + strconv.Itoa(int(cmp.Or(port, 443))) + ".xml"
}

// of is the directory of one user, by localsock.Peer.ID: a number or a SID.
func (d delivered) of(owner string) string {
	for _, r := range owner {
		if (r < '0' || r > '9') && r != '-' && r != 'S' {
			return filepath.Join(d.dir, hex.EncodeToString([]byte(owner))) // no system has such
		}
	}
	return filepath.Join(d.dir, cmp.Or(owner, "nobody"))
}

// store reads the profiles of one user.
func (d delivered) store(owner string) *profile.Store {
	s, warnings := profile.Load(d.of(owner))
	for _, w := range warnings {
		d.log.Debug("profile of a gateway", "warning", w.String())
	}
	for _, p := range s.Profiles {
		p.Gateway = strings.TrimSuffix(strings.TrimPrefix(p.File, "gateway-"), ".xml")
	}
	return s
}

// kept is the SHA-1 of what is kept for a gateway.
func (d delivered) kept(owner string, t protocol.Target) (sum [sha1.Size]byte, ok bool) {
	f, err := os.Open(filepath.Join(d.of(owner), ofGateway(t.Host, t.Port)))
	if err != nil {
		return sum, false
	}
	defer f.Close()
	doc, err := io.ReadAll(io.LimitReader(f, profile.MaxSize+1))
	if err != nil || len(doc) > profile.MaxSize {
		return sum, false
	}
	return sha1.Sum(doc), true //nolint:gosec // as above
}

// keep checks a document and keeps it, whole or not at all. Errors: PROF-001 when it is no profile, PROF-003 when it cannot be written.
func (d delivered) keep(owner string, t protocol.Target, doc []byte) error {
	p, warnings, err := profile.Parse(doc)
	if err != nil {
		return err
	}
	dir, name := d.of(owner), ofGateway(t.Host, t.Port)
	err = os.MkdirAll(dir, 0o700)
	if err == nil {
		err = d.makeRoom(dir, name)
	}
	if err == nil {
		err = writeWhole(filepath.Join(dir, name), doc, 0o600)
	}
	if err != nil {
		return fault.Newf(fault.ProfFetch, err, "it cannot be kept")
	}
	d.log.Info("the gateway's profile is kept", "hosts", len(p.Hosts), "warnings", len(warnings))
	return nil
}

// makeRoom removes the oldest profiles of a directory that is full, unless the name at hand takes the place of its own.
func (d delivered) makeRoom(dir, name string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("delivered: %w", err)
	}
	var files []fs.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && e.Name() != name {
			files = append(files, info)
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, f := range files[:max(0, len(files)-maxDelivered+1)] {
		if err := os.Remove(filepath.Join(dir, f.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("delivered: %w", err)
		}
	}
	return nil
}

// catalog is what one user may name as a target: the machine's profiles, and those that gateways gave him.
type catalog struct {
	machine  *profile.Store
	gateways *profile.Store
}

// catalog reads both.
func (a *Agent) catalog(owner string) catalog {
	return catalog{a.cfg.Profiles(), a.loop.delivered.store(owner)}
}

// find returns the host that the user means, and the profile whose settings are those of the connection. The machine's profiles come first. What is an address already
// has no other meaning in a gateway's profile, and no other gateway says anything about it: neither where it leads nor which keys it must have.
func (c catalog) find(name string) (profile.Host, *profile.Profile, bool) {
	if h, p, ok := c.machine.Find(name); ok {
		return h, p, true
	}
	typed, err := profile.ParseTarget(name)
	if err != nil || !strings.ContainsAny(typed.Host, ".:") {
		if h, p, ok := c.gateways.Find(name); ok || err != nil {
			return h, p, ok
		}
	}
	return c.own(typed)
}

// own is what the profile of a gateway says about itself. It counts also where it does not list itself.
func (c catalog) own(typed profile.Target) (profile.Host, *profile.Profile, bool) {
	if c.gateways == nil {
		return profile.Host{}, nil, false
	}
	file := ofGateway(typed.Host, typed.Port)
	i := slices.IndexFunc(c.gateways.Profiles, func(p *profile.Profile) bool { return p.File == file })
	if i < 0 {
		return profile.Host{}, nil, false
	}
	p := c.gateways.Profiles[i]
	alone := &profile.Store{Profiles: []*profile.Profile{p}}
	h, _, ok := alone.Find(typed.String())
	if !ok || h.Target.Host != typed.Host {
		h = profile.Host{Name: typed.String(), Target: typed, Profile: file}
	}
	h.Protocol = profile.SSL // as it has served already, whatever it would rather have
	return h, p, true
}

// hosts lists all hosts in the order in which find looks.
func (c catalog) hosts() []profile.Host {
	return slices.Concat(c.machine.Hosts(), c.gateways.Hosts())
}
