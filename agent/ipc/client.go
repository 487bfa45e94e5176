package ipc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
)

const (
	// callTime bounds a call: the agent answers all of them at once, what takes long is told by events.
	callTime = 15 * time.Second
	// maxAnswer bounds an answer, and maxLine one line of a list or a stream, in bytes. The longest is the state with a gateway's form, which is a document of 1 MiB.
	maxAnswer = 16 << 20
	maxLine   = 4 << 20
)

// Client talks to an agent. Its errors are *fault.Error: AGENT-001 when there is no agent to talk to, AGENT-002 when this user may not, AGENT-003 when the
// answer makes no sense, AGENT-004 when there is one and nothing comes from it within 15 s, or by the deadline of the caller's context if that is sooner, and what the agent said otherwise;
// when the caller's context was cancelled, its error. Methods may be called from any goroutine.
type Client struct {
	dial func(ctx context.Context) (net.Conn, error)
}

// NewClient returns a client of the agent that listens on path. Nothing is dialled yet.
func NewClient(path string) *Client {
	return NewClientOver(func(ctx context.Context) (net.Conn, error) { return localsock.Dial(ctx, path) })
}

// NewClientOver is NewClient with a dialer of one's own, for an agent in the same process.
func NewClientOver(dial func(ctx context.Context) (net.Conn, error)) *Client { return &Client{dial} }

// State asks for the state.
func (c *Client) State(ctx context.Context) (State, error) {
	var s State
	return s, c.call(ctx, http.MethodGet, "/v1/state", nil, &s)
}

// Stats asks for the statistics; USE-003 without a session.
func (c *Client) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	return s, c.call(ctx, http.MethodGet, "/v1/stats", nil, &s)
}

// Version asks what the agent is.
func (c *Client) Version(ctx context.Context) (Version, error) {
	var v Version
	return v, c.call(ctx, http.MethodGet, "/v1/version", nil, &v)
}

// Connect asks for a session. The id it returns comes back as State.Attempt.
func (c *Client) Connect(ctx context.Context, r ConnectRequest) (Accepted, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return Accepted{}, fault.New(fault.Internal, err)
	}
	var a Accepted
	return a, c.call(ctx, http.MethodPost, "/v1/connect", body, &a)
}

// Disconnect asks for the session's end, and returns when it has begun.
func (c *Client) Disconnect(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, "/v1/disconnect", nil, nil)
}

// Answer answers a prompt. Secrets go into the body of this one request, which is cleared afterwards, and nowhere else.
func (c *Client) Answer(ctx context.Context, id string, a Answer) error {
	if !promptID(id) {
		return fault.New(fault.AuthPromptGone, nil)
	}
	if err := a.check(); err != nil {
		return err
	}
	body, err := a.reveal()
	if err != nil {
		return err
	}
	defer clear(body)
	return c.call(ctx, http.MethodPost, "/v1/prompts/"+id, body, nil)
}

// Hosts lists the hosts of the agent's profiles.
func (c *Client) Hosts(ctx context.Context) ([]HostEntry, error) {
	var hosts []HostEntry
	err := c.list(ctx, "/v1/hosts", func(line []byte) error {
		var h HostEntry
		err := json.Unmarshal(line, &h)
		hosts = append(hosts, h)
		return err
	})
	return hosts, err
}

// Recording writes the machine's record to w, as agent/machine/record reads it, and returns how many steps it has.
func (c *Client) Recording(ctx context.Context, w io.Writer) (steps int, err error) {
	lines, failed := 0, error(nil)
	err = c.list(ctx, "/v1/record", func(line []byte) error {
		lines++
		_, failed = fmt.Fprintf(w, "%s\n", line)
		return failed
	})
	if failed != nil { // the file's fault, not the agent's
		err = failed
	}
	return max(lines-1, 0), err
}

// errSilent ends the context of a stream to which nothing came in time.
var errSilent = fault.New(fault.AgentSilent, nil)

