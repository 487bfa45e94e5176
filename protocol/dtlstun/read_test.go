package dtlstun

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// versions are every kind of protection that a channel may have.
var versions = []struct{ version, suite uint16 }{
	{record.DTLS12, 0x009c}, {record.DTLS12, 0x009d}, {record.DTLS12, 0xc030}, {record.DTLS12, 0x002f}, {record.DTLS10, 0x0035}, {record.DTLSCisco, 0x002f},
}

// TestBatches: packets of all sizes go both ways under every protection, in order, and many come with one call.
func TestBatches(t *testing.T) {
	for _, v := range versions {
		t.Run(record.Name(v.version, v.suite), func(t *testing.T) {
			c, s := established(t, v.version, v.suite, Config{}, Config{})
			for _, d := range []struct{ from, to *Channel }{{c, s}, {s, c}} {
				out, in := packet.New(100, 1500), packet.New(128, 1500)
				for i := range 100 {
					out.Append(bytes.Repeat([]byte{byte(i)}, []int{1400, 1400, 1400, 700, 52}[i%5]))
				}
				if err := d.from.WriteBatch(out); err != nil {
					t.Fatal(err)
				}
				for in.Len() < 100 {
					if err := d.to.ReadBatch(in); err != nil {
						t.Fatal(err)
					}
				}
				for i := range 100 {
					if want := bytes.Repeat([]byte{byte(i)}, []int{1400, 1400, 1400, 700, 52}[i%5]); !bytes.Equal(in.Packet(i), want) {
						t.Fatalf("packet %d is %d bytes of %x", i, len(in.Packet(i)), in.Packet(i)[0])
					}
				}
			}
		})
	}
}

// raw is the other end of a channel as somebody who can send anything.
type raw struct {
	t    *testing.T
	seal *record.Sealer
	conn net.Conn
	sent []byte
}

func (r *raw) send(b []byte) {
	r.t.Helper()
	r.sent = bytes.Clone(b)
	if _, err := r.conn.Write(b); err != nil {
		r.t.Fatal(err)
	}
}

// say seals and sends.
func (r *raw) say(t record.Type, plain []byte) {
	r.t.Helper()
	slot := append(append(make([]byte, record.Headroom), plain...), make([]byte, record.Tailroom)...)
	rec, err := r.seal.Seal(t, slot, record.Headroom, len(plain))
	if err != nil {
		r.t.Fatal(err)
	}
	r.send(rec)
}

