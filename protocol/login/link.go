package login

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
	"github.com/holdfast-vpn/holdfast/protocol/strap"
)

// Bounds of one answer.
const (
	maxHeader = 64 << 10
	maxBody   = authxml.MaxSize
	// slack is what chunked coding may add to a body.
	slack = 64 << 10

	firstByte  = 30 * time.Second // until an answer begins
	personTime = 6 * time.Minute  // the same when a person may have to confirm on a phone first: callers give a person five minutes
	promptly   = time.Second      // an answer that comes sooner has waited for nobody
	wholeTime  = 30 * time.Second // from its first byte to its last
	sendTime   = 30 * time.Second
	aliveTime  = 100 * time.Microsecond // to see whether a connection was closed: what has arrived is read at once, nothing is waited for
)

var (
	errHTTP    = errors.New("login: not HTTP") // net/http's own errors quote what was read
	errUnsent  = errors.New("login: the request could not be written")
	errRequest = errors.New("login: the request would not be one line per header")
)

// link is a login's connection to the gateway. It is made when the first request needs it and made again when the gateway closed it or a redirect leads
// elsewhere. One goroutine uses it.
type link struct {
	dialer   protocol.Dialer
	opts     Options
	keys     *strap.Keys       // announced with each request; nil for none
	prompter protocol.Prompter // of the login

	conn  *Conn
	at    origin
	fixed []netip.Addr // the resolution of at.host
	limit io.LimitedReader
	in    *bufio.Reader
	fresh bool // nothing was sent on conn yet
	spoke bool // the gateway has answered a request of this login

	gateway netip.AddrPort // of the last connection
	leaf    [32]byte
}

// close ends the connection.
func (l *link) close() {
	if l.conn != nil {
		_ = l.conn.Close()
		l.conn = nil
	}
}

// take returns the connection for the tunnel, nil if there is none that may be used.
func (l *link) take() *Conn {
	if l.conn != nil && !l.idle() {
		l.close()
	}
	c := l.conn
	l.conn = nil
	if c != nil {
		_ = c.TLS.SetDeadline(time.Time{})
	}
	return c
}

// do sends a request to a target and returns the answer. A request without answers of a person is repeated once on a new connection if the gateway closed
// the old one under it.
func (l *link) do(ctx context.Context, t protocol.Target, p *Post) (Reply, error) {
	to := origin{host: t.Host, port: t.Port, path: p.Path}
	head, err := l.head(to, p)
	if err != nil {
		return Reply{}, err
	}
	defer clear(head)
	if p.Anew {
		l.close()
	}
	for again := false; ; again = true {
		if err := l.connect(ctx, t, to); err != nil {
			return Reply{}, err
		}
		old := !l.fresh
		r, began, err := l.exchange(ctx, head, p)
		if err == nil {
			return r, nil
		}
		l.close()
		if again || began || !old || p.Answers || ctx.Err() != nil || fault.As(err).Code != fault.NetLost {
			return Reply{}, err
		}
	}
}

// connect makes sure there is a live connection to the target.
func (l *link) connect(ctx context.Context, t protocol.Target, to origin) error {
	if l.conn != nil && (!l.at.same(to) || !l.idle()) {
		l.close()
	}
	if l.conn != nil {
		return nil
	}
	if l.at.same(to) && len(l.fixed) > 0 {
		t.Fixed = l.fixed
	}
	c, err := l.dial(ctx, t)
	if err != nil {
		return err
	}
	l.conn, l.at, l.fixed, l.fresh = c, to, c.Addrs, true
	l.gateway, l.leaf = c.Gateway, c.LeafKey
	l.limit = io.LimitedReader{R: c.TLS}
	l.in = bufio.NewReader(&l.limit)
	return nil
}

