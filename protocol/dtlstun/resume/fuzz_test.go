package resume

import (
	"bytes"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
)

// fuzzBody holds a parser to its promise: what it takes it can write again, byte for byte.
func fuzzBody[T any](f *testing.F, parse func([]byte) (T, error), appended func(T, []byte) []byte, seeds ...[]byte) {
	for _, s := range seeds {
		f.Add(s)
		f.Add(s[:len(s)/2])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := parse(b)
		if err != nil {
			return
		}
		if again := appended(v, nil); !bytes.Equal(again, b) {
			t.Errorf("%x became %x", b, again)
		}
	})
}

func FuzzClientHello(f *testing.F) {
	h := clientHello{version: record.DTLS12, session: make([]byte, 32), cookie: make([]byte, 20), suites: []uint16{0x9d, 0x9c}, compressions: []byte{0}}
	extended := h
	extended.extensions = []byte{0, 4, 0, 0x17, 0, 0}
	fuzzBody(f, parseClientHello, (*clientHello).append, h.append(nil), extended.append(nil))
}

func FuzzServerHello(f *testing.F) {
	h := serverHello{version: record.DTLS12, session: make([]byte, 32), suite: 0x9d}
	extended := h
	extended.extensions = []byte{0, 4, 0, 0x17, 0, 0}
	fuzzBody(f, parseServerHello, (*serverHello).append, h.append(nil), extended.append(nil))
}

func FuzzHelloVerify(f *testing.F) {
	fuzzBody(f, parseHelloVerify, (*helloVerify).append, (&helloVerify{record.DTLS12, make([]byte, 20)}).append(nil))
}

func FuzzFragment(f *testing.F) {
	f.Add(message{typeFinished, 1, make([]byte, verifyLen)}.append(nil))
	f.Add(fragment{typ: typeServerHello, seq: 1, length: 70, offset: 30, body: make([]byte, 40)}.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, rest, err := parseFragment(b)
		if err != nil {
			return
		}
		if again := append(p.append(nil), rest...); !bytes.Equal(again, b) {
			t.Errorf("%x became %x", b, again)
		}
		var a assembly
		if m, whole := a.add(p); whole && (len(m.body) != p.length || p.length > maxMessage) {
			t.Errorf("a message of %d bytes", len(m.body))
		}
	})
}

// FuzzPeers gives both roles datagrams of anybody's in the middle of a handshake. Neither may panic, agree with nobody, or send more than it may.
func FuzzPeers(f *testing.F) {
	c := session(DTLS12[2])
	f.Add(hello(c, func(*serverHello) {}), []byte{20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1}, true)
	f.Add(unprotected(c, message{typeHelloVerify, 0, (&helloVerify{c.Version, make([]byte, 20)}).append(nil)}), []byte{}, false)
	f.Add(unprotected(c, message{typeFinished, 1, make([]byte, 12)}), append([]byte{22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 0, 48}, make([]byte, 48)...), true)
	f.Fuzz(func(t *testing.T, one, two []byte, started bool) {
		cl, err := NewClient(c)
		if err != nil {
			t.Fatal(err)
		}
		s, err := NewServer(c)
		if err != nil {
			t.Fatal(err)
		}
		greeting := cl.Start(0).Send[0]
		if started {
			if _, err := s.Receive(greeting, 0); err != nil {
				t.Fatal(err)
			}
		}
		for i, d := range [][]byte{one, two, one} {
			at := time.Duration(i) * time.Second
			if st, err := cl.Receive(bytes.Clone(d), at); err == nil && (st.Done || len(st.Send) > maxRecords) {
				t.Fatalf("client: %+v", st)
			}
			if st, err := s.Receive(bytes.Clone(d), at); err == nil && st.Done {
				t.Fatalf("server: %+v", st)
			}
		}
	})
}