// TestWhatIsDropped: what was not sealed for this channel changes nothing, whatever it says.
func TestWhatIsDropped(t *testing.T) {
	c, s := established(t, record.DTLS12, 0x009d, Config{}, Config{})
	r := &raw{t: t, seal: s.seal, conn: s.sock.Conn()}
	in := packet.New(4, 1500)
	data := func(p string) {
		t.Helper()
		r.say(record.TypeData, append([]byte{byte(TypeData)}, p...))
		in.Reset()
		if err := c.ReadBatch(in); err != nil || in.Len() != 1 || string(in.Packet(0)) != p {
			t.Fatalf("%q: %d packets, %v", p, in.Len(), err)
		}
	}
	data("first")
	replay := r.sent
	r.send(replay)
	data("after a replay")
	open := func(t record.Type, epoch uint16, body string) []byte {
		return append(record.Header{Type: t, Version: record.DTLS12, Epoch: epoch, Seq: 9}.Append(nil, len(body)), body...)
	}
	r.send(open(record.TypeAlert, 0, "\x02\x28"))
	r.send(open(record.TypeAlert, 1, "\x01\x00"))
	r.send(open(record.TypeHandshake, 0, "\x0e\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	r.send(open(record.TypeChangeCipherSpec, 0, "\x01"))
	r.send(open(record.TypeData, 0, "\x09"))
	r.send([]byte("what is this"))
	r.send(record.Header{Type: record.TypeData, Version: record.DTLS12, Epoch: 1}.Append(nil, 60000))
	data("after what is not sealed")
	r.say(record.TypeAlert, []byte{1, 90})
	r.say(record.TypeAlert, []byte{1})
	r.say(record.TypeHandshake, bytes.Repeat([]byte{20}, 24))
	r.say(record.TypeChangeCipherSpec, []byte{1})
	r.say(record.TypeData, nil)
	r.say(99, []byte("?"))
	data("after what is of no interest")
	// Several records in one datagram are several frames.
	var both []byte
	for _, p := range []string{"one", "two"} {
		slot := append(append(make([]byte, record.Headroom), append([]byte{0}, p...)...), make([]byte, record.Tailroom)...)
		rec, err := s.seal.Seal(record.TypeData, slot, record.Headroom, 4)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, rec...)
	}
	r.send(both)
	in.Reset()
	if err := c.ReadBatch(in); err != nil || in.Len() != 2 || string(in.Packet(0)) != "one" || string(in.Packet(1)) != "two" {
		t.Errorf("%d packets, %v", in.Len(), err)
	}
}

// TestEnds: what ends a channel is authentic, and comes after the packets before it.
func TestEnds(t *testing.T) {
	for _, c := range []struct {
		name  string
		kind  record.Type
		plain []byte
	}{
		{"close_notify", record.TypeAlert, []byte{1, 0}},
		{"a fatal alert", record.TypeAlert, []byte{2, 20}},
		{"DISCONNECT", record.TypeData, []byte{byte(TypeDisconnect), 0xb0}},
		{"TERMINATE", record.TypeData, []byte{byte(TypeTerminate)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ch, s := established(t, record.DTLS12, 0x009d, Config{}, Config{})
			r := &raw{t: t, seal: s.seal, conn: s.sock.Conn()}
			r.say(record.TypeData, append([]byte{0}, "a packet"...))
			r.say(c.kind, c.plain)
			in := packet.New(4, 1500)
			if err := ch.ReadBatch(in); err != nil || in.Len() != 1 {
				t.Fatalf("%d packets, %v", in.Len(), err)
			}
			for range 2 {
				in.Reset()
				if err := ch.ReadBatch(in); !errors.Is(err, ErrClosed) || in.Len() != 0 {
					t.Errorf("%d packets, %v", in.Len(), err)
				}
			}
		})
	}
	t.Run("Close", func(t *testing.T) {
		c, s := established(t, record.DTLS12, 0x009d, Config{}, Config{})
		_ = c.Close()
		_ = c.Close()
		if err := s.ReadBatch(packet.New(1, 1500)); !errors.Is(err, ErrClosed) {
			t.Errorf("the peer: %v", err)
		}
	})
}

// TestRepeat: whoever misses our last flight gets the same bytes again, so often and no more, and not after data was exchanged.
func TestRepeat(t *testing.T) {
	for _, client := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			flight := []byte("the last flight")
			a, b := net.Pipe()
			c, err := Established(a, testSecrets(record.DTLS12, 0x009d, client), "", Config{Repeat: flight, Heard: quiet})
			if err != nil {
				t.Fatal(err)
			}
			seal, _, err := record.New(testSecrets(record.DTLS12, 0x009d, !client))
			if err != nil {
				t.Fatal(err)
			}
			go drain(c)
			var flights int
			go func() {
				for d := make([]byte, 2048); ; flights++ {
					n, err := b.Read(d)
					if err != nil {
						return
					}
					if !bytes.Equal(d[:n], flight) {
						t.Errorf("sent %x", d[:n])
					}
				}
			}()
			expect := func(n int, what string) {
				t.Helper()
				if synctest.Wait(); flights != n {
					t.Errorf("%s: answered %d times in all, want %d", what, flights, n)
				}
			}
			r := &raw{t: t, seal: seal, conn: b}
			for _, epoch := range []uint16{0, 1} {
				r.send(append(record.Header{Type: record.TypeHandshake, Version: record.DTLS12, Epoch: epoch, Seq: 5}.Append(nil, 40), make([]byte, 40)...))
			}
			expect(0, "forged flights")
			r.say(record.TypeHandshake, make([]byte, 24))
			expect(1, "a flight")
			r.send(r.sent)
			expect(2, "with its old number")
			if client {
				for range 3 * maxRepeats {
					r.send(r.sent)
				}
				expect(maxRepeats, "many")
			} else {
				r.say(record.TypeData, []byte{byte(TypeKeepalive)})
				r.say(record.TypeHandshake, make([]byte, 24))
				expect(2, "after data")
			}
			b.Close()
			c.Close()
		})
	}
}

