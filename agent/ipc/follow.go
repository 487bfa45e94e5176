package ipc

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

const (
	// comeBack is how long whoever follows an agent waits for the one that takes its place.
	comeBack = 30 * time.Second
	knock    = 100 * time.Millisecond
	// remembered is how many entries of a timeline are known again.
	remembered = 4096
)

// following carries out rounds, each of which listens to one agent until that is gone, and goes on with the next agent. It ends with ctx, with an error that says something else, with one of
// the first round, and when no agent has come for comeBack. A round says when it has heard something.
func following(ctx context.Context, round func(heard func()) error) error {
	ever := false
	var since time.Time // when nothing has been heard any more
	for {
		err := round(func() { ever, since = true, time.Time{} })
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case !ever || !gone(err):
			return err
		case since.IsZero():
			since = time.Now()
		case time.Since(since) > comeBack:
			return err
		}
		wait := time.NewTimer(knock)
		select {
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		case <-wait.C:
		}
	}
}

// gone reports whether err says that there is no agent now that could be listened to.
func gone(err error) bool {
	code := fault.As(err).Code
	return code == fault.AgentUnreachable || code == fault.AgentSilent
}

// errEnough ends a round whose listener wants no more; it is told nothing.
var errEnough = fault.New(fault.Internal, nil)

// Follow yields what Events brings and goes on with the agent that takes the place of one that is gone: after each such change comes the whole state. It ends when ctx ends, when the loop
// breaks, and with the error that it yields last.
func (c *Client) Follow(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		err := following(ctx, func(heard func()) error {
			live, err := c.Events(ctx)
			if err != nil {
				return err
			}
			defer live.Close()
			for {
				e, err := live.Next()
				if err != nil {
					return err
				}
				heard()
				if !yield(e, nil) {
					return errEnough
				}
			}
		})
		if err != errEnough {
			yield(Event{}, err)
		}
	}
}

// Timeline yields what happened, oldest first; with follow it goes on with what happens, also with the agent that takes the place of one that is gone, until ctx ends, the loop breaks or an
// error was yielded.
func (c *Client) Timeline(ctx context.Context, follow bool) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		told := map[uint64]time.Time{}
		tell := func(e Entry) bool {
			if at, ok := told[e.Seq]; ok && at.Equal(e.At) { // another agent may use the number again
				return true
			}
			if len(told) > remembered {
				clear(told)
			}
			told[e.Seq] = e.At
			return yield(e, nil)
		}
		round := func(heard func()) error { return c.timeline(ctx, follow, heard, tell) }
		var err error
		if follow {
			err = following(ctx, round)
		} else {
			err = round(func() {})
		}
		if err != nil && err != errEnough {
			yield(Entry{}, err)
		}
	}
}

// timeline tells the past and, with follow, what happens, until one agent is gone.
func (c *Client) timeline(ctx context.Context, follow bool, heard func(), tell func(Entry) bool) error {
	var live *Stream
	if follow { // listen first: nothing falls between
		var err error
		if live, err = c.Events(ctx); err != nil {
			return err
		}
		defer live.Close()
	}
	var past []Entry
	if err := c.list(ctx, "/v1/timeline", func(line []byte) error {
		var e Entry
		err := json.Unmarshal(line, &e)
		past = append(past, e)
		return err
	}); err != nil {
		return err
	}
	heard()
	for _, e := range past {
		if !tell(e) {
			return errEnough
		}
	}
	for follow {
		ev, err := live.Next()
		if err != nil {
			return err
		}
		heard()
		if ev.Timeline != nil && !tell(*ev.Timeline) {
			return errEnough
		}
	}
	return nil
}
