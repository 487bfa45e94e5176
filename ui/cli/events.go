package cli

import (
	"context"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// each calls f for every event until ctx ends, the agent ends the stream, or f returns an error, and returns why.
func each(ctx context.Context, agent *ipc.Client, f func(ipc.Event) error) error {
	stream, err := agent.Events(ctx)
	if err != nil {
		return err
	}
	defer stream.Close()
	for {
		e, err := stream.Next()
		if err != nil {
			return err
		}
		if err := f(e); err != nil {
			return err
		}
	}
}

// await returns the first state that is good, at once if it is now; an agent that is restarted meanwhile does not matter. Time that runs out is USE-004, exit 8.
func await(ctx context.Context, agent *ipc.Client, timeout time.Duration, good func(ipc.State) bool) (found ipc.State, err error) {
	timed, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for e, failed := range agent.Follow(timed) {
		if err = failed; err != nil {
			break
		}
		if e.State == nil {
			continue
		}
		if found = *e.State; good(found) {
			return found, nil
		}
	}
	switch {
	case ctx.Err() != nil:
		return found, ctx.Err()
	case timed.Err() != nil && found.State != "":
		return found, fault.Newf(fault.UseWait, err, "it is %s", line(found.State))
	case timed.Err() != nil:
		return found, fault.New(fault.UseWait, err)
	}
	return found, err
}

// down reports that there is no session and no attempt at one.
func down(s ipc.State) bool { return s.State == "disconnected" || s.State == "blocked" }

// up reports whether there is a session that an interruption must not end.
func up(s ipc.State) bool {
	return s.State == "connected" || s.State == "reconnecting" || s.State == "paused"
}
