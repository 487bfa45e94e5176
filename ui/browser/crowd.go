package browser

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
)

// crowd is the connections whose request has not come yet. Whoever runs on this machine can hold as many open as he likes, and each is a file of this process; so the one that has been silent for longest makes room. A
// browser sends its request at once.
type crowd struct {
	mu    sync.Mutex
	conns []net.Conn // the oldest first
}

// changed follows a connection's state; an http.Server's ConnState.
func (c *crowd) changed(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		c.enter(conn)
	case http.StateClosed:
		c.leave(conn)
	}
}

func (c *crowd) enter(conn net.Conn) {
	c.mu.Lock()
	c.conns = append(c.conns, conn)
	var oldest net.Conn
	if len(c.conns) > maxConns {
		oldest = c.conns[0]
		c.conns = slices.Delete(c.conns, 0, 1)
	}
	c.mu.Unlock()
	if oldest != nil {
		_ = oldest.Close()
	}
}

func (c *crowd) leave(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.conns, conn); i >= 0 {
		c.conns = slices.Delete(c.conns, i, i+1)
	}
}

// connKey is where a request's context has its connection.
type connKey struct{}

// known gives a request its connection; an http.Server's ConnContext.
func known(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// served takes the connection of a request that is here out of the crowd: it is answered, or waits in a queue that is bounded.
func (c *crowd) served(q *http.Request) {
	if conn, ok := q.Context().Value(connKey{}).(net.Conn); ok {
		c.leave(conn)
	}
}
