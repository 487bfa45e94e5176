package fake

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/platform"
)

// null is a device that carries nothing.
type null struct{ platform.Device }

func (null) Close() error { return nil }

func machine() *Machine {
	return New(Options{Device: func(int) (platform.Device, error) { return null{}, nil }})
}

func at(name string) platform.NetSnapshot {
	return platform.NetSnapshot{Uplinks: []platform.Uplink{{Index: 2, Name: name}}}
}

func TestDesiredState(t *testing.T) {
	m := machine()
	h := m.Host()
	ctx := t.Context()
	dev, err := h.Tun.Open(ctx, 1400)
	if err != nil || m.Clean() {
		t.Fatalf("Open: %v, clean %v", err, m.Clean())
	}
	if _, err := h.Tun.Open(ctx, 1400); err == nil {
		t.Error("there are two devices")
	}
	if err := errors.Join(h.Router.Set(ctx, platform.RouteConfig{Index: 7}), h.Resolver.Set(ctx, platform.DNSConfig{Search: []string{"x"}})); err != nil {
		t.Fatal(err)
	}
	if m.Routes().Index != 7 || len(m.DNS().Search) != 1 {
		t.Errorf("%+v %+v", m.Routes(), m.DNS())
	}
	if err := dev.Close(); err != nil || !m.Routes().Empty() {
		t.Errorf("Close: %v, routes %+v outlive the device", err, m.Routes())
	}
	if err := h.Undo(ctx); err != nil || !m.Clean() {
		t.Errorf("Undo: %v, clean %v", err, m.Clean())
	}
}

func TestIntercept(t *testing.T) {
	no := errors.New("no")
	m := machine()
	h := m.Host()
	for p, do := range map[Part]func(context.Context) error{
		Tun:      func(ctx context.Context) error { _, err := h.Tun.Open(ctx, 1400); return err },
		Router:   func(ctx context.Context) error { return h.Router.Set(ctx, platform.RouteConfig{Index: 7}) },
		Resolver: func(ctx context.Context) error { return h.Resolver.Set(ctx, platform.DNSConfig{Search: []string{"x"}}) },
		Undo:     h.Undo,
	} {
		m.Intercept(p, func(context.Context) error { return no })
		if err := do(t.Context()); !errors.Is(err, no) || !m.Clean() {
			t.Errorf("part %d: %v, clean %v", p, err, m.Clean())
		}
		synctest.Test(t, func(t *testing.T) {
			m.Intercept(p, func(ctx context.Context) error { <-ctx.Done(); return nil })
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := do(ctx); !errors.Is(err, context.DeadlineExceeded) || !m.Clean() {
				t.Errorf("part %d hangs: %v, clean %v", p, err, m.Clean())
			}
		})
		m.Intercept(p, nil)
	}
}

func TestMonitor(t *testing.T) {
	m := New(Options{Network: at("home")})
	mon := m.Host().Monitor
	m.SetNetwork(at("home"))
	m.SetNetwork(at("a"))
	m.SetNetwork(at("b"))
	if s := <-mon.Changes(); s.Uplinks[0].Name != "b" || mon.Snapshot().Uplinks[0].Name != "b" {
		t.Errorf("told %+v", s)
	}
	for range 2 {
		if err := mon.Close(); err != nil {
			t.Error(err)
		}
	}
	m.SetNetwork(at("c"))
	if s, open := <-mon.Changes(); open {
		t.Errorf("told %+v after Close", s)
	}
}

func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := machine()
		time.Sleep(time.Hour)
		m.Sleep(time.Minute)
		if mono, boot := m.Host().Clock.Now(); mono != time.Hour || boot != time.Hour+time.Minute {
			t.Errorf("mono %v, boot %v", mono, boot)
		}
	})
}

func TestPower(t *testing.T) {
	m := New(Options{})
	p := m.Host().Power
	m.Wake()
	ready := m.Suspend() // the newest is told
	e := <-p.Events()
	for range 2 {
		e.Ready()
	}
	if _, open := <-ready; open || !e.Sleep {
		t.Errorf("told %+v", e)
	}
	m.Wake()
	if e := <-p.Events(); e.Sleep || e.Ready != nil {
		t.Errorf("told %+v", e)
	}
	for range 2 {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	m.Wake()
	if e, open := <-p.Events(); open {
		t.Errorf("told %+v after Close", e)
	}
}
