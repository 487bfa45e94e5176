package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"

	"github.com/holdfast-vpn/holdfast/agent"
	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/vault"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
	"github.com/holdfast-vpn/holdfast/platform/native"
	"github.com/holdfast-vpn/holdfast/platform/paths"
	"github.com/holdfast-vpn/holdfast/platform/systemd"
	"github.com/holdfast-vpn/holdfast/profile"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
	"github.com/holdfast-vpn/holdfast/protocol/login"
	"github.com/holdfast-vpn/holdfast/protocol/patience"
)

// places is how many goroutines may run, or wait in a system call without being noticed: a reader and a writer of each carrier, the reader of the device, and some. With
// fewer the runtime takes the place of one that waits away from it after 20 µs, gives it back when packets come, and watches for that all the time.
const places = 8

// serve is the agent's life: the host first, which takes the lock; then what a former run left, which is taken up or taken back; then the socket, then the agent. It goes
// down the other way round. resume says whether a session may be taken up.
func serve(ctx context.Context, dirs paths.Dirs, resume bool, log *slog.Logger, stdout io.Writer) (err error) {
	runtime.GOMAXPROCS(max(runtime.NumCPU(), places))
	store := systemd.Inherit(storeName)
	if err := harden(); err != nil {
		log.Warn("not hardened", "err", err)
	}
	host, err := native.Host(native.Options{StateDir: dirs.State, RuntimeDir: dirs.Runtime, Log: log, Keeper: store})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, host.Close()) }()
	kept := vault.New(dirs.State, dirs.Runtime)
	known := func() *profile.Store { return profiles(dirs, log) }
	saved, err := recall(ctx, host, kept, resume, known, log)
	if err != nil {
		return err
	}
	rare, err := patience.Open()
	if err != nil {
		log.Debug("long waits are the runtime's", "err", err)
	}
	defer func() { err = errors.Join(err, rare.Close()) }()
	hub := ipc.NewHub()
	a, err := agent.New(agent.Config{
		Host: host, Hub: hub, StateDir: dirs.State, ProfileDir: dirs.Profile, Seed: seed(), Version: version(), Log: log, Patience: rare, Vault: kept, Saved: saved,
		Connect: func(d protocol.Dialer) protocol.Connector {
			return &cstp.Connector{Dialer: d, Log: log, Patience: rare}
		},
		Profiles: known,
	})
	if err != nil {
		return err
	}
	warm := make(chan struct{})
	go func() { login.Warm(); close(warm) }()
	defer func() { <-warm }()
	path := paths.Socket(dirs.Runtime)
	l, err := localsock.Listen(path, localsock.Policy{Group: localsock.Group})
	if errors.Is(err, localsock.ErrInUse) {
		return fault.New(fault.HostLocked, err)
	} else if err != nil {
		return fault.New(fault.HostDir, err)
	}
	life, stop := ended(ctx)
	defer stop()
	return serveOn(life, a, ipc.NewServer(a, hub, log), l, func() {
		fmt.Fprintln(stdout, "ready:", path)
		systemd.Notify("READY=1")
	})
}

// serveOn runs agent and server until ctx ends or one of them fails. Clients are answered from when the agent knows its session until it is down: they see how it ends.
func serveOn(ctx context.Context, a *agent.Agent, s *ipc.Server, l net.Listener, ready func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	served := make(chan error, 1)
	go func() {
		select {
		case <-a.Begun():
			ready()
		case <-serving.Done():
		}
		served <- s.Serve(serving, l)
		cancel()
	}()
	context.AfterFunc(ctx, func() { systemd.Notify("STOPPING=1") })
	err := a.Run(ctx)
	stopServing()
	return errors.Join(err, <-served)
}

// profiles reads ours and those of Cisco's client, and the machine's local policy.
func profiles(dirs paths.Dirs, log *slog.Logger) *profile.Store {
	store, warnings := profile.Load(append([]string{dirs.Profile}, paths.Imports()...)...)
	warnings = append(warnings, store.LoadPolicy(paths.Policies()...)...)
	for _, w := range warnings {
		log.Debug("profile", "warning", w.String())
	}
	return store
}

// seed makes the jitter of retries differ between machines.
func seed() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return binary.LittleEndian.Uint64(b[:])
}

// version is what the build knows of itself.
func version() ipc.Version {
	v := ipc.Build()
	v.Agent = v.Version
	return v
}
