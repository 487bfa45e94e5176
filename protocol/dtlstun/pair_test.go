package dtlstun

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"net"
	"sync"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
)

// sockets returns two connected sockets on loopback.
func sockets(t testing.TB) (a, b net.Conn) {
	t.Helper()
	l, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	at := l.LocalAddr().(*net.UDPAddr)
	if a, err = net.DialUDP("udp", nil, at); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if b, err = net.DialUDP("udp", at, a.LocalAddr().(*net.UDPAddr)); err != nil {
		t.Fatal(err)
	}
	return a, b
}

// testSecrets are what a handshake might hand over.
func testSecrets(version, suite uint16, client bool) record.Secrets {
	s := record.Secrets{Version: version, Suite: suite, Master: redact.New(bytes.Repeat([]byte{0x5a}, 48)), Client: client, Epoch: 1, NextSeq: 1, PeerSeq: 1}
	s.ClientRandom[0], s.ServerRandom[0] = 1, 2
	return s
}

// established returns both ends of a channel that had no handshake.
func established(t testing.TB, version, suite uint16, client, server Config) (c, s *Channel) {
	t.Helper()
	a, b := sockets(t)
	for _, one := range []*Config{&client, &server} {
		if one.Heard == nil {
			one.Heard = quiet
		}
	}
	c, err := Established(a, testSecrets(version, suite, true), record.Name(version, suite), client)
	if err != nil {
		t.Fatal(err)
	}
	s, err = Established(b, testSecrets(version, suite, false), record.Name(version, suite), server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); s.Close() })
	return c, s
}

// wiretap sees every record that is sealed, and mistreats datagrams on their way out.
type wiretap struct {
	net.Conn
	twice bool // each datagram goes twice

	mu    sync.Mutex
	lose  int // so many, from the first on
	final int // so many with a ChangeCipherSpec
	seen  map[uint64][sha256.Size]byte
	used  map[uint64]bool // nonces that came again for something else
}

func tap(conn net.Conn) *wiretap {
	return &wiretap{Conn: conn, seen: map[uint64][sha256.Size]byte{}, used: map[uint64]bool{}}
}

func (w *wiretap) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	final := false
	for rest := p; ; {
		h, rec, more, err := record.Parse(rest)
		if err != nil {
			break
		}
		rest = more
		final = final || h.Type == record.TypeChangeCipherSpec
		if h.Epoch == 0 {
			continue
		}
		// The same bytes again give nothing away: that is a datagram repeated.
		nonce, sum := binary.BigEndian.Uint64(rec[record.HeaderLen:]), sha256.Sum256(rec)
		if was, ok := w.seen[nonce]; ok && was != sum {
			w.used[nonce] = true
		}
		w.seen[nonce] = sum
	}
	for _, n := range []*int{&w.lose, &w.final} {
		if *n > 0 && (n == &w.lose || final) {
			*n--
			return len(p), nil
		}
	}
	if w.twice {
		_, _ = w.Conn.Write(p)
	}
	return w.Conn.Write(p)
}

// check holds a side to its nonces.
func (w *wiretap) check(t *testing.T, side string, least int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.seen) < least {
		t.Errorf("%s: %d sealed records were seen, want %d", side, len(w.seen), least)
	}
	for nonce := range w.used {
		t.Errorf("%s: nonce %x was used twice", side, nonce)
	}
}
