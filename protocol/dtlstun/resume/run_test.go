package resume

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// end is one end of a datagram link in memory that loses what drop says. It works in a bubble.
type end struct {
	in, out chan []byte
	drop    func(n int) bool
	sent    int

	mu   sync.Mutex
	due  time.Time
	news chan struct{} // closed when due changes
}

func link() (a, b *end) {
	one, two := make(chan []byte, 64), make(chan []byte, 64)
	never := func(int) bool { return false }
	return &end{in: one, out: two, drop: never, news: make(chan struct{})}, &end{in: two, out: one, drop: never, news: make(chan struct{})}
}

func (e *end) Write(p []byte) (int, error) {
	n := e.sent
	e.sent++
	if !e.drop(n) {
		b := bytes.Clone(p)
		time.AfterFunc(latency, func() { e.out <- b })
	}
	return len(p), nil
}

func (e *end) Read(p []byte) (int, error) {
	for {
		e.mu.Lock()
		due, news := e.due, e.news
		e.mu.Unlock()
		var timer <-chan time.Time
		if !due.IsZero() {
			timer = time.After(time.Until(due))
		}
		select {
		case b := <-e.in:
			return copy(p, b), nil
		case <-timer:
			return 0, os.ErrDeadlineExceeded
		case <-news:
		}
	}
}

func (e *end) SetReadDeadline(t time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.due = t
	close(e.news)
	e.news = make(chan struct{})
	return nil
}

func (e *end) SetDeadline(t time.Time) error    { return e.SetReadDeadline(t) }
func (e *end) SetWriteDeadline(time.Time) error { return nil }
func (e *end) Close() error                     { return nil }
func (e *end) LocalAddr() net.Addr              { return &net.UDPAddr{} }
func (e *end) RemoteAddr() net.Addr             { return &net.UDPAddr{} }

// TestRun drives both roles at once over a link that loses the first hello and the first answer.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := session(DTLS12[2])
		client, err := NewClient(c)
		if err != nil {
			t.Fatal(err)
		}
		server, err := NewServer(c)
		if err != nil {
			t.Fatal(err)
		}
		near, far := link()
		near.drop = func(n int) bool { return n == 0 }
		far.drop = near.drop
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		var got [2]Result
		var wg sync.WaitGroup
		wg.Go(func() {
			r, err := Run(ctx, far, server)
			if err != nil {
				t.Error(err)
			}
			got[1] = r
		})
		r, err := Run(ctx, near, client)
		if err != nil {
			t.Fatal(err)
		}
		got[0] = r
		wg.Wait()
		talk(t, got[0].Secrets, got[1].Secrets)
		talk(t, got[1].Secrets, got[0].Secrets)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %v", took)
		}
		if !near.due.IsZero() || !far.due.IsZero() {
			t.Error("a deadline is left on the socket")
		}
	})
}

// TestRunEnds: with its context, saying what somebody complained of; with an error of the socket; at once when the context has ended before.
func TestRunEnds(t *testing.T) {
	c := session(DTLS12[2])
	start := func(t *testing.T) *Client {
		cl, err := NewClient(c)
		if err != nil {
			t.Fatal(err)
		}
		return cl
	}
	t.Run("silence", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			near, _ := link()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if _, err := Run(ctx, near, start(t)); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("err = %v", err)
			}
			if near.sent != 5 { // at 0, 0.5, 1.5, 3.5 and 7.5 s
				t.Errorf("%d hellos", near.sent)
			}
		})
	})
	t.Run("an alert", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			near, far := link()
			_, _ = far.Write([]byte{21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := Run(ctx, near, start(t)); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrAlert) {
				t.Errorf("err = %v", err)
			}
		})
	})
	t.Run("cancelled before", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			near, _ := link()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := Run(ctx, near, start(t)); !errors.Is(err, context.Canceled) {
				t.Errorf("err = %v", err)
			}
		})
	})
	t.Run("closed socket", func(t *testing.T) {
		a, b := net.Pipe()
		_, _ = a.Close(), b.Close()
		if _, err := Run(t.Context(), a, start(t)); err == nil {
			t.Error("no error")
		}
	})
}
