package cstp

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun"
)

// TestRetryIsTold: why packets go by TLS, since when that has been so, and when DTLS is tried next. What carries them is told once, and each later failure as a time that moved.
func TestRetryIsTold(t *testing.T) {
	var fails atomic.Value // an error
	fails.Store(dtlstun.ErrNoAnswer)
	blocked := func(d *datagrams) {
		d.plain = 1400
		d.shown.Store(byTLS(whySetup, time.Now()))
		d.dial = func(context.Context, uint16) (net.Conn, error) { return nil, fails.Load().(error) }
	}
	bubble(t, &protocol.Settings{MTU: 1400}, func(w *watched) {
		seconds := func(t time.Time) time.Duration { return t.Sub(w.start) }
		check := func(kind protocol.NoteKind, at time.Duration, code protocol.TransportCode, since, retry time.Duration) {
			t.Helper()
			w.want(kind, at)
			if got := w.Transport(); got.Name != "tls" || got.Code != code || seconds(got.Since) != since || seconds(got.RetryAt) != retry {
				t.Errorf("after %v: %+v", at, got)
			}
		}
		check(protocol.NoteCarrier, 0, protocol.TransportUDPBlocked, 0, time.Second)
		at := time.Duration(0)
		for failures := 2; failures <= retries+3; failures++ {
			at += retryAfter(failures - 1)
			check(protocol.NoteRetry, at, protocol.TransportUDPBlocked, 0, at+retryAfter(failures))
		}
		fails.Store(dtlstun.ErrRefused)
		at += slowRetry
		check(protocol.NoteCarrier, at, protocol.TransportUDPRefused, at, at+slowRetry)
	}, blocked)
}

// TestPauseIsInherited: a new tunnel on a network that blocks UDP knows since when, and when DTLS is tried.
func TestPauseIsInherited(t *testing.T) {
	var began time.Time
	known := func(d *datagrams) {
		began = time.Now()
		d.place.failed(whyFor(dtlstun.ErrNoAnswer))
		d.place.failed(whyFor(dtlstun.ErrNoAnswer))
		time.Sleep(time.Second)
		failures, last, since := d.place.record()
		if failures != 2 {
			t.Errorf("%d failures", failures)
		}
		d.shown.Store(byTLS(last, since))
		d.dial = func(context.Context, uint16) (net.Conn, error) { return nil, dtlstun.ErrNoAnswer }
	}
	bubble(t, &protocol.Settings{MTU: 1400}, func(w *watched) {
		w.want(protocol.NoteRetry, time.Second)
		if got := w.Transport(); got.Code != protocol.TransportUDPBlocked || !got.Since.Equal(began) || !got.RetryAt.Equal(began.Add(2*time.Second)) {
			t.Errorf("%+v, not since %v", got, began)
		}
	}, known)
}
