package fake

import (
	"context"
	"time"

	"github.com/holdfast-vpn/holdfast/platform"
)

type tun struct{ m *Machine }

// Open makes the device by the caller's function.
func (t tun) Open(ctx context.Context, mtu int) (platform.Device, error) {
	var dev platform.Device
	err := t.m.change(ctx, Tun, func() error {
		if t.m.device != nil || t.m.options.Device == nil {
			return errDevice
		}
		inner, err := t.m.options.Device(mtu)
		if err != nil {
			return err
		}
		dev = &device{Device: inner, m: t.m}
		t.m.device, t.m.left = dev, false
		return nil
	})
	return dev, err
}

// device tells the machine when it is closed.
type device struct {
	platform.Device
	m      *Machine
	leaves bool
}

// Leave has the device and what is on it stay for the next Open.
func (d *device) Leave() {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	d.leaves = true
}

// Close takes the device off the machine, and the routes through it, as a kernel does, unless it is left there.
func (d *device) Close() error {
	d.m.mu.Lock()
	switch {
	case d.m.device != d:
	case d.leaves:
		d.m.device, d.m.left = nil, true
	default:
		d.m.device, d.m.routes = nil, platform.RouteConfig{}
	}
	d.m.mu.Unlock()
	return d.Device.Close()
}

type router struct{ m *Machine }

func (r router) Set(ctx context.Context, c platform.RouteConfig) error {
	return r.m.change(ctx, Router, func() error {
		if do := r.m.options.Routes; do != nil {
			if err := do(c); err != nil {
				return err
			}
		}
		r.m.routes, r.m.lost = c, nil
		return nil
	})
}

// Mend is Set, and tells what Lose took.
func (r router) Mend(ctx context.Context, c platform.RouteConfig) ([]string, error) {
	r.m.mu.Lock()
	lost := r.m.lost
	r.m.mu.Unlock()
	return lost, r.Set(ctx, c)
}

type resolver struct{ m *Machine }

func (r resolver) Set(ctx context.Context, c platform.DNSConfig) error {
	return r.m.change(ctx, Resolver, func() error { r.m.dns = c; return nil })
}

func (resolver) Backend() string { return "fake" }

type firewall struct{ m *Machine }

func (f firewall) Set(ctx context.Context, c platform.FilterConfig) error {
	return f.m.change(ctx, Firewall, func() error {
		f.m.filter = c
		return nil
	})
}

type monitor struct{ m *Machine }

func (mo monitor) Snapshot() platform.NetSnapshot {
	mo.m.mu.Lock()
	defer mo.m.mu.Unlock()
	return mo.m.network
}

func (mo monitor) Changes() <-chan platform.NetSnapshot { return mo.m.changes }

// Close closes Changes, once.
func (mo monitor) Close() error {
	mo.m.mu.Lock()
	defer mo.m.mu.Unlock()
	if !mo.m.closed {
		mo.m.closed = true
		close(mo.m.changes)
	}
	return nil
}

type power struct{ m *Machine }

func (p power) Events() <-chan platform.PowerEvent { return p.m.power }

// Close closes Events, once.
func (p power) Close() error {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if !p.m.still {
		p.m.still = true
		close(p.m.power)
	}
	return nil
}

type clock struct{ m *Machine }

func (c clock) Now() (mono, boot time.Duration) {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	at := time.Since(c.m.began)
	if c.m.dark {
		at = c.m.dusk
	}
	return at - c.m.stood, at + c.m.slept
}
