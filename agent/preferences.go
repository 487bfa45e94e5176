package agent

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
	"github.com/holdfast-vpn/holdfast/profile"
)

const (
	maxPreferences = 64 << 10 // bytes of one file
	forAll         = "global" // the file of what holds for all users
)

// preferences keeps what users chose, one file for each and one for all of them, of the shape of Cisco's preferences.xml, in a directory of the agent's alone. It is called by
// clients, not by the loop.
type preferences struct {
	dir string
	log *slog.Logger
	mu  sync.Mutex // of reading, changing and writing a file
}

// load reads what counts for a user, the weaker ones first. A file that is missing or broken is nil: it has chosen nothing.
func (p *preferences) load(owner string) []*profile.Preferences {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []*profile.Preferences
	for _, f := range []struct{ name, origin string }{{forAll, profile.OriginGlobal}, {fileOf(owner), profile.OriginUser}} {
		c, err := p.read(f.name, f.origin)
		if err != nil {
			p.log.Warn("preferences are not used", "file", f.name, "err", err)
		}
		list = append(list, c)
	}
	return list
}

// change changes one file, whole or not at all. A broken one begins anew.
func (p *preferences) change(owner string, global bool, fn func(*profile.Preferences) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	name, origin := fileOf(owner), profile.OriginUser
	if global {
		name, origin = forAll, profile.OriginGlobal
	}
	c, err := p.read(name, origin)
	if err != nil {
		p.log.Warn("preferences begin anew", "file", name, "err", err)
		if c, _, err = profile.ParsePreferences(nil, origin); err != nil {
			return err
		}
	}
	if err := fn(c); err != nil {
		return err
	}
	err = os.MkdirAll(p.dir, 0o700)
	if err == nil {
		err = writeWhole(filepath.Join(p.dir, name+".xml"), c.Bytes(), 0o600)
	}
	if err != nil {
		return fault.New(fault.HostDir, err)
	}
	return nil
}

func (p *preferences) read(name, origin string) (*profile.Preferences, error) {
	f, err := os.Open(filepath.Join(p.dir, name+".xml"))
	if errors.Is(err, fs.ErrNotExist) {
		c, _, err := profile.ParsePreferences(nil, origin)
		return c, err
	}
	if err != nil {
		return nil, fmt.Errorf("preferences: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxPreferences+1))
	if err != nil || len(b) > maxPreferences {
		return nil, errors.Join(err, errors.New("preferences: too long"))
	}
	c, _, err := profile.ParsePreferences(b, origin)
	return c, err
}

// fileOf names a user's file by localsock.Peer.ID: a number or a SID.
func fileOf(owner string) string {
	plain := func(r rune) bool { return r >= '0' && r <= '9' || r == '-' || r == 'S' }
	if owner == "" || strings.ContainsFunc(owner, func(r rune) bool { return !plain(r) }) {
		owner = hex.EncodeToString([]byte(owner)) // no system has such
	}
	return "user-" + owner
}

// inForce are the values that a connect without a target would have.
func (a *Agent) inForce(ctx context.Context, p localsock.Peer) (ipc.Policy, profile.Values, error) {
	var name string
	if err := a.call(ctx, func(l *loop) {
		if c := l.status.conn; c != nil && c.owner == p.ID() && l.state.Phase != machine.Disconnected {
			name = c.name
		} else if was, ok := l.memory.of(p.ID()); ok {
			name = was.Host
		}
	}); err != nil {
		return ipc.Policy{}, profile.Values{}, err
	}
	known := a.catalog(p.ID())
	if hosts := known.hosts(); name == "" && len(hosts) > 0 {
		name = hosts[0].Name
	}
	policy, err := known.machine.Policy()
	if err != nil {
		return ipc.Policy{}, profile.Values{}, err
	}
	h, prof, _ := known.find(name)
	manual := known.machine.ManualHosts()
	return ipc.Policy{Target: name, Profile: h.Profile, ManualHosts: &manual}, profile.Effective(policy, prof, a.preferences.load(p.ID())...), nil
}

// Preferences implements ipc.Policies.
func (a *Agent) Preferences(ctx context.Context, p localsock.Peer) (ipc.Policy, error) {
	out, values, err := a.inForce(ctx, p)
	for _, r := range values.Rows() {
		if strings.Contains(r.Name, "/") {
			continue // of lists and groups: never a user's, and without end
		}
		out.Settings = append(out.Settings, ipc.Setting{
			Name: r.Name, Value: r.Value, Origin: r.Origin, Locked: r.Locked, Why: r.Why, User: r.User, Status: r.Status.String(),
		})
	}
	return out, err
}

// Prefer implements ipc.Policies. A choice counts from the next connect on. What a profile locks can still be reset: it has no effect.
func (a *Agent) Prefer(ctx context.Context, p localsock.Peer, r ipc.Preference) error {
	_, values, err := a.inForce(ctx, p)
	if err != nil {
		return err
	}
	return a.preferences.change(p.ID(), r.Global, func(c *profile.Preferences) error {
		for name, value := range r.Set {
			e, ok := profile.Lookup(name)
			if !ok {
				return unknownSetting(name)
			}
			if row, ok := values.Find(name); !ok || row.Locked {
				return fault.Newf(fault.PolLocked, nil, "%s: %s", e.Name(), row.Why)
			}
			if err := c.Set(e, value); err != nil {
				return err
			}
		}
		for _, name := range r.Reset {
			e, ok := profile.Lookup(name)
			if !ok {
				return unknownSetting(name)
			}
			if err := c.Reset(e); err != nil {
				return err
			}
		}
		return nil
	})
}

func unknownSetting(name string) error {
	return fault.Newf(fault.UseBad, nil, "there is no setting %q", name).Hint("list them with: holdfast preferences")
}
