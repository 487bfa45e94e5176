package ipc

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// hung is a client of an agent that lets in whoever comes, hears him out and says no more than that.
func hung(says string) *Client {
	return NewClientOver(func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			b := make([]byte, 4096)
			_, _ = far.Read(b)
			_, _ = far.Write([]byte(says))
			for {
				if _, err := far.Read(b); err != nil {
					return
				}
			}
		}()
		return near, nil
	})
}

// TestHungAgent: whatever is asked of an agent that hangs, the answer is AGENT-004 when patience ends, ours or the caller's.
func TestHungAgent(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\n\r\n"
	listen := func(ctx context.Context, c *Client) error {
		s, err := c.Events(ctx)
		if err != nil {
			return err
		}
		defer s.Close()
		_, err = s.Next()
		return err
	}
	for name, tt := range map[string]struct {
		says string
		ask  func(context.Context, *Client) error
	}{
		"a call":               {"", func(ctx context.Context, c *Client) error { _, err := c.State(ctx); return err }},
		"a list":               {head, func(ctx context.Context, c *Client) error { _, err := c.Hosts(ctx); return err }},
		"a stream":             {"", listen},
		"a stream with a head": {head, listen},
		"whoever follows": {head, func(ctx context.Context, c *Client) (last error) {
			for _, err := range c.Follow(ctx) {
				last = err
			}
			return last
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				err := tt.ask(t.Context(), hung(tt.says))
				if f := fault.As(err); f.Code != fault.AgentSilent || f.Exit() != 3 || time.Since(began) != callTime {
					t.Errorf("%v after %v", err, time.Since(began))
				}
				gone, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				if err := tt.ask(gone, hung(tt.says)); !errors.Is(err, context.Canceled) {
					t.Errorf("a caller who went away: %v", err)
				}
			})
		})
	}
}

// TestImpatientCaller: a caller may have less patience than we do, and hears the same.
func TestImpatientCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := hung("").State(ctx)
		if fault.As(err).Code != fault.AgentSilent || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("State: %v", err)
		}
	})
}

// TestQuietStream: a stream on which nothing happens for long is none of a hung agent.
func TestQuietStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := hung("HTTP/1.1 200 OK\r\n\r\n{\"type\":\"state\",\"at\":\"2026-05-04T03:02:01Z\"}\n").Events(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if e, err := s.Next(); err != nil || e.Type != "state" {
			t.Fatalf("%+v, %v", e, err)
		}
		time.AfterFunc(time.Hour, func() { _ = s.Close() })
		if _, err := s.Next(); !errors.Is(err, context.Canceled) {
			t.Errorf("after an hour: %v", err)
		}
	})
}
