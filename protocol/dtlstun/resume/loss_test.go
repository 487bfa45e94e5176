package resume

import (
	"bytes"
	"errors"
	"fmt"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
	"math/rand/v2"
	"testing"
	"time"
)

// some are the suites that matter: both constructions, both forms of what Finished covers.
func some() []Suite { return []Suite{DTLS12[0], DTLS12[3], DTLS12[6], DTLS[4]} }

// TestFlights: any one datagram of either side may get lost, come twice, come late or come after its successor; both ends agree all the same.
func TestFlights(t *testing.T) {
	faults := map[string]func(d []byte) []arrival{
		"lost": func([]byte) []arrival { return nil },
		"twice": func(d []byte) []arrival {
			return []arrival{{datagram: d}, {at: time.Millisecond, datagram: bytes.Clone(d)}}
		},
		"late":      func(d []byte) []arrival { return []arrival{{at: 700 * time.Millisecond, datagram: d}} },
		"very late": func(d []byte) []arrival { return []arrival{{at: 3 * time.Second, datagram: d}} },
		"and again": func(d []byte) []arrival {
			return []arrival{{datagram: d}, {at: 3 * time.Second, datagram: bytes.Clone(d)}}
		},
	}
	for _, s := range some() {
		for _, ask := range []bool{false, true} {
			for name, f := range faults {
				for at := range 5 {
					c := session(s)
					c.AskCookie = ask
					t.Run(fmt.Sprintf("%x %s/cookie=%v/%s/%d", s.Version, s.Name, ask, name, at), func(t *testing.T) {
						w := newWorld(t, c, c)
						w.fault = func(fromServer bool, n int, d []byte) []arrival {
							if fromServer == (at > 2) && n == at%3 {
								return f(d)
							}
							return []arrival{{datagram: d}}
						}
						w.run(10 * time.Second)
						w.agreed()
					})
				}
			}
		}
	}
}

// TestRecordsApart: the server's flight in a datagram for each record, in every order.
func TestRecordsApart(t *testing.T) {
	orders := [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
	for _, s := range some() {
		for _, order := range orders {
			t.Run(fmt.Sprintf("%x %s/%v", s.Version, s.Name, order), func(t *testing.T) {
				c := session(s)
				w := newWorld(t, c, c)
				w.fault = func(fromServer bool, _ int, d []byte) []arrival {
					if !fromServer {
						return []arrival{{datagram: d}}
					}
					var out []arrival
					for i, r := range records(t, d) {
						out = append(out, arrival{at: time.Duration(order[i]) * time.Millisecond, datagram: r})
					}
					return out
				}
				w.run(400 * time.Millisecond)
				w.agreed()
			})
		}
	}
}

// TestFragments: hellos in fragments of one byte, backwards.
func TestFragments(t *testing.T) {
	for _, s := range some() {
		t.Run(s.Name, func(t *testing.T) {
			c := session(s)
			w := newWorld(t, c, c)
			w.fault = func(_ bool, n int, d []byte) []arrival {
				if n > 0 {
					return []arrival{{datagram: d}}
				}
				rs := records(t, d)
				f, _, err := parseFragment(rs[0][13:])
				if err != nil {
					t.Fatal(err)
				}
				var out []arrival
				for i := range f.body {
					part := f
					part.offset, part.body = i, f.body[i:i+1]
					b := part.append(nil)
					b = append(append(bytes.Clone(rs[0][:11]), 0, byte(len(b))), b...)
					out = append(out, arrival{at: time.Duration(len(f.body)-i) * time.Microsecond, datagram: b})
				}
				if len(rs) > 1 {
					out = append(out, arrival{datagram: bytes.Join(rs[1:], nil)})
				}
				return out
			}
			w.run(400 * time.Millisecond)
			w.agreed()
		})
	}
}

// TestDamage: one byte of one datagram comes damaged, any of them. Either the ends agree after all, or the client says that this is not its session; neither ever believes
// in keys that the other does not have.
func TestDamage(t *testing.T) {
	for _, s := range some() {
		for _, fromServer := range []bool{false, true} {
			for n := range 2 {
				failed := 0
				length := 1
				for at := 0; at < length; at++ {
					c := session(s)
					w := newWorld(t, c, c)
					w.fault = func(server bool, i int, d []byte) []arrival {
						if server == fromServer && i == n {
							length = len(d)
							d[at] ^= 0x41
						}
						return []arrival{{datagram: d}}
					}
					w.run(10 * time.Second)
					switch {
					case errors.Is(w.err[0], ErrNotResumed) && fromServer:
						failed++
					case w.err[0] != nil || w.err[1] != nil:
						t.Fatalf("%s, server %v, datagram %d, byte %d: %v", s.Name, fromServer, n, at, w.err)
					default:
						w.agreed()
					}
				}
				if failed > 45 { // version, session id, suite and the like
					t.Errorf("%s, server %v, datagram %d: %d of %d bytes end the handshake", s.Name, fromServer, n, failed, length)
				}
			}
		}
	}
}

// TestStorm: half of everything is lost, a third comes twice, all in any order. It works out within what the flights need, and no number seals two records.
func TestStorm(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		c := session(some()[seed%4])
		c.AskCookie = seed%3 == 0
		w := newWorld(t, c, c)
		w.fault = func(_ bool, n int, d []byte) []arrival {
			var out []arrival
			for n < 12 && r.IntN(2) == 0 || n >= 12 && len(out) == 0 {
				out = append(out, arrival{at: time.Duration(r.IntN(800)) * time.Millisecond, datagram: bytes.Clone(d)})
			}
			return out
		}
		w.run(time.Hour * 24)
		w.agreed()
	}
}

