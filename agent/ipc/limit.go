package ipc

import (
	"net"
	"sync"

	"github.com/holdfast-vpn/holdfast/platform/localsock"
)

// Limits on connections.
const (
	maxClients = 64 // in all
	maxPerUser = 16
	forRoot    = 8  // of maxClients, so that root can always look
	maxTurned  = 16 // beyond them: connections that only hear that there are too many
)

// peered is a connection that knows its peer, as platform/localsock's do.
type peered interface{ Peer() localsock.Peer }

// limiter accepts clients and counts them. A connection whose peer is unknown is closed.
type limiter struct {
	net.Listener
	mu     sync.Mutex
	all    int
	turned int
	users  map[string]int
}

func newLimiter(l net.Listener) *limiter { return &limiter{Listener: l, users: map[string]int{}} }

// Accept returns the next client as a *client.
func (l *limiter) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if p, ok := c.(peered); ok {
			if cl := l.admit(c, p.Peer()); cl != nil {
				return cl, nil
			}
		}
		c.Close()
	}
}

// admit counts the connection, or marks it as one to be turned away, or returns nil if there are too many of those too.
func (l *limiter) admit(c net.Conn, p localsock.Peer) *client {
	l.mu.Lock()
	defer l.mu.Unlock()
	cl := &client{Conn: c, peer: p, limiter: l}
	room := maxClients
	if !p.Root {
		room -= forRoot
	}
	if l.all >= room || l.users[p.ID()] >= maxPerUser {
		if l.turned == maxTurned {
			return nil
		}
		l.turned++
		cl.busy = true
		return cl
	}
	l.all++
	l.users[p.ID()]++
	return cl
}

// client is one connection with its peer.
type client struct {
	net.Conn
	peer    localsock.Peer
	busy    bool // there are too many: every request is refused
	limiter *limiter
	once    sync.Once
}

// Close closes the connection and gives its place back.
func (c *client) Close() error {
	c.once.Do(func() {
		l := c.limiter
		l.mu.Lock()
		defer l.mu.Unlock()
		if c.busy {
			l.turned--
			return
		}
		l.all--
		if id := c.peer.ID(); l.users[id] == 1 {
			delete(l.users, id)
		} else {
			l.users[id]--
		}
	})
	return c.Conn.Close()
}
