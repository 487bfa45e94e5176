package resume

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
)

// TestHandshake: every suite of every version, with and without a cookie, four messages or six.
func TestHandshake(t *testing.T) {
	for _, s := range suites() {
		for _, ask := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/cookie=%v", record.Name(s.Version, s.ID), ask), func(t *testing.T) {
				c := session(s)
				c.AskCookie = ask
				w := newWorld(t, c, c)
				w.run(time.Second)
				w.agreed()
				want := [2]int{2, 1}
				if ask {
					want = [2]int{3, 2}
				}
				if w.count != want {
					t.Errorf("datagrams: %v, not %v", w.count, want)
				}
			})
		}
	}
}

// TestHelloIsFound: a gateway that sorts first datagrams by session id looks at fixed places, and drops what is shorter than 93 bytes.
func TestHelloIsFound(t *testing.T) {
	c, err := NewClient(session(DTLS12[2]))
	if err != nil {
		t.Fatal(err)
	}
	d := c.Start(0).Send[0]
	if len(d) < 93 || d[59] != maxSessionID || !bytes.Equal(d[60:60+maxSessionID], c.SessionID) {
		t.Errorf("%d bytes: %x", len(d), d)
	}
}

// TestConfig: a session that cannot be is refused before a datagram is sent.
func TestConfig(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"no id":             func(c *Config) { c.SessionID = nil },
		"long id":           func(c *Config) { c.SessionID = make([]byte, 33) },
		"no master secret":  func(c *Config) { c.Master = redact.Secret{} },
		"short secret":      func(c *Config) { c.Master = redact.New(make([]byte, 47)) },
		"no such suite":     func(c *Config) { c.Suite = 0x1301 },
		"no such version":   func(c *Config) { c.Version = 0xfefc },
		"GCM in DTLS 0.9":   func(c *Config) { c.Version = record.DTLSCisco },
		"3DES, which is no": func(c *Config) { c.Suite = 0x000a },
	} {
		t.Run(name, func(t *testing.T) {
			c := session(DTLS12[2])
			spoil(&c)
			if _, err := NewClient(c); !errors.Is(err, ErrConfig) {
				t.Errorf("client: %v", err)
			}
			if _, err := NewServer(c); !errors.Is(err, ErrConfig) {
				t.Errorf("server: %v", err)
			}
		})
	}
}

// hello is a ServerHello that a test spoils, as a datagram.
func hello(c Config, spoil func(*serverHello)) []byte {
	h := &serverHello{version: c.Version, session: c.SessionID, suite: c.Suite}
	spoil(h)
	return unprotected(c, message{typeServerHello, 0, h.append(nil)})
}

func unprotected(c Config, m message) []byte {
	b := m.append(nil)
	return append(record.Header{Type: record.TypeHandshake, Version: c.Version}.Append(nil, len(b)), b...)
}

// TestNotResumed: whoever answers with anything but the session that was asked for is an error at once.
func TestNotResumed(t *testing.T) {
	c := session(DTLS12[2])
	for name, d := range map[string][]byte{
		"another session id":     hello(c, func(h *serverHello) { h.session = bytes.Repeat([]byte{1}, 32) }),
		"no session id":          hello(c, func(h *serverHello) { h.session = nil }),
		"part of the session id": hello(c, func(h *serverHello) { h.session = c.SessionID[:31] }),
		"another version":        hello(c, func(h *serverHello) { h.version = record.DTLS10 }),
		"another suite":          hello(c, func(h *serverHello) { h.suite = 0x009c }),
		"compression":            hello(c, func(h *serverHello) { h.compression = 1 }),
		"master secret extended": hello(c, func(h *serverHello) { h.extensions = []byte{0, 4, 0, 0x17, 0, 0} }),
		"a certificate":          unprotected(c, message{11, 1, make([]byte, 100)}),
		"a key exchange":         unprotected(c, message{12, 1, make([]byte, 100)}),
		"the end of a flight":    unprotected(c, message{14, 1, nil}),
		"a session ticket":       unprotected(c, message{4, 1, make([]byte, 100)}),
	} {
		t.Run(name, func(t *testing.T) {
			cl, err := NewClient(c)
			if err != nil {
				t.Fatal(err)
			}
			cl.Start(0)
			if _, err := cl.Receive(d, time.Millisecond); !errors.Is(err, ErrNotResumed) {
				t.Errorf("err = %v", err)
			}
		})
	}
}

