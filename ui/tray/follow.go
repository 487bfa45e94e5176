package tray

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/ui/model"
)

const (
	// patience is how long an agent that is there may take for its first words.
	patience = 3 * time.Second
	// soonest and latest are the times between two looks for an agent that is not there: a restart is over in less than a second, and one that nobody has installed need not cost more than four
	// looks a minute.
	soonest = 250 * time.Millisecond
	latest  = 15 * time.Second
)

// agentLink follows the agent.
type agentLink struct {
	client *ipc.Client
	doubts chan struct{} // holds one; closed by nobody
}

func newAgentLink(client *ipc.Client) *agentLink {
	return &agentLink{client: client, doubts: make(chan struct{}, 1)}
}

// doubt says that a call had no answer: an agent that hangs keeps its stream open and says nothing. It may be called from any goroutine.
func (l *agentLink) doubt() {
	select {
	case l.doubts <- struct{}{}:
	default:
	}
}

// follow posts that an agent is here, what it says, and that it is gone, until ctx ends. It waits for nothing but the stream while there is one.
func (l *agentLink) follow(ctx context.Context, post func(model.Msg)) {
	pause := soonest
	for {
		err := l.listen(ctx, func(m model.Msg) {
			pause = soonest
			post(m)
		})
		if ctx.Err() != nil {
			return
		}
		post(model.AgentGone{Err: fault.As(err)})
		wait := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-l.doubts: // somebody asked it meanwhile: perhaps it is back
		case <-wait.C:
		}
		wait.Stop()
		pause = min(2*pause, latest)
	}
}

// listen posts what one agent says, until that is gone.
func (l *agentLink) listen(ctx context.Context, post func(model.Msg)) error {
	version, err := l.version(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(patience, func() { cancel(silent()) })
	defer late.Stop()
	live, err := l.client.Events(ctx)
	if err != nil {
		return because(ctx, err)
	}
	defer live.Close()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		l.watch(ctx, cancel)
	}()
	defer func() { cancel(nil); <-watched }()
	for here := false; ; {
		event, err := live.Next()
		if err != nil {
			return because(ctx, err)
		}
		if !here {
			here = true
			if !late.Stop() {
				return silent()
			}
			post(model.AgentHere{Version: version})
		}
		post(model.Happened{Event: event})
	}
}

// watch asks the agent whether it is there whenever somebody doubts it, and ends the stream of one that does not say so.
func (l *agentLink) watch(ctx context.Context, cancel context.CancelCauseFunc) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.doubts:
			if _, err := l.version(ctx); err != nil && ctx.Err() == nil {
				cancel(err)
				return
			}
		}
	}
}

// version asks what the agent is, with little patience.
func (l *agentLink) version(ctx context.Context) (ipc.Version, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, silent())
	defer cancel()
	v, err := l.client.Version(ctx)
	if err != nil {
		return v, because(ctx, err)
	}
	return v, nil
}

// because is why ctx ended, if it did, else err.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// silent is an agent that is there and does not answer.
func silent() *fault.Error { return fault.New(fault.AgentSilent, nil) }
