package localsock

import (
	"errors"
	"net"
	"strconv"
)

// ErrInUse says that somebody answers on the socket already: an agent is running.
var ErrInUse = errors.New("localsock: another agent is listening")

// errNoIdentity says that the kernel did not tell who the peer is.
var errNoIdentity = errors.New("localsock: the peer's identity is unknown")

// Policy says who may connect besides root and the user the agent runs as.
type Policy struct {
	Group string // its members; "" or a group that does not exist: nobody else
}

// Peer is who a client is, by the kernel's word when the connection was made.
type Peer struct {
	UID    uint32 // unix
	SID    string // Windows
	PID    int    // for logs only: nothing is decided by it
	Root   bool   // uid 0, or an elevated process on Windows
	Member bool   // may talk to the agent: in the policy's group, or the very user the agent runs as
}

// ID names the user in comparisons and as the owner of a session: the SID, else the uid in decimal. It is never empty.
func (p Peer) ID() string {
	if p.SID != "" {
		return p.SID
	}
	return strconv.FormatUint(uint64(p.UID), 10)
}

// Conn is an accepted connection.
type Conn struct {
	net.Conn
	peer Peer
}

// Peer returns who is at the other end.
func (c *Conn) Peer() Peer { return c.peer }
