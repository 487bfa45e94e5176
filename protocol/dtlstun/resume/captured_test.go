package resume

import (
	"bytes"
	"encoding/hex"
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
	for _, name := range []string{"openconnect-ocserv-12.txt"} {
		t.Run(name, func(t *testing.T) { readCaptured(t, captured(t, name)) })
	}
}

func readCaptured(t *testing.T, e exchange) {
	var s side
	s.Master = e.master
	var secrets record.Secrets
	var client, server *keys
	finished, packets := 0, 0
	var theirs []byte // the server's Finished, covered by the client's
	for _, l := range e.lines {
		for _, b := range records(t, l.datagram) {
			h, rec, _, err := record.Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			k := server
			if l.client {
				k = client
			}
			switch {
			case h.Type == record.TypeHandshake && h.Epoch == 0:
				f, rest, err := parseFragment(rec[record.HeaderLen:])
				if err != nil || len(rest) > 0 {
					t.Fatal(err)
				}
				m := message{f.typ, f.seq, f.body}
				if l.client {
					hello := roundTrip(t, f.body, parseClientHello, (*clientHello).append)
					s.Version, secrets.ClientRandom = hello.version, hello.random
					s.hello[0] = s.covered(m)
					continue
				}
				hello := roundTrip(t, f.body, parseServerHello, (*serverHello).append)
				s.Suite, secrets.ServerRandom = hello.suite, hello.random
				s.hello[1] = s.covered(m)
				secrets.Version, secrets.Suite, secrets.Master, secrets.Epoch = s.Version, s.Suite, s.Master, 1
				client, server = opposite(t, secrets, false), opposite(t, secrets, true)
			case h.Type == record.TypeHandshake:
				plain, err := k.open(h, rec)
				if err != nil {
					t.Fatal(err)
				}
				f, _, err := parseFragment(plain)
				if err != nil {
					t.Fatal(err)
				}
				label := labelServer
				if l.client {
					label = labelClient
				}
				if !same(f.body, s.verifyData(label, theirs)) {
					t.Errorf("%s does not verify", label)
				}
				theirs = s.covered(message{f.typ, f.seq, f.body})
				finished++
			case h.Type == record.TypeData:
				if _, err := k.open(h, rec); err != nil {
					t.Error(err)
				}
				packets++
			}
		}
	}
	if finished != 2 || packets == 0 {
		t.Errorf("%d Finished messages, %d packets", finished, packets)
	}
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
