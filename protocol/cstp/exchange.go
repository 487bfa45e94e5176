package cstp

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
)

const (
	// connectTime is how long a gateway may think about CONNECT: some ask an address server first.
	connectTime = 20 * time.Second
	// defaultPathMTU is Ethernet's.
	defaultPathMTU = 1500
	// outerOverhead is what carries an inside packet: IPv6, TCP with time stamps, TLS record, frame header.
	outerOverhead = 40 + 32 + 22
)

// exchange sends CONNECT and reads the answer's head. residual is what came behind it. Errors are *fault.Error; on error the connection is of no use.
func exchange(ctx context.Context, c *tls.Conn, req *Request) (resp *Response, residual []byte, err error) {
	if err := c.SetDeadline(time.Now().Add(connectTime)); err != nil {
		return nil, nil, lost(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	wire := req.Append(nil)
	_, err = c.Write(wire)
	clear(wire)
	br := bufio.NewReader(c)
	if err == nil {
		resp, err = ReadResponse(br)
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, nil, exchangeFault(ctx, err)
	}
	if err := c.SetDeadline(time.Time{}); err != nil {
		return nil, nil, lost(err)
	}
	resp.concealAll(req)
	return resp, Residual(br), nil
}

// concealAll takes the secrets of a request out of its answer.
func (r *Response) concealAll(req *Request) {
	r.conceal(req.Token)
	if m := req.Resume.Master; !m.Empty() {
		r.conceal(redact.New(upperHex(m)))
		r.conceal(redact.New(hex.AppendEncode(nil, m.Reveal())))
	}
}

// conceal takes a secret of ours out of what the gateway says: a text that quotes it would carry it into the state and into errors.
func (r *Response) conceal(secret redact.Secret) {
	const shortest = 4 // less would take ordinary words apart
	if secret.Len() < shortest {
		return
	}
	for i := range r.Fields {
		r.Fields[i].Value = strings.ReplaceAll(r.Fields[i].Value, string(secret.Reveal()), secret.String())
	}
}

// exchangeFault says why there was no answer.
func exchangeFault(ctx context.Context, err error) error {
	var timeout net.Error
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return fault.New(fault.AuthCancelled, context.Canceled)
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return fault.Newf(fault.GwTimeout, err, "no answer to CONNECT")
	case errors.Is(err, ErrHead):
		return fault.Newf(fault.NetNotVPN, err, "its answer to CONNECT is no HTTP")
	case errors.Is(err, ErrHeadTooLong):
		return fault.New(fault.NetTooMuch, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fault.Newf(fault.NetLost, err, "it closed the connection on CONNECT")
	}
	return lost(err)
}

// accepted reads the status: 401 and 403 are a verdict on the session, 5xx is "not now", everything else, and a 200 that says nothing of a tunnel, comes from
// something that is no gateway.
func accepted(r *Response) error {
	switch {
	case r.Status == 200 && slices.ContainsFunc(r.Fields, isCSTP):
		return nil
	case r.Status == 200:
		return fault.Newf(fault.NetNotVPN, nil, "it answers CONNECT with a web page")
	case r.Status == 401, r.Status == 403:
		return fault.Newf(fault.GwSession, nil, "%s", r.Reason())
	case r.Status >= 500:
		return fault.Newf(fault.GwUnavailable, nil, "%s", r.Reason())
	}
	return fault.Newf(fault.NetNotVPN, nil, "it answers CONNECT with status %d", r.Status)
}

func isCSTP(h protocol.Header) bool {
	_, ok := cutPrefixFold(h.Name, "X-CSTP-")
	return ok
}