// TestLastDatagram: the client's goes again when the server repeats itself, the same bytes, and not otherwise.
func TestLastDatagram(t *testing.T) {
	for _, s := range some() {
		c := session(s)
		w := newWorld(t, c, c)
		var finals [][]byte
		w.fault = func(fromServer bool, n int, d []byte) []arrival {
			if !fromServer && n > 0 {
				finals = append(finals, bytes.Clone(d))
				if len(finals) < 3 {
					return nil
				}
			}
			return []arrival{{datagram: d}}
		}
		w.run(20 * time.Second)
		w.agreed()
		if len(finals) != 3 || !bytes.Equal(finals[0], finals[1]) || !bytes.Equal(finals[0], finals[2]) || !bytes.Equal(finals[0], w.client.Result().Repeat) {
			t.Errorf("%s: last datagrams %x", s.Name, finals)
		}
		if st, err := w.client.Tick(w.now + time.Hour); err != nil || len(st.Send) > 0 {
			t.Errorf("unasked: %v, %v", st, err)
		}
	}
}

// TestHelloNumbers: a hello that is repeated has another record number.
func TestHelloNumbers(t *testing.T) {
	c, err := NewClient(session(DTLS12[2]))
	if err != nil {
		t.Fatal(err)
	}
	s := c.Start(0)
	seen := map[uint64]bool{}
	for want := firstWait; want < 20*time.Second; want *= 2 {
		if len(s.Send) != 1 || seen[first(s.Send[0])] {
			t.Fatalf("sent %x", s.Send)
		}
		seen[first(s.Send[0])] = true
		at := s.Wake
		if s, err = c.Tick(at - 1); err != nil || len(s.Send) > 0 || s.Wake != at {
			t.Fatalf("early: %v, %v", s, err)
		}
		if s, err = c.Tick(at); err != nil || s.Wake-at != min(2*want, longest) {
			t.Fatalf("then %v, %v", s, err)
		}
	}
}

// TestFlood: what is kept for a peer that never finishes is bounded.
func TestFlood(t *testing.T) {
	c := session(DTLS12[2])
	cl, err := NewClient(c)
	if err != nil {
		t.Fatal(err)
	}
	cl.Start(0)
	for i := range 5000 {
		early := append([]byte{22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, byte(i >> 8), byte(i), 0, 200}, make([]byte, 200)...)
		part := fragment{typ: typeServerHello, seq: 0, length: maxMessage, offset: i % maxMessage, body: []byte{1}}.append(nil)
		large := fragment{typ: typeServerHello, seq: 0, length: 1 << 23, offset: 1 << 22, body: []byte{1}}.append(nil)
		for _, d := range [][]byte{
			early,
			append([]byte{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(len(part))}, part...),
			append([]byte{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(len(large))}, large...),
		} {
			if s, err := cl.Receive(d, 0); err != nil || len(s.Send) > 0 {
				t.Fatal(s, err)
			}
		}
	}
	if len(cl.held) > heldRecords || len(cl.answer.body) > maxMessage || len(cl.verify.body) > maxMessage {
		t.Errorf("kept: %d records, %d and %d bytes", len(cl.held), len(cl.answer.body), len(cl.verify.body))
	}
	s, err := NewServer(c)
	if err != nil {
		t.Fatal(err)
	}
	answers := 0
	for i := range 5000 {
		h := clientHello{version: c.Version, session: c.SessionID, suites: []uint16{c.Suite}, compressions: []byte{0}}
		h.random[0], h.random[1] = byte(i>>8), byte(i)
		st, err := s.Receive(unprotected(c, message{typeClientHello, 0, h.append(nil)}), 0)
		if err != nil {
			t.Fatal(err)
		}
		answers += len(st.Send)
	}
	if answers > maxHellos {
		t.Errorf("%d answers", answers)
	}
}

// records is a datagram's records, each with bytes of its own.
func records(t *testing.T, d []byte) (rs [][]byte) {
	t.Helper()
	for len(d) > 0 {
		_, rec, rest, err := record.Parse(d)
		if err != nil {
			t.Fatal(err)
		}
		rs, d = append(rs, bytes.Clone(rec)), rest
	}
	return rs
}
