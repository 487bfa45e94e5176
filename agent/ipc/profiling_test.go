package ipc

import (
	"bytes"
	"compress/gzip"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// TestProfiling: root gets a profile, one at a time; nobody else does, not even the session's owner.
func TestProfiling(t *testing.T) {
	m, _ := serve(t, &agent{state: State{State: "connected"}, owner: alice.ID()})
	var out bytes.Buffer
	if err := m.client(alice).Profile(t.Context(), ProfilingRequest{Seconds: 1}, &out); fault.As(err).Code != fault.PolRoot || out.Len() > 0 {
		t.Errorf("the owner: %v, %d bytes", err, out.Len())
	}
	for _, seconds := range []int{-1, 0, MaxProfiling + 1} {
		if err := m.client(root).Profile(t.Context(), ProfilingRequest{Seconds: seconds}, &out); fault.As(err).Exit() != 2 {
			t.Errorf("%d seconds: %v", seconds, err)
		}
	}
	done := make(chan error, 2)
	for range 2 {
		go func() {
			var out bytes.Buffer
			err := m.client(root).Profile(t.Context(), ProfilingRequest{Seconds: 1}, &out)
			if err == nil {
				_, err = gzip.NewReader(&out)
			}
			done <- err
		}()
	}
	first, second := <-done, <-done
	if (first == nil) == (second == nil) || fault.As(cmpErr(first, second)).Code != fault.PolBusy {
		t.Errorf("two at a time: %v, %v", first, second)
	}
}

func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
