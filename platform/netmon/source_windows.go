package netmon

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/windows"
)

// device is the adapter's name (contract: the agent).
const device = "Holdfast"

// source turns what the IP Helper tells of interfaces, addresses and routes into hints. It is told in a thread of the system's.
type source struct {
	hints   chan struct{} // holds one
	handles []windows.Handle

	removals atomic.Uint64 // of what is ours: not told apart here, and 0
}

// The system calls back into one function for all sources: a process has few callbacks to give, and never gets one back.
var (
	callback = sync.OnceValue(func() uintptr {
		return windows.NewCallback(func(_, _ uintptr, _ uint32) uintptr {
			mu.Lock()
			defer mu.Unlock()
			for _, s := range sources {
				select {
				case s.hints <- struct{}{}:
				default:
				}
			}
			return 0
		})
	})
	mu      sync.Mutex
	sources []*source
)

// subscribe asks to be told.
func subscribe(*slog.Logger) (*source, error) {
	s := &source{hints: make(chan struct{}, 1)}
	mu.Lock()
	sources = append(sources, s)
	mu.Unlock()
	var handle windows.Handle
	var errs [3]error
	for i, ask := range []func() error{
		func() error {
			return windows.NotifyIpInterfaceChange(windows.AF_UNSPEC, callback(), nil, false, &handle)
		},
		func() error {
			return windows.NotifyUnicastIpAddressChange(windows.AF_UNSPEC, callback(), nil, false, &handle)
		},
		func() error { return windows.NotifyRouteChange2(windows.AF_UNSPEC, callback(), nil, false, &handle) },
	} {
		if errs[i] = ask(); errs[i] == nil {
			s.handles = append(s.handles, handle)
		}
	}
	if err := errors.Join(errs[:]...); err != nil {
		s.close()
		return nil, fmt.Errorf("netmon: %w", err)
	}
	return s, nil
}

// read has nothing to do but to be there: the system calls.
func (s *source) read(done <-chan struct{}) { <-done }

// close ends that. It returns when no call is under way any more.
func (s *source) close() {
	for _, h := range s.handles {
		_ = windows.CancelMibChangeNotify2(h)
	}
	mu.Lock()
	defer mu.Unlock()
	sources = slices.DeleteFunc(sources, func(other *source) bool { return other == s })
}
