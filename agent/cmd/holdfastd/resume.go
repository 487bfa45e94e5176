package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/holdfast-vpn/holdfast/agent"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/agent/vault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/systemd"
	"github.com/holdfast-vpn/holdfast/profile"
)

const (
	// storeName is what the device's descriptor is called in systemd's store.
	storeName = "holdfast0"
	// askTime bounds the question whether this is a restart.
	askTime = 2 * time.Second
)

// allowed reports what this machine's policy of today says against a session that was begun under another.
func allowed(store *profile.Store) error {
	policy, err := store.Policy()
	if err == nil && (policy.Fips() || policy.Forbids(profile.SSL)) {
		err = errors.New("this machine's policy does not allow it any more")
	}
	return err
}

// recall returns the session that a former agent has left, if it may still live. Otherwise everything is as if there had been none: the vault is empty, and the host as it
// was before us.
func recall(ctx context.Context, host *platform.Host, kept *vault.Vault, resume bool, profiles func() *profile.Store, log *slog.Logger) (*vault.Session, error) {
	s, err := kept.Load()
	if err == nil && !resume {
		err = errors.New("--no-resume")
	}
	if err == nil {
		err = allowed(profiles())
	}
	if err == nil {
		mono, boot := host.Clock.Now()
		err = agent.Adoptable(s, machine.Instant{Mono: mono, Boot: boot})
	}
	if err == nil {
		s.Adoptions++
		err = kept.Save(s)
	}
	if err == nil {
		log.Info("a former agent has left a session: it is taken up", "adoptions", s.Adoptions)
		return &s, nil
	}
	if !errors.Is(err, vault.ErrNone) {
		log.Warn("a former agent has left a session: it is not taken up", "because", err)
	}
	_, failed := kept.Discard()
	return nil, errors.Join(failed, host.Undo(ctx))
}

// ended is a context that ends with ctx. Its cause is agent.ErrRestarting where systemd is restarting us: another agent goes on with the session then.
func ended(ctx context.Context) (context.Context, context.CancelFunc) {
	life, end := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		ask, done := context.WithTimeout(life, askTime)
		defer done()
		if systemd.Restarting(ask) {
			end(agent.ErrRestarting)
		}
		end(nil)
	})
	return life, func() {
		stop()
		end(nil)
	}
}
