package agent

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
	"github.com/holdfast-vpn/holdfast/profile"
	"github.com/holdfast-vpn/holdfast/protocol"
)

const (
	maxTrusted      = 64       // gateways of one user; the one that was accepted first makes room
	maxTrustedBytes = 64 << 10 // of one file
)

// accepted is one decision: a gateway, and the key that it may have although its certificate does not hold.
type accepted struct {
	Host string    `json:"host"` // with its port
	Key  string    `json:"key"`  // SHA-256 over the SubjectPublicKeyInfo, in hex
	At   time.Time `json:"at"`
}

// trusted keeps such decisions, one file for each local user, in a directory of the agent's alone. It is called by workers and by clients, not by the loop. What cannot be read
// is no decision: then the gateway is refused, or its user is asked again.
type trusted struct {
	dir string
	log *slog.Logger
	mu  sync.Mutex // of reading, changing and writing a file
}

// hostPort is how a gateway is named in a file.
func hostPort(host string, port uint16) string {
	return profile.Target{Host: strings.ToLower(strings.TrimSuffix(host, ".")), Port: cmp.Or(port, 443)}.HostPort()
}

// key is what a user accepted for a gateway.
func (t *trusted) key(owner, host string, port uint16) (key [32]byte, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.read(owner)
	i := slices.IndexFunc(list, func(a accepted) bool { return a.Host == hostPort(host, port) })
	if i < 0 {
		return key, false
	}
	_, err := hex.Decode(key[:], []byte(list[i].Key))
	return key, err == nil
}

// keep keeps a decision in place of the one before.
func (t *trusted) keep(owner, host string, port uint16, key [32]byte, at time.Time) error {
	return t.change(owner, func(list []accepted) []accepted {
		name := hostPort(host, port)
		list = slices.DeleteFunc(list, func(a accepted) bool { return a.Host == name })
		list = append(list, accepted{Host: name, Key: hex.EncodeToString(key[:]), At: at.UTC().Truncate(time.Second)})
		return list[max(0, len(list)-maxTrusted):]
	})
}

// all lists what a user accepted, the oldest first.
func (t *trusted) all(owner string) []accepted {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.read(owner)
}

// forget lets go of a decision, and reports whether there was one.
func (t *trusted) forget(owner, name string) (was bool, err error) {
	err = t.change(owner, func(list []accepted) []accepted {
		n := len(list)
		list = slices.DeleteFunc(list, func(a accepted) bool { return a.Host == name })
		was = len(list) < n
		return list
	})
	return was, err
}

// change rewrites a file, whole or not at all.
func (t *trusted) change(owner string, fn func([]accepted) []accepted) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	b, err := json.MarshalIndent(fn(t.read(owner)), "", "  ")
	if err == nil {
		err = os.MkdirAll(t.dir, 0o700)
	}
	if err == nil {
		err = writeWhole(t.file(owner), append(b, '\n'), 0o600)
	}
	if err != nil {
		return fault.New(fault.HostDir, err)
	}
	return nil
}

func (t *trusted) file(owner string) string { return filepath.Join(t.dir, fileOf(owner)+".json") }

// read reads a file; one that is not as we write it holds nothing. The mutex is held.
func (t *trusted) read(owner string) []accepted {
	f, err := os.Open(t.file(owner))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var list []accepted
	if err == nil {
		defer f.Close()
		var b []byte
		if b, err = io.ReadAll(io.LimitReader(f, maxTrustedBytes+1)); err == nil {
			err = parseAccepted(b, &list)
		}
	}
	if err != nil {
		t.log.Warn("accepted keys are not used", "file", filepath.Base(t.file(owner)), "err", err)
		return nil
	}
	return list
}