// idle reports whether a connection lies open with nothing to read: a gateway that closed it, or speaks unasked, is seen before a password is sent.
func (l *link) idle() bool {
	if l.fresh {
		return true
	}
	l.limit.N = 1
	_ = l.conn.TLS.SetReadDeadline(time.Now().Add(aliveTime))
	_, err := l.in.Peek(1)
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// head is the request with its body.
func (l *link) head(to origin, p *Post) ([]byte, error) {
	body := p.Body.Reveal()
	lines := [][2]string{
		{"Host", to.authority()},
		{"User-Agent", l.opts.userAgent()},
		{"Accept", "*/*"},
		{"Accept-Encoding", "identity"},
		{"X-Transcend-Version", "1"},
	}
	if l.keys != nil {
		pub, dh := l.keys.Announce()
		lines = append(lines, [2]string{strap.HeaderPubkey, pub}, [2]string{strap.HeaderDHPubkey, dh})
	}
	method := "POST "
	kind := "application/xml; charset=utf-8"
	switch p.Kind {
	case PostXML:
		lines = append(lines, [2]string{"X-Aggregate-Auth", "1"})
	case PostForm:
		kind = "application/x-www-form-urlencoded"
	case Get:
		method = "GET "
	}
	if p.Kind != Get {
		lines = append(lines,
			[2]string{"X-Pad", "0000000000000000000000000000000000000000000000000000000000000000"[:64-len(body)%64]}, // hides how long a password is
			[2]string{"Content-Type", kind},
			[2]string{"Content-Length", strconv.Itoa(len(body))})
	}
	b := make([]byte, 0, 2048+len(body))
	if !printable(to.path) {
		return nil, fault.New(fault.UseTarget, errRequest)
	}
	b = append(append(append(b, method...), to.path...), " HTTP/1.1\r\n"...)
	for _, h := range lines {
		if bytes.ContainsAny([]byte(h[1]), "\r\n\x00") {
			return nil, fault.New(fault.UseTarget, errRequest)
		}
		b = append(append(append(append(b, h[0]...), ": "...), h[1]...), "\r\n"...)
	}
	for i, c := range p.Cookies {
		if i == 0 {
			b = append(b, "Cookie: "...)
		} else {
			b = append(b, "; "...)
		}
		b = append(append(append(b, c.Name...), '='), c.Value.Reveal()...)
	}
	if len(p.Cookies) > 0 {
		b = append(b, "\r\n"...)
	}
	return append(append(b, "\r\n"...), body...), nil
}

// exchange writes one request and reads one answer. began says whether any of it came.
func (l *link) exchange(ctx context.Context, request []byte, p *Post) (r Reply, began bool, err error) {
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { _ = l.conn.Raw.Close(); close(closed) })
	defer func() {
		if !stop() {
			<-closed
			late := fault.NetTimeout
			if l.spoke {
				late = fault.GwTimeout
			}
			err = netFault(ctx, ctx.Err(), late, late)
		}
	}()
	l.fresh = false
	_ = l.conn.TLS.SetWriteDeadline(time.Now().Add(sendTime))
	if _, err := l.conn.TLS.Write(request); err != nil {
		if l.conn.shown.asked && !l.conn.shown.taken && hungUp(err) {
			return r, false, l.conn.shown.refused(errUnsent)
		}
		return r, false, fault.New(fault.NetLost, errUnsent)
	}
	if err := l.await(p); err != nil {
		return r, false, err
	}
	_ = l.conn.TLS.SetReadDeadline(time.Now().Add(wholeTime))
	unshown := l.conn.shown.asked && !l.conn.shown.gave
	r, err = l.read()
	r.Unshown = unshown
	if err == nil && !l.spoke {
		l.spoke = true
		l.opts.answered()
	}
	return r, true, err
}

// await waits for the first byte of an answer.
func (l *link) await(p *Post) error {
	l.limit.N = maxHeader
	wait, code := firstByte, fault.NetSilent
	if l.spoke {
		code = fault.GwTimeout
	}
	if p.Answers {
		wait, code = personTime, fault.GwTimeout
		_ = l.conn.TLS.SetReadDeadline(time.Now().Add(promptly))
		if _, err := l.in.Peek(1); errors.Is(err, os.ErrDeadlineExceeded) {
			l.opts.waiting(true)
			defer l.opts.waiting(false)
		}
	}
	_ = l.conn.TLS.SetReadDeadline(time.Now().Add(wait))
	_, err := l.in.Peek(1)
	var op *net.OpError
	switch {
	case err == nil:
		l.conn.shown.taken = true
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fault.Newf(code, nil, "no answer in %s", wait)
	case errors.As(err, &op) && isAlert(op): // TLS 1.3 says only now that it wants a certificate
		return l.conn.shown.refused(err)
	case l.conn.shown.asked && !l.conn.shown.taken && hungUp(err):
		return l.conn.shown.refused(err)
	}
	return fault.New(fault.NetLost, err)
}

// read reads one answer. It keeps the connection if the gateway does.
func (l *link) read() (Reply, error) {
	resp, err := l.response() //nolint:bodyclose // it holds nothing, and Close would wait for the rest of it
	if err != nil {
		return Reply{}, err
	}
	if resp.ContentLength > maxBody {
		return Reply{}, fault.New(fault.NetTooMuch, nil)
	}
	l.limit.N += maxBody + slack
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		clear(body)
		return Reply{}, l.readFault(err, fault.NetMalformed)
	case len(body) > maxBody:
		clear(body)
		return Reply{}, fault.New(fault.NetTooMuch, nil)
	}
	r := Reply{Status: resp.StatusCode, Location: resp.Header.Get("Location"), Reason: fault.Clean(resp.Header.Get("X-Reason")), Date: resp.Header.Get("Date"), Body: body}
	for _, h := range resp.Header.Values("Set-Cookie") {
		if c, ok := parseSetCookie(h); ok {
			r.Cookies = append(r.Cookies, c)
		}
	}
	if resp.Close || l.in.Buffered() > 0 {
		l.close()
	}
	return r, nil
}

// response reads an answer's header, past interim ones.
func (l *link) response() (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(l.in, &http.Request{Method: http.MethodPost})
		if err != nil {
			return nil, l.readFault(err, fault.NetNotVPN)
		}
		if resp.StatusCode >= 200 {
			return resp, nil
		}
	}
}

// readFault is the fault for an answer that could not be read to its end. err is not kept: it may quote a cookie.
func (l *link) readFault(err error, code fault.Code) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), l.limit.N <= 0:
		return fault.New(fault.NetTooMuch, nil)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return fault.Newf(fault.NetLost, nil, "it closed the connection in the middle of an answer")
	}
	return fault.New(code, errHTTP)
}

// wipe clears a document that may hold a token.
func (r *Reply) wipe() {
	clear(r.Body)
	r.Body = nil
}
