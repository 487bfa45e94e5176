package resume

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// maxDatagram is the longest datagram that is read whole: hellos of libraries are a fraction of it.
const maxDatagram = 2048

// Peer is a Client or a Server.
type Peer interface {
	Start(now time.Duration) Step
	Tick(now time.Duration) (Step, error)
	Receive(datagram []byte, now time.Duration) (Step, error)
	Complaint() error
	Result() Result
}

// Run does a handshake on a connected datagram socket, until ctx ends. It reads nothing behind the datagram that finished it. Errors: those of the handshake and of the socket;
// ctx's, with the Complaint if there is one.
func Run(ctx context.Context, conn net.Conn, p Peer) (Result, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	began := time.Now()
	b := make([]byte, maxDatagram)
	step, err := p.Start(0), error(nil)
	for {
		for _, d := range step.Send {
			if err == nil {
				_, err = conn.Write(d)
			}
		}
		if err != nil {
			return Result{}, err
		}
		if step.Done {
			break
		}
		wake := time.Time{}
		if step.Wake > 0 {
			wake = began.Add(step.Wake)
		}
		if err := conn.SetReadDeadline(wake); err != nil {
			return Result{}, err
		}
		if ctx.Err() != nil { // asked after the deadline was set: AfterFunc sets its own later
			return Result{}, ended(ctx, p)
		}
		var n int
		n, err = conn.Read(b)
		var timeout net.Error
		switch {
		case err == nil:
			step, err = p.Receive(b[:n], time.Since(began))
		case errors.As(err, &timeout) && timeout.Timeout():
			step, err = p.Tick(time.Since(began))
		}
	}
	if !stop() {
		return Result{}, ended(ctx, p)
	}
	return p.Result(), conn.SetReadDeadline(time.Time{})
}

// ended is the error of a handshake whose time is over.
func ended(ctx context.Context, p Peer) error {
	if c := p.Complaint(); c != nil {
		return fmt.Errorf("%w (%w)", c, ctx.Err())
	}
	return ctx.Err()
}
