package resume

import (
	"bytes"
	"encoding/hex"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
)

// exchange is what two foreign programs said to each other.
type exchange struct {
	master redact.Secret
	lines  []line
}

type line struct {
	client   bool
	datagram []byte
}

func captured(t *testing.T, name string) exchange {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var e exchange
	for l := range strings.Lines(string(text)) {
		who, digits, _ := strings.Cut(strings.TrimSpace(l), " ")
		if who == "#" {
			continue
		}
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		if who == "master" {
			e.master = redact.New(b)
			continue
		}
		e.lines = append(e.lines, line{who == "client", b})
	}
	return e
}

// TestCaptured: hellos of others are read and written without a difference, and with the secret of that connection both their Finished messages verify, and their packets open.
func TestCaptured(t *testing.T) {
	for _, name := range captures(t, "") {
		t.Run(name, func(t *testing.T) { readCaptured(t, captured(t, name)) })
	}
}

// captures lists the files whose names begin like that.
func captures(t *testing.T, prefix string) (names []string) {
	t.Helper()
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasPrefix(f.Name(), prefix) && !f.IsDir() {
			names = append(names, f.Name())
		}
	}
	if len(names) < 3 {
		t.Fatalf("captures: %v", names)
	}
	return names
}

// TestAgainstGnuTLS plays one role anew, with the random numbers it drew then, against what GnuTLS sent in the other: the hello is the same, byte for byte, and so is the last flight where
// no initial vector is drawn.
func TestAgainstGnuTLS(t *testing.T) {
	for _, name := range captures(t, "gnutls-") {
		t.Run(name, func(t *testing.T) {
			e := captured(t, name)
			var ours, theirs [][]byte
			client := strings.HasPrefix(name, "gnutls-server")
			for _, l := range e.lines {
				if l.datagram[0] == byte(record.TypeData) {
					continue
				}
				if l.client == client {
					ours = append(ours, l.datagram)
				} else {
					theirs = append(theirs, l.datagram)
				}
			}
			if p := replayed(t, e, ours, client); client {
				again(t, p, ours, theirs, p.Start(0))
			} else {
				again(t, p, ours, theirs, Step{})
			}
		})
	}
}

// replayed is our role of an exchange.
func replayed(t *testing.T, e exchange, ours [][]byte, client bool) Peer {
	t.Helper()
	c := Config{Master: e.master}
	if client {
		h, err := parseClientHello(ours[0][record.HeaderLen+messageHeader:])
		if err != nil {
			t.Fatal(err)
		}
		c.Version, c.Suite, c.SessionID, c.random = h.version, h.suites[0], h.session, bytes.NewReader(h.random[:])
		p, err := NewClient(c)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	f, _, err := parseFragment(ours[0][record.HeaderLen:])
	if err != nil {
		t.Fatal(err)
	}
	v, err := parseHelloVerify(f.body)
	if err != nil {
		t.Fatal(err)
	}
	if f, _, err = parseFragment(records(t, ours[1])[0][record.HeaderLen:]); err != nil {
		t.Fatal(err)
	}
	h, err := parseServerHello(f.body)
	if err != nil {
		t.Fatal(err)
	}
	c.Version, c.Suite, c.SessionID, c.AskCookie = h.version, h.suite, h.session, true
	c.random = io.MultiReader(bytes.NewReader(v.cookie), bytes.NewReader(h.random[:]))
	p, err := NewServer(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// again gives p what the other end sent and compares what p sends.
func again(t *testing.T, p Peer, ours, theirs [][]byte, s Step) {
	t.Helper()
	sent := s.Send
	for _, d := range theirs {
		var err error
		if s, err = p.Receive(bytes.Clone(d), 0); err != nil {
			t.Fatal(err)
		}
		sent = append(sent, s.Send...)
	}
	if !s.Done || len(sent) != len(ours) {
		t.Fatalf("done %v, %d datagrams of %d", s.Done, len(sent), len(ours))
	}
	for i := range sent {
		r, was := records(t, sent[i]), records(t, ours[i])
		for j := range r {
			drawn := r[j][4] == 1 && record.Weak(p.Result().Secrets.Suite) // protected, with an initial vector
			if len(r[j]) != len(was[j]) || !drawn && !bytes.Equal(r[j], was[j]) {
				t.Errorf("datagram %d, record %d: %x, then it was %x", i, j, r[j], was[j])
			}
		}
	}
}

// reading is what readCaptured knows so far.
type reading struct {
	side
	secrets        record.Secrets
	client, server *keys
	theirs         []byte // the server's Finished, covered by the client's
	finished       int
	packets        int
}

func readCaptured(t *testing.T, e exchange) {
	r := reading{side: side{Config: Config{Master: e.master}}}
	for _, l := range e.lines {
		for _, b := range records(t, l.datagram) {
			h, rec, _, err := record.Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case h.Type == record.TypeHandshake && h.Epoch == 0:
				r.hellos(t, rec[record.HeaderLen:], l.client)
			case h.Epoch == 1:
				r.sealed(t, h, rec, l.client)
			}
		}
	}
	if r.finished != 2 || r.packets == 0 {
		t.Errorf("%d Finished messages, %d packets", r.finished, r.packets)
	}
}

func (r *reading) hellos(t *testing.T, b []byte, client bool) {
	f, rest, err := parseFragment(b)
	if err != nil || len(rest) > 0 {
		t.Fatal(err)
	}
	m := message{f.typ, f.seq, f.body}
	switch {
	case f.typ == typeHelloVerify:
		roundTrip(t, f.body, parseHelloVerify, (*helloVerify).append)
	case client:
		hello := roundTrip(t, f.body, parseClientHello, (*clientHello).append)
		r.Version, r.secrets.ClientRandom = hello.version, hello.random
		r.hello[0] = r.covered(m)
	default:
		hello := roundTrip(t, f.body, parseServerHello, (*serverHello).append)
		r.Suite, r.secrets.ServerRandom = hello.suite, hello.random
		r.hello[1] = r.covered(m)
		r.secrets.Version, r.secrets.Suite, r.secrets.Master, r.secrets.Epoch = r.Version, r.Suite, r.Master, 1
		r.client, r.server = opposite(t, r.secrets, false), opposite(t, r.secrets, true)
	}
}

func (r *reading) sealed(t *testing.T, h record.Header, rec []byte, client bool) {
	k, label := r.server, labelServer
	if client {
		k, label = r.client, labelClient
	}
	plain, err := k.open(h, rec)
	if err != nil {
		t.Fatal(err)
	}
	if h.Type == record.TypeData {
		r.packets++
		return
	}
	f, _, err := parseFragment(plain)
	if err != nil {
		t.Fatal(err)
	}
	if !same(f.body, r.verifyData(label, r.theirs)) {
		t.Errorf("the Finished message of %q does not verify", label)
	}
	r.theirs = r.covered(message{f.typ, f.seq, f.body})
	r.finished++
}

// opposite is what opens for one end.
func opposite(t *testing.T, s record.Secrets, client bool) *keys {
	t.Helper()
	s.Client = client
	k, err := newKeys(s)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func roundTrip[T any](t *testing.T, b []byte, parse func([]byte) (T, error), appended func(T, []byte) []byte) T {
	t.Helper()
	v, err := parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if again := appended(v, nil); !bytes.Equal(again, b) {
		t.Errorf("%x became %x", b, again)
	}
	return v
}
