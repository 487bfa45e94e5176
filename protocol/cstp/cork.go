package cstp

import (
	"io"
	"net"
	"sync"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/pollconn"
)

const (
	readBuffer = 64 << 10
	// sendAt is when a run of records is sent although more of the batch is to come.
	sendAt = 64 << 10
	// closeGrace bounds how long a close waits for the peer: to take what was still held, and after a goodbye to end its side.
	closeGrace = 250 * time.Millisecond
)

// Cork lies between TCP and crypto/tls. In: one system call fills 64 KiB, many records. Out: from Hold on, what crypto/tls writes is kept until Flush, so
// that a batch of records leaves in one send. Until Hold it passes everything through: a handshake needs its flights at once.
//
// Writes never block once held, whoever makes them: crypto/tls writes from inside Read too (KeyUpdate, alerts) and holds its own locks while it does. Only
// Flush and Close block, and they hold no lock then: one flusher at a time swaps the two buffers under the mutex and writes outside it.
type Cork struct {
	net.Conn
	in       []byte // what was read and not yet taken
	inBuf    []byte
	draining bool // reader's own
	settled  bool // reader's own: Hold was seen

	mu       sync.Mutex
	idle     *sync.Cond // flushing became false
	held     bool
	flushing bool
	fill     []byte
	spare    []byte
	err      error // sticky: after a failed or short write nothing that follows makes sense to the peer
}

// Wrap returns a Cork over c.
func Wrap(c net.Conn) *Cork {
	k := &Cork{Conn: c}
	k.idle = sync.NewCond(&k.mu)
	return k
}

// errDrained is what Read returns in drain mode when nothing is buffered. It is Temporary, the one kind of error that crypto/tls does not remember.
type errDrained struct{}

func (errDrained) Error() string   { return "cstp: nothing buffered" }
func (errDrained) Timeout() bool   { return false }
func (errDrained) Temporary() bool { return true }

var drained net.Error = errDrained{}

// drain switches drain mode, in which Read never blocks. It is the reader's own switch, off during the handshake (an error there is remembered for ever)
// and for the first record of a batch.
func (k *Cork) drain(on bool) { k.draining = on }

// Read returns buffered bytes, or fills the buffer.
func (k *Cork) Read(p []byte) (int, error) {
	if len(k.in) == 0 {
		if k.draining {
			return 0, drained
		}
		if k.inBuf == nil {
			k.inBuf = make([]byte, readBuffer)
		}
		n, err := k.Conn.Read(k.inBuf)
		if n == 0 {
			return 0, err
		}
		// An error that comes with bytes comes again without.
		k.in = k.inBuf[:n]
		k.acknowledge()
	}
	n := copy(p, k.in)
	k.in = k.in[n:]
	return n, nil
}

// acknowledge confirms what came at once while nothing is held yet. In a handshake and a login a few small segments go each way, and a peer with Nagle's
// algorithm keeps the next one back until the last is confirmed, which our kernel else puts off for 40 ms.
func (k *Cork) acknowledge() {
	if k.settled {
		return
	}
	k.mu.Lock()
	k.settled = k.held
	k.mu.Unlock()
	if !k.settled {
		quickAck(k.Conn)
	}
}

// Hold starts keeping what is written. From here on traffic is expected: the connection's calls wait in the kernel (pollconn). Nobody may be using it.
func (k *Cork) Hold() {
	k.mu.Lock()
	k.held = true
	k.Conn = pollconn.Take(k.Conn)
	k.mu.Unlock()
}

// Write keeps p until Flush, or passes it on before Hold.
func (k *Cork) Write(p []byte) (int, error) {
	k.mu.Lock()
	if !k.held {
		k.mu.Unlock()
		return k.Conn.Write(p)
	}
	defer k.mu.Unlock()
	if k.err != nil {
		return 0, k.err
	}
	k.fill = append(k.fill, p...)
	return len(p), nil
}

// SetWriteDeadline does nothing once writes are held: they do not block. crypto/tls leaves an expired deadline behind its close_notify, which would keep
// what was written before it from leaving.
func (k *Cork) SetWriteDeadline(t time.Time) error {
	k.mu.Lock()
	held := k.held
	k.mu.Unlock()
	if held {
		return nil
	}
	return k.Conn.SetWriteDeadline(t)
}

// Held is the number of bytes that wait for Flush.
func (k *Cork) Held() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.fill)
}

// Flush sends what was held when it was called, and perhaps more. It blocks as long as the peer does not take it. An error is final.
func (k *Cork) Flush() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for k.flushing && k.err == nil {
		k.idle.Wait()
	}
	for len(k.fill) > 0 && k.err == nil {
		out := k.fill
		k.fill, k.spare = k.spare[:0], nil
		k.flushing = true
		k.mu.Unlock()
		n, err := k.Conn.Write(out)
		k.mu.Lock()
		k.flushing = false
		k.spare = out[:0]
		if err == nil && n < len(out) {
			err = io.ErrShortWrite
		}
		k.err = err
		k.idle.Broadcast()
	}
	return k.err
}

// Close sends what is held, for a quarter of a second at most, and closes the connection.
func (k *Cork) Close() error {
	k.mu.Lock()
	pending := len(k.fill) > 0 || k.flushing
	k.mu.Unlock()
	if pending {
		_ = k.Conn.SetWriteDeadline(time.Now().Add(closeGrace))
		_ = k.Flush()
	}
	return k.Conn.Close()
}

// finish sends what is held and then the end of the stream, and waits until heard is closed, for a quarter of a second at most. A connection that cannot be closed
// in halves is left as it is.
func (k *Cork) finish(heard <-chan struct{}) {
	grace := time.NewTimer(closeGrace)
	defer grace.Stop()
	_ = k.Conn.SetWriteDeadline(time.Now().Add(closeGrace))
	if k.Flush() != nil {
		return
	}
	half, ok := k.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	select {
	case <-heard:
	case <-grace.C:
	}
}

// Abandon closes the connection and says nothing more on it.
func (k *Cork) Abandon() error {
	k.mu.Lock()
	k.held, k.fill = true, nil
	if k.err == nil {
		k.err = net.ErrClosed
	}
	k.idle.Broadcast()
	k.mu.Unlock()
	return k.Conn.Close()
}

// Reset is Abandon, and has the peer know at once. What it still sends is of no use to anybody, and a gateway whose writer waits for us to take it would go on waiting
// while the session has another connection.
func (k *Cork) Reset() error {
	resetOnClose(k.Conn)
	return k.Abandon()
}
