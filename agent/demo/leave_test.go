package demo

import (
	"log/slog"
	"testing"
	"time"
)

// TestLeave disconnects under traffic, again and again: what the gateway is still sending must not keep it from hearing the goodbye.
func TestLeave(t *testing.T) {
	for i := range 8 {
		w, err := newWorld(t.Context(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		p := &play{w: w, show: newScreen(Options{JSON: true})}
		if p.seen, err = watch(t.Context(), w, p.show); err != nil {
			t.Fatal(err)
		}
		if err := p.login(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(5*i) * time.Millisecond)
		if err := p.leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p.failed > 0 {
			t.Errorf("run %d: clean %v, sessions %v", i, w.laptop.Clean(), w.gateway.Sessions())
		}
		if err := w.close(); err != nil {
			t.Error(err)
		}
		<-p.seen.done
	}
}
