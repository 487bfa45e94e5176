package gateway

import (
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// valve lies between TCP and everything else of a connection. It knows when bytes last came and went, which is what DPD and keepalive ask, and it can hang: from
// then on Write blocks until the connection is closed, as when the process behind it is stuck. Reads go on.
type valve struct {
	net.Conn
	start       time.Time
	heard, sent atomic.Int64 // since start
	hung        atomic.Bool

	closed chan struct{}
	once   sync.Once

	mu       sync.Mutex
	deadline time.Time     // of Write
	moved    chan struct{} // closed when deadline changes
}

func newValve(c net.Conn) *valve {
	return &valve{Conn: c, start: time.Now(), closed: make(chan struct{}), moved: make(chan struct{})}
}

func (v *valve) Read(b []byte) (int, error) {
	n, err := v.Conn.Read(b)
	if n > 0 {
		v.heard.Store(int64(time.Since(v.start)))
	}
	return n, err
}

func (v *valve) Write(b []byte) (int, error) {
	if v.hung.Load() {
		return 0, v.wait()
	}
	v.sent.Store(int64(time.Since(v.start)))
	return v.Conn.Write(b)
}

// wait blocks until the connection is closed or the deadline of Write has passed.
func (v *valve) wait() error {
	for {
		v.mu.Lock()
		deadline, moved := v.deadline, v.moved
		v.mu.Unlock()
		var due <-chan time.Time
		if !deadline.IsZero() {
			due = time.After(time.Until(deadline))
		}
		select {
		case <-v.closed:
			return net.ErrClosed
		case <-due:
			return os.ErrDeadlineExceeded
		case <-moved:
		}
	}
}

func (v *valve) SetWriteDeadline(t time.Time) error {
	v.move(t)
	return v.Conn.SetWriteDeadline(t)
}

func (v *valve) SetDeadline(t time.Time) error {
	v.move(t)
	return v.Conn.SetDeadline(t)
}

func (v *valve) move(t time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.deadline = t
	close(v.moved)
	v.moved = make(chan struct{})
}

func (v *valve) Close() error {
	v.once.Do(func() { close(v.closed) })
	return v.Conn.Close()
}

// silent is how long nothing came.
func (v *valve) silent() time.Duration { return time.Since(v.start) - time.Duration(v.heard.Load()) }

// idle is how long nothing went.
func (v *valve) idle() time.Duration { return time.Since(v.start) - time.Duration(v.sent.Load()) }