// Events opens a stream whose first event is the whole state, which has to come as soon as any answer. It ends with ctx or Close.
func (c *Client) Events(ctx context.Context) (*Stream, error) {
	own, cancel := context.WithCancelCause(ctx)
	first := time.AfterFunc(callTime, func() { cancel(errSilent) })
	resp, err := c.do(own, http.MethodGet, "/v1/events", nil) //nolint:bodyclose // Stream.Close does
	if err != nil {
		first.Stop()
		err = silence(own, late(err))
		cancel(nil)
		return nil, err
	}
	return &Stream{ctx: own, cancel: cancel, first: first, body: resp.Body, lines: scan(resp.Body)}, nil
}

// call makes one request and decodes the answer into v, unless v is nil.
func (c *Client) call(ctx context.Context, method, path string, body []byte, v any) error {
	own, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	resp, err := c.do(own, method, path, body)
	if err != nil {
		return late(err)
	}
	defer resp.Body.Close()
	if v == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(v); err != nil {
		return late(undecodable(own, err))
	}
	return nil
}

// list makes one request and hands every line of the answer to each.
func (c *Client) list(ctx context.Context, path string, each func([]byte) error) error {
	own, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	resp, err := c.do(own, http.MethodGet, path, nil)
	if err != nil {
		return late(err)
	}
	defer resp.Body.Close()
	sc := scan(io.LimitReader(resp.Body, maxAnswer))
	for sc.Scan() {
		if err := each(sc.Bytes()); err != nil {
			return fault.New(fault.AgentProtocol, err)
		}
	}
	if err := sc.Err(); err != nil {
		return late(undecodable(own, err))
	}
	return nil
}

// late makes the end of patience, ours or the caller's, a fault.
func late(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fault.New(fault.AgentSilent, err)
	}
	return err
}

// silence is err, or that nothing came on a stream if this is why its context ended.
func silence(ctx context.Context, err error) error {
	if context.Cause(ctx) == errSilent {
		return errSilent
	}
	return err
}

// do makes one request and returns an answer of success; its body must be closed.
func (c *Client) do(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://agent"+path, bytes.NewReader(body))
	if err != nil {
		return nil, fault.New(fault.Internal, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.roundTrip(req)
	if err != nil {
		return nil, unreachable(ctx, err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	var e ErrorBody
	err = json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(&e)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil || e.Error.Code == "":
		return nil, fault.Newf(fault.AgentProtocol, err, "status %d", resp.StatusCode)
	}
	return nil, e.Error.Fault()
}

// roundTrip makes one request on a connection of its own, which ends with the answer's body: no goroutine stays behind. It dials here and not inside
// the transport, which would go on dialling after the request's context has ended.
func (c *Client) roundTrip(req *http.Request) (*http.Response, error) {
	conn, err := c.dial(req.Context())
	if err != nil {
		return nil, err
	}
	t := &http.Transport{
		DialContext:        func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		DisableKeepAlives:  true,
		DisableCompression: true,
	}
	resp, err := t.RoundTrip(req)
	if err != nil {
		_ = conn.Close()
	}
	return resp, err
}

// unreachable says why there was no answer.
func unreachable(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, fs.ErrPermission):
		return fault.New(fault.AgentRefused, err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOTDIR):
		return fault.New(fault.AgentUnreachable, err)
	case errors.Is(err, syscall.EAGAIN): // so many wait to be let in that there is no room for more
		return fault.New(fault.AgentSilent, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fault.Newf(fault.AgentUnreachable, err, "it closed the connection")
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		return fault.New(fault.AgentUnreachable, err)
	}
	return fault.New(fault.AgentProtocol, err)
}

// undecodable says why an answer that had begun is of no use.
func undecodable(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		return unreachable(ctx, err)
	}
	return fault.New(fault.AgentProtocol, err)
}
