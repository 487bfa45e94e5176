package svc

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"golang.org/x/sys/windows/svc"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// The manager's requests end the agent's life, and the manager hears how it stands; a life that ends by itself is an error to it.
func TestHandler(t *testing.T) {
	lives := func(ctx context.Context, _ io.Writer) error { <-ctx.Done(); return nil }
	for _, c := range []struct {
		name     string
		life     func(context.Context, io.Writer) error
		requests []svc.Cmd
		said     []svc.State
		specific bool
		code     uint32
		log      string
	}{
		{"stopped", lives, []svc.Cmd{svc.Interrogate, svc.Stop}, []svc.State{svc.StartPending, svc.Running, svc.Running, svc.StopPending}, false, 0, ""},
		{"the machine goes down", lives, []svc.Cmd{svc.PreShutdown}, []svc.State{svc.StartPending, svc.Running, svc.StopPending}, false, 0, ""},
		{"it fails", func(context.Context, io.Writer) error { return fault.New(fault.HostOther, errors.New("x")) }, nil, []svc.State{svc.StartPending, svc.Running}, true, 1, "(HOST-007)"},
		{"it ends by itself", func(context.Context, io.Writer) error { return nil }, nil, []svc.State{svc.StartPending, svc.Running}, true, 1, ""},
	} {
		var log strings.Builder
		h := &handler{ctx: t.Context(), life: c.life, log: &log}
		requests, said := make(chan svc.ChangeRequest, 4), make(chan svc.Status, 8)
		for _, r := range c.requests {
			requests <- svc.ChangeRequest{Cmd: r}
		}
		specific, code := h.Execute(nil, requests, said)
		close(said)
		var states []svc.State
		for s := range said {
			states = append(states, s.State)
		}
		if specific != c.specific || code != c.code || !strings.Contains(log.String(), c.log) {
			t.Errorf("%s: %v %d, %q", c.name, specific, code, log.String())
		}
		for i, s := range c.said {
			if i >= len(states) || states[i] != s {
				t.Errorf("%s: the manager hears %v, want %v", c.name, states, c.said)
				break
			}
		}
	}
}
