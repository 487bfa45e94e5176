package resume

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
)

// session is a test's Config: a session id and a master secret that are nobody's.
func session(s Suite) Config {
	return Config{
		Version: s.Version, Suite: s.ID,
		SessionID: bytes.Repeat([]byte{0x5e}, maxSessionID), Master: redact.New(bytes.Repeat([]byte{0x11, 0x22, 0x33}, masterLen/3)),
	}
}

// suites is every way to speak.
func suites() []Suite {
	return slices.Concat(DTLS12, DTLS, List{{"DTLS 1.0 AES256-SHA", record.DTLS10, 0x0035}})
}

// arrival is a datagram on its way.
type arrival struct {
	at       time.Duration
	toServer bool
	datagram []byte
}

// world is two peers, a clock and the way between them. Nothing in it is real but the peers.
type world struct {
	t      *testing.T
	client *Client
	server *Server
	now    time.Duration
	way    []arrival
	wake   [2]time.Duration // of client and server; 0 none
	done   [2]bool
	err    [2]error
	count  [2]int // datagrams sent by client and server
	// fault says what becomes of the nth datagram, from 0, of a side: what arrives and when. nil: it arrives.
	fault func(fromServer bool, n int, d []byte) []arrival
	nonce map[string][]byte // what was sealed under each key and number
}

const latency = 20 * time.Millisecond

func newWorld(t *testing.T, client, server Config) *world {
	t.Helper()
	c, err := NewClient(client)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewServer(server)
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, client: c, server: s, nonce: map[string][]byte{}}
}

// sent puts what a side sent on its way.
func (w *world) sent(side int, s Step, err error) {
	if err != nil {
		w.err[side], w.wake[side] = err, 0
		return
	}
	w.wake[side], w.done[side] = s.Wake, s.Done
	for _, d := range s.Send {
		w.tap(side, d)
		n := w.count[side]
		w.count[side]++
		out := []arrival{{datagram: bytes.Clone(d)}}
		if w.fault != nil {
			out = w.fault(side == 1, n, bytes.Clone(d))
		}
		for _, a := range out {
			w.way = append(w.way, arrival{w.now + latency + a.at, side == 0, a.datagram})
		}
	}
}

// tap fails the test when a number seals two different records.
func (w *world) tap(side int, d []byte) {
	var k *keys
	if side == 0 {
		k = w.client.keys
	} else {
		k = w.server.keys
	}
	for len(d) > 0 {
		h, rec, rest, err := record.Parse(d)
		if err != nil {
			w.t.Fatalf("sent something that is no record: %x", d)
		}
		d = rest
		if h.Epoch == 0 {
			continue
		}
		id := fmt.Sprintf("%d %x %x %d", side, k.secrets.ClientRandom, k.secrets.ServerRandom, h.Seq)
		if was, ok := w.nonce[id]; ok && !bytes.Equal(was, rec) {
			w.t.Errorf("number %d sealed two records", h.Seq)
		}
		w.nonce[id] = bytes.Clone(rec)
	}
}

// run lets time pass until both are done, one has failed, or so much of it went.
func (w *world) run(limit time.Duration) {
	w.sent(0, w.client.Start(w.now), nil)
	w.sent(1, w.server.Start(w.now), nil)
	for w.err[0] == nil && w.err[1] == nil && (!w.done[0] || !w.done[1]) {
		next, what := limit, -1
		for i, a := range w.way {
			if a.at < next {
				next, what = a.at, i
			}
		}
		for side, at := range w.wake {
			if at > 0 && at < next {
				next, what = at, -2-side
			}
		}
		if what == -1 {
			return
		}
		w.now = next
		switch what {
		case -2:
			s, err := w.client.Tick(w.now)
			w.sent(0, s, err)
		case -3:
			s, err := w.server.Tick(w.now)
			w.sent(1, s, err)
		default:
			a := w.way[what]
			w.way = slices.Delete(w.way, what, what+1)
			if a.toServer {
				s, err := w.server.Receive(a.datagram, w.now)
				w.sent(1, s, err)
			} else {
				s, err := w.client.Receive(a.datagram, w.now)
				w.sent(0, s, err)
			}
		}
	}
}

// agreed fails the test unless both are done and can speak to each other.
func (w *world) agreed() {
	w.t.Helper()
	if err := errors.Join(w.err[:]...); err != nil || !w.done[0] || !w.done[1] {
		w.t.Fatalf("after %v: client done %v, server done %v: %v", w.now, w.done[0], w.done[1], err)
	}
	client, server := w.client.Result(), w.server.Result()
	if len(client.Repeat) == 0 || server.Repeat != nil {
		w.t.Errorf("%d and %d bytes to repeat", len(client.Repeat), len(server.Repeat))
	}
	talk(w.t, client.Secrets, server.Secrets)
	talk(w.t, server.Secrets, client.Secrets)
	if client.Secrets.NextSeq != 1 || server.Secrets.NextSeq == 0 || client.Secrets.PeerSeq == 0 || server.Secrets.PeerSeq != 1 {
		w.t.Errorf("client next %d, peer %d; server next %d, peer %d", client.Secrets.NextSeq, client.Secrets.PeerSeq, server.Secrets.NextSeq, server.Secrets.PeerSeq)
	}
}

// talk sends a packet from one end to the other.
func talk(t *testing.T, from, to record.Secrets) {
	t.Helper()
	seal, _, err := record.New(from)
	if err != nil {
		t.Fatal(err)
	}
	_, open, err := record.New(to)
	if err != nil {
		t.Fatal(err)
	}
	slot := make([]byte, record.Headroom+5+record.Tailroom)
	copy(slot[record.Headroom:], "hello")
	sealed, err := seal.Seal(record.TypeData, slot, record.Headroom, 5)
	if err != nil {
		t.Fatal(err)
	}
	h, rec, _, err := record.Parse(sealed)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := open.Open(nil, h, rec); err != nil || string(plain) != "hello" {
		t.Errorf("%q, %v", plain, err)
	}
}

// first is the number of a datagram's first record.
func first(d []byte) uint64 { return binary.BigEndian.Uint64(d[3:]) }