// TestHeard: control frames are told one by one, DATA once a call.
func TestHeard(t *testing.T) {
	var heard []Type
	c, s := established(t, record.DTLS12, 0x009d, Config{Heard: func(k Type, _ []byte) { heard = append(heard, k) }}, Config{})
	out := packet.New(8, 1500)
	for out.Append(make([]byte, 100)) {
	}
	if err := errors.Join(s.WriteControl(TypeKeepalive, nil), s.WriteBatch(out), s.WriteControl(TypeDPDReq, []byte("?"))); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	for in := packet.New(16, 1500); ; in.Reset() {
		if err := c.ReadBatch(in); err != nil {
			break
		}
	}
	data := 0
	heard = slices.DeleteFunc(heard, func(k Type) bool {
		if k == TypeData {
			data++
		}
		return k == TypeData
	})
	if !slices.Equal(heard, []Type{TypeKeepalive, TypeDPDReq}) || data < 1 || data > 8 {
		t.Errorf("heard %v and data %d times", heard, data)
	}
}

func TestNoAllocations(t *testing.T) {
	c, s := established(t, record.DTLS12, 0x009d, Config{}, Config{})
	out, in := packet.New(40, 1500), packet.New(64, 1500)
	turn := func() {
		out.Reset()
		for !out.Full() {
			out.Next()
			out.Commit(1400)
		}
		if err := c.WriteBatch(out); err != nil {
			t.Fatal(err)
		}
		for in.Reset(); in.Len() < 40; {
			if err := s.ReadBatch(in); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 20 {
		turn()
	}
	if n := testing.AllocsPerRun(50, turn); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzDatagram: whatever comes, a channel neither panics nor takes anything for a packet that its peer did not seal.
func FuzzDatagram(f *testing.F) {
	seal := func(t record.Type, plain []byte) []byte {
		s, _, err := record.New(testSecrets(record.DTLS12, 0x009d, false))
		if err != nil {
			f.Fatal(err)
		}
		slot := append(append(make([]byte, record.Headroom), plain...), make([]byte, record.Tailroom)...)
		rec, err := s.Seal(t, slot, record.Headroom, len(plain))
		if err != nil {
			f.Fatal(err)
		}
		return rec
	}
	good := seal(record.TypeData, append([]byte{0}, "a packet"...))
	f.Add(good)
	f.Add(append(bytes.Clone(good), seal(record.TypeAlert, []byte{1, 0})...))
	f.Add(seal(record.TypeHandshake, make([]byte, 24)))
	f.Add(good[:20])
	c, _ := established(f, record.DTLS12, 0x009d, Config{}, Config{})
	f.Fuzz(func(t *testing.T, d []byte) {
		_, open, err := record.New(testSecrets(record.DTLS12, 0x009d, true))
		if err != nil {
			t.Fatal(err)
		}
		c.open = open
		b := packet.New(2, 1500)
		_ = c.datagram(b, bytes.Clone(d))
		if b.Len() > 0 && !bytes.Contains(d, good) {
			t.Fatalf("a packet %x came of %x", b.Packet(0), d)
		}
	})
}