// TestAnotherSecret: who knows the session id but not the secret gets nowhere, in either role.
func TestAnotherSecret(t *testing.T) {
	for _, s := range suites() {
		c := session(s)
		other := c
		other.Master = redact.New(make([]byte, masterLen))
		w := newWorld(t, c, other)
		w.run(10 * time.Second)
		if w.done[0] || w.done[1] || w.err[0] != nil || w.err[1] != nil {
			t.Errorf("%s: done %v, errors %v", s.Name, w.done, w.err)
		}
	}
}

// TestFinished: a Finished message that opens and does not fit what was said ends the handshake.
func TestFinished(t *testing.T) {
	for _, s := range []Suite{DTLS12[2], DTLS[4]} {
		t.Run("server "+s.Name, func(t *testing.T) {
			w := newWorld(t, session(s), session(s))
			w.fault = func(fromServer bool, n int, d []byte) []arrival {
				if fromServer { // what is sealed anew beside the two hellos covers something else
					w.server.mine[n] ^= 1
					w.server.send = nil
					if w.server.flight() != nil {
						t.Error("no flight")
					}
					d = w.server.send[0]
				}
				return []arrival{{datagram: d}}
			}
			w.run(time.Second)
			if !errors.Is(w.err[0], ErrFinished) {
				t.Errorf("client: %v", w.err[0])
			}
		})
		t.Run("client "+s.Name, func(t *testing.T) {
			w := newWorld(t, session(s), session(s))
			w.fault = func(fromServer bool, n int, d []byte) []arrival {
				if fromServer {
					w.server.hello[0] = bytes.Clone(w.server.hello[0])
					w.server.hello[0][20] ^= 1 // the server remembers another hello
				}
				return []arrival{{datagram: d}}
			}
			w.run(time.Second)
			if !errors.Is(w.err[1], ErrFinished) {
				t.Errorf("server: %v", w.err[1])
			}
		})
	}
}

// TestAlert: one that opens ends the handshake; one that anybody could have sent is told of, and no more.
func TestAlert(t *testing.T) {
	c := session(DTLS12[2])
	w := newWorld(t, c, c)
	w.sent(0, w.client.Start(0), nil)
	alert := append(record.Header{Type: record.TypeAlert, Version: c.Version}.Append(nil, 2), 2, 40)
	if _, err := w.client.Receive(alert, 0); err != nil {
		t.Fatalf("an alert without protection: %v", err)
	}
	if !errors.Is(w.client.Complaint(), ErrAlert) {
		t.Errorf("complaint %v", w.client.Complaint())
	}
	s, err := w.server.Receive(w.way[0].datagram, 0)
	if err != nil || len(s.Send) != 1 {
		t.Fatal(s, err)
	}
	slot := make([]byte, record.Headroom+2+record.Tailroom)
	slot[record.Headroom], slot[record.Headroom+1] = 2, 40
	sealed, err := w.server.keys.sealer.Seal(record.TypeAlert, slot, record.Headroom, 2)
	if err != nil {
		t.Fatal(err)
	}
	half := s.Send[0][:13+12+70] // the hello without what is behind it
	if _, err := w.client.Receive(append(bytes.Clone(half), sealed...), 0); !errors.Is(err, ErrAlert) {
		t.Errorf("err = %v", err)
	}
}

// TestServerIsSilent: a hello for something else is not answered, and the owner can say why.
func TestServerIsSilent(t *testing.T) {
	c := session(DTLS12[2])
	for name, spoil := range map[string]func(*Config){
		"another session": func(c *Config) { c.SessionID = []byte("other") },
		"another version": func(c *Config) { c.Version, c.Suite = record.DTLS10, 0x0035 },
		"another suite":   func(c *Config) { c.Suite = 0x009c },
	} {
		t.Run(name, func(t *testing.T) {
			other := c
			spoil(&other)
			w := newWorld(t, other, c)
			w.run(5 * time.Second)
			if w.count[1] != 0 || w.server.Complaint() == nil {
				t.Errorf("%d answers, complaint %v", w.count[1], w.server.Complaint())
			}
		})
	}
}

// TestManyCookies: a server that wants another cookie each time does not keep the client busy for ever.
func TestManyCookies(t *testing.T) {
	c := session(DTLS12[2])
	cl, err := NewClient(c)
	if err != nil {
		t.Fatal(err)
	}
	cl.Start(0)
	sent := 0
	for i := range 20 {
		s, err := cl.Receive(unprotected(c, message{typeHelloVerify, 0, (&helloVerify{c.Version, []byte{byte(i)}}).append(nil)}), 0)
		if err != nil {
			t.Fatal(err)
		}
		sent += len(s.Send)
	}
	if sent != maxVerifies {
		t.Errorf("%d hellos", sent)
	}
}
