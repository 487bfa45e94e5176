package agent

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/vault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/profile"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/patience"
)

// Config is what an Agent is made of. Host, Connect, Profiles, Hub and StateDir are needed.
type Config struct {
	Host     *platform.Host
	Dialer   protocol.Dialer // outer connections; the host's own when nil
	Connect  func(protocol.Dialer) protocol.Connector
	Profiles func() *profile.Store // called for each connect and hosts: profiles may change while the agent runs
	Hub      *ipc.Hub
	StateDir string
	// ProfileDir is where imported profiles go; "" takes none.
	ProfileDir string
	// Vault is where the session is kept for the agent after this one; nil keeps none. Saved is what the agent before this one left there and Adoptable had nothing against: the session
	// is taken up, and Host.Undo has not run.
	Vault *vault.Vault
	Saved *vault.Session

	Version ipc.Version
	Seed    uint64 // of the machine's jitter
	Log     *slog.Logger
	Wall    func() time.Time // for display only
	// Patience wakes the loop from long waits; nil: the runtime does.
	Patience *patience.Clock
}

// Agent is one running agent. It implements ipc.Backend.
type Agent struct {
	cfg         Config
	loop        *loop
	preferences preferences
}

// New makes an agent; it reads what users connected to last from StateDir, nothing else happens before Run.
func New(cfg Config) (*Agent, error) {
	switch {
	case cfg.Host == nil, cfg.Connect == nil, cfg.Profiles == nil, cfg.Hub == nil, cfg.StateDir == "":
		return nil, errors.New("agent: the configuration is not whole")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Wall == nil {
		cfg.Wall = time.Now
	}
	if cfg.Dialer == nil {
		cfg.Dialer = hostDialer{cfg.Host.Dialer, cfg.Host.Monitor.Snapshot}
	}
	a := &Agent{cfg: cfg, preferences: preferences{dir: filepath.Join(cfg.StateDir, "preferences"), log: cfg.Log}}
	a.loop = newLoop(&a.cfg)
	if cfg.Saved != nil {
		if err := a.wireKeys(a.loop.status.conn); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// Begun is closed when Run knows what the session is: until then the state says nothing of one that is taken up.
func (a *Agent) Begun() <-chan struct{} { return a.loop.begun }

// Run is the agent's life: it ends when ctx is done and every change of the host is taken back, or 5 s later with an error. It is called once.
func (a *Agent) Run(ctx context.Context) error { return a.loop.run(ctx) }
