//go:build !linux

package netmon

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/holdfast-vpn/holdfast/platform"
)

// every is how often the interfaces are looked at.
const every = 3 * time.Second

// source gives a hint at every tick.
type source struct{ hints chan struct{} }

func subscribe(*slog.Logger) (*source, error) { return &source{make(chan struct{}, 1)}, nil }

func (s *source) close() {}

func (s *source) read(done <-chan struct{}) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		select {
		case s.hints <- struct{}{}:
		default:
		}
	}
}

// look lists the interfaces that are up and have a global address.
func look() (platform.NetSnapshot, error) {
	list, err := net.Interfaces()
	if err != nil {
		return platform.NetSnapshot{}, fmt.Errorf("netmon: %w", err)
	}
	var s platform.NetSnapshot
	for _, ifi := range list {
		const need = net.FlagUp | net.FlagRunning
		if ifi.Flags&need != need || ifi.Flags&net.FlagLoopback != 0 || ifi.Name == platform.Interface {
			continue
		}
		addrs, err := ifi.Addrs()
		if err != nil {
			continue // it went away meanwhile
		}
		u := platform.Uplink{Index: ifi.Index, Name: ifi.Name}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().IsGlobalUnicast() {
				u.Local = append(u.Local, p.Addr())
			}
		}
		if len(u.Local) > 0 {
			s.Uplinks = append(s.Uplinks, u)
		}
	}
	return s, nil
}