// parseAccepted reads a file's bytes.
func parseAccepted(b []byte, list *[]accepted) error {
	if len(b) > maxTrustedBytes {
		return errors.New("too long")
	}
	if err := json.Unmarshal(b, list); err != nil {
		return err
	}
	if len(*list) > maxTrusted {
		return errors.New("too many")
	}
	for _, a := range *list {
		if raw, err := hex.DecodeString(a.Key); err != nil || len(raw) != 32 || a.Host == "" || len(a.Host) > maxName {
			return errors.New("an entry is malformed")
		}
	}
	return nil
}

// truster is what an attempt's asker knows of its user's trust.
type truster struct {
	*trusted
	asks   bool                                // a key may be asked about
	counts bool                                // what was accepted before may be used
	keeps  bool                                // what is accepted is remembered
	look   func(context.Context, string) error // says that a captive portal answers in a gateway's place
}

// trust is what an attempt may do about a gateway that cannot be verified. Nobody is asked once there was a tunnel: whoever answers then and is not the gateway is the network in between.
func (l *loop) trust(c *connection) truster {
	keeps := c.local.RemembersKeys()
	t := truster{trusted: l.trusted, asks: c.asksTrust && !c.came, counts: keeps && !c.local.StrictTrust(), keeps: keeps}
	dialer, looks := l.cfg.Dialer, !c.policy.IgnorePortals
	t.look = func(ctx context.Context, host string) error {
		if !looks {
			return nil
		}
		ctx, cancel := context.WithTimeout(ctx, reachTime)
		defer cancel()
		if found, evidence := (search{dialer: dialer, host: host}).run(ctx); found {
			return fault.Newf(fault.NetPortal, nil, "%s", evidence)
		}
		return nil
	}
	return t
}

// AcceptedKey implements protocol.TrustKeeper.
func (a asker) AcceptedKey(host string, port uint16) (key [32]byte, ok bool) {
	if !a.trust.counts {
		return key, false
	}
	return a.trust.key(a.owner, host, port)
}

// MayAccept implements protocol.TrustKeeper.
func (a asker) MayAccept() bool { return a.trust.asks }

// AcceptKey implements protocol.TrustKeeper.
func (a asker) AcceptKey(host string, port uint16, key [32]byte) error {
	if !a.trust.keeps {
		return nil
	}
	return a.trust.keep(a.owner, host, port, key, a.wall())
}

// wireTrust is a gateway that cannot be verified as clients see it.
func wireTrust(u *protocol.Untrusted) *ipc.Trust {
	if u == nil {
		return nil
	}
	w := &ipc.Trust{
		Host: profile.Target{Host: u.Host, Port: u.Port, Path: "/"}.String(), Pin: fmt.Sprintf("sha256:%x", u.Key), Certificate: hex.EncodeToString(u.Certificate[:]),
		Subject: u.Subject, Issuer: u.Issuer, Names: u.Names, NotBefore: u.NotBefore, NotAfter: u.NotAfter,
	}
	for _, p := range u.Problems {
		w.Problems = append(w.Problems, string(p))
	}
	return w
}

// Trusted implements ipc.Trusts.
func (a *Agent) Trusted(_ context.Context, p localsock.Peer) ([]ipc.Trusted, error) {
	list := []ipc.Trusted{}
	for _, t := range a.loop.trusted.all(p.ID()) {
		list = append(list, ipc.Trusted{Host: t.Host, Pin: "sha256:" + t.Key, At: t.At})
	}
	return list, nil
}

// Distrust implements ipc.Trusts. A gateway is named as in the list, or as it is connected to.
func (a *Agent) Distrust(_ context.Context, p localsock.Peer, host string) error {
	name := host
	if h, _, found := a.catalog(p.ID()).find(host); found {
		name = hostPort(h.Target.Host, h.Target.Port)
	} else if t, err := profile.ParseTarget(host); err == nil {
		name = hostPort(t.Host, t.Port)
	}
	was, err := a.loop.trusted.forget(p.ID(), name)
	if err == nil && !was {
		err = fault.Newf(fault.UseTarget, nil, "no key of it was accepted")
	}
	return err
}
