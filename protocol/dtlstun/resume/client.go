package resume

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
)

// maxVerifies is how often a server may change its mind about the cookie.
const maxVerifies = 3

// Client is the client's half of a handshake. It belongs to one goroutine.
type Client struct {
	side
	first    clientHello
	seq      uint16 // message number of the hello
	verify   assembly
	verifies int
	answer   assembly
	last     []byte // the ServerHello that counts
	final    []byte
}

// NewClient begins a handshake. Error: ErrConfig.
func NewClient(c Config) (*Client, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	cl := &Client{side: side{Config: c}}
	cl.first = clientHello{version: c.Version, session: slices.Clone(c.SessionID), suites: []uint16{c.Suite}, compressions: []byte{noCompression}}
	c.draw(cl.first.random[:])
	return cl, nil
}

// Start sends the hello.
func (c *Client) Start(now time.Duration) Step {
	c.greet()
	c.timer.start(now)
	return c.step()
}

// Tick is for when the time of Step.Wake has come, or for any other time.
func (c *Client) Tick(now time.Duration) (Step, error) {
	if c.result == nil && c.timer.expired(now) {
		c.greet()
	}
	return c.step(), nil
}

// Receive takes a datagram, which it overwrites. An error ends the handshake: ErrNotResumed, ErrFinished, ErrAlert, or the record layer's. After Done it answers a server that repeats
// itself.
func (c *Client) Receive(datagram []byte, now time.Duration) (Step, error) {
	err := c.read(datagram, func(f fragment) error { return c.hear(f, now) })
	if err == nil && c.result == nil && c.ccs && c.mac != nil {
		err = c.finish(*c.mac)
	}
	if err != nil {
		return Step{}, err
	}
	if c.again {
		c.again = false
		c.send = append(c.send, c.final)
	}
	return c.step(), nil
}

// greet sends the hello, under a number of its own: a server may drop what it has seen.
func (c *Client) greet() {
	m := message{typeClientHello, c.seq, c.first.append(nil)}
	c.hello[0] = c.covered(m)
	c.send = append(c.send, c.plain(record.TypeHandshake, m.append(nil)))
}

// hear takes an unprotected fragment.
func (c *Client) hear(f fragment, now time.Duration) error {
	switch f.typ {
	case typeHelloRequest, typeClientHello, typeFinished:
	case typeHelloVerify:
		if m, whole := c.verify.add(f); whole && c.keys == nil {
			c.show(m, now)
		}
	case typeServerHello:
		if m, whole := c.answer.add(f); whole && m.seq == c.seq {
			return c.accept(m)
		}
	default:
		return fmt.Errorf("%w: a full handshake (message type %d)", ErrNotResumed, f.typ)
	}
	return nil
}

// show greets again with the cookie. The first hello and the request are no part of what Finished messages cover.
func (c *Client) show(m message, now time.Duration) {
	v, err := parseHelloVerify(m.body)
	if err != nil || bytes.Equal(v.cookie, c.first.cookie) || c.verifies == maxVerifies {
		return
	}
	c.verifies++
	c.first.cookie, c.seq = v.cookie, 1
	c.greet()
	c.timer.start(now)
}

// accept takes a ServerHello that is another than the last one: the keys are those of the newest.
func (c *Client) accept(m message) error {
	if bytes.Equal(m.body, c.last) {
		return nil
	}
	h, err := parseServerHello(m.body)
	switch {
	case err != nil:
		return nil //nolint:nilerr // dropped; the server repeats its own
	case h.version != c.Version:
		return fmt.Errorf("%w: version %04x", ErrNotResumed, h.version)
	case !bytes.Equal(h.session, c.SessionID):
		return fmt.Errorf("%w: another session id", ErrNotResumed)
	case h.suite != c.Suite || h.compression != noCompression:
		return fmt.Errorf("%w: cipher suite %04x, compression %d", ErrNotResumed, h.suite, h.compression)
	case h.extended():
		return fmt.Errorf("%w: extensions that nobody asked for", ErrNotResumed)
	}
	c.last, c.hello[1] = m.body, c.covered(m)
	return c.agree(true, c.first.random, h.random)
}

// finish verifies the server's Finished and makes the last flight, in one datagram.
func (c *Client) finish(m message) error {
	if !same(m.body, c.verifyData(labelServer, nil)) {
		return ErrFinished
	}
	ccs, seq := c.changeCipherSpec(c.seq + 1)
	sealed, err := c.keys.seal(message{typeFinished, seq, c.verifyData(labelClient, c.covered(m))})
	if err != nil {
		return err
	}
	c.final = append(c.plain(record.TypeChangeCipherSpec, ccs), sealed...)
	c.send = append(c.send, c.final)
	c.result = &Result{Secrets: c.keys.handOver(), Repeat: c.final}
	return nil
}
