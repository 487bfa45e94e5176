package dtlstun

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
)

// maxEarly is how many datagrams with data are kept while a handshake ends.
const maxEarly = 64

// loan is the socket as pion has it: until cut, and never what lies behind the handshake.
//
// Before the cut it forgives what is no end of a datagram socket: a message of ICMP that anybody can forge, a queue that is full, a packet that does not fit the path just now. Such a
// datagram is lost, as any may be. Records with data are kept for the Channel: pion would open them and have nobody to give them to.
//
// After the cut nothing that pion writes leaves the machine, so that none of its records uses a number again (close_notify, a flight that it repeats), it reads nothing, and neither its
// deadlines nor its Close reach the socket.
type loan struct {
	net.Conn
	heard   atomic.Bool // anything came at all
	refused atomic.Bool // somebody said that nobody is there

	reading sync.Mutex // held by who reads
	hello   []byte     // what Read returns first
	early   [][]byte   // under reading

	mu   sync.Mutex // of what follows, and held while pion writes: a handful of datagrams
	over bool
	next uint64 // one more than the largest number that went out sealed
	last []byte // the records that went out from ChangeCipherSpec on
}

// cut ends the loan, and returns when nobody reads.
func (l *loan) cut() {
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
	_ = l.Conn.SetDeadline(time.Unix(1, 0)) // wakes the reader
	l.reading.Lock()
	defer l.reading.Unlock()
	_ = l.Conn.SetDeadline(time.Time{})
}

func (l *loan) isOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

func (l *loan) Read(p []byte) (int, error) {
	l.reading.Lock()
	defer l.reading.Unlock()
	for {
		if l.isOver() {
			return 0, net.ErrClosed
		}
		if l.hello != nil {
			n := copy(p, l.hello)
			l.hello = nil
			return n, nil
		}
		n, err := l.Conn.Read(p)
		switch {
		case err == nil:
			l.heard.Store(true)
			if !l.keep(p[:n]) {
				return n, nil
			}
		case errors.Is(err, syscall.ECONNREFUSED):
			l.refused.Store(true)
		case l.isOver():
			return 0, net.ErrClosed
		default:
			return n, err
		}
	}
}

// keep puts a datagram by that is not of the handshake, or that came after the cut.
func (l *loan) keep(d []byte) bool {
	h, _, _, err := record.Parse(d)
	if err != nil || !l.isOver() && (h.Type != record.TypeData || h.Epoch == 0) {
		return false
	}
	if len(l.early) < maxEarly {
		l.early = append(l.early, append([]byte(nil), d...))
	}
	return true
}

func (l *loan) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return len(p), nil
	}
	l.note(p)
	n, err := l.Conn.Write(p)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		l.refused.Store(true)
	case errors.Is(err, syscall.EMSGSIZE), errors.Is(err, syscall.ENOBUFS), errors.Is(err, syscall.EPERM):
		// EPERM is how a packet filter of this machine drops.
	default:
		return n, err
	}
	return len(p), nil
}

// note remembers numbers and the last flight of what goes out.
func (l *loan) note(p []byte) {
	for rest := p; ; {
		h, rec, more, err := record.Parse(rest)
		if err != nil {
			return
		}
		rest = more
		switch {
		case h.Epoch > 0:
			l.next = max(l.next, h.Seq+1)
			l.last = append(l.last, rec...)
		case h.Type == record.TypeChangeCipherSpec: // a flight that goes again counts anew
			l.last = append(l.last[:0], rec...)
		}
	}
}

// SetDeadline, SetReadDeadline and SetWriteDeadline are pion's, and count until the cut.
func (l *loan) SetDeadline(t time.Time) error      { return l.deadline(l.Conn.SetDeadline, t) }
func (l *loan) SetReadDeadline(t time.Time) error  { return l.deadline(l.Conn.SetReadDeadline, t) }
func (l *loan) SetWriteDeadline(t time.Time) error { return l.deadline(l.Conn.SetWriteDeadline, t) }

func (l *loan) deadline(set func(time.Time) error, t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return nil
	}
	return set(t)
}

// Close is pion's, and does nothing: the socket was lent.
func (l *loan) Close() error { return nil }
