package record

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/redact"
)

// datagrams returns who sent what in a captured exchange.
func datagrams(t *testing.T) (from []string, data [][]byte) {
	t.Helper()
	text, err := os.ReadFile("testdata/legacy-dtls.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		who, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		from, data = append(from, who), append(data, b)
	}
	return from, data
}

// capturedMaster is the X-DTLS-Master-Secret of the exchange in testdata: openconnect 9 resumed a session of ocserv with AES256-GCM-SHA384.
const capturedMaster = "24995CC0142AB5BFF08077B87437AC2371123CCA2198248DFB8BFCA1E61E4AEF508CB67C9F9F22412554C7E3D7AA9069"

// TestCapturedExchange: every protected record of a real exchange opens, Finished messages hold what PRF and Digest say, and sealing the same plaintext under the same
// number gives the same bytes.
func TestCapturedExchange(t *testing.T) {
	master, err := hex.DecodeString(capturedMaster)
	if err != nil {
		t.Fatal(err)
	}
	from, data := datagrams(t)
	const random = HeaderLen + 12 + 2 // behind record header, handshake header and version
	s := Secrets{Version: DTLS12, Suite: 0x009d, Master: redact.New(master), Epoch: 1}
	copy(s.ClientRandom[:], data[0][random:])
	copy(s.ServerRandom[:], data[1][random:])
	ends := map[string]*Opener{}
	again := map[string]*Sealer{}
	for _, client := range []bool{true, false} {
		s.Client = client
		seal, open, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		self, peer := "client", "server"
		if !client {
			self, peer = peer, self
		}
		again[self], ends[peer] = seal, open
	}
	var transcript []byte
	opened := 0
	for i, d := range data {
		for rest := d; len(rest) > 0; {
			h, rec, more, err := Parse(rest)
			if err != nil {
				t.Fatalf("datagram %d: %v", i, err)
			}
			rest = more
			if h.Epoch == 0 {
				if h.Type == TypeHandshake {
					transcript = append(transcript, rec[HeaderLen:]...)
				}
				continue
			}
			want := bytes.Clone(rec)
			plain, err := ends[from[i]].Open(nil, h, rec)
			if err != nil {
				t.Fatalf("datagram %d: %v", i, err)
			}
			opened++
			if h.Type == TypeHandshake {
				label := from[i] + " finished"
				if verify := PRF(DTLS12, s.Suite, master, label, Digest(DTLS12, s.Suite, transcript), 12); !bytes.Equal(plain[12:], verify) {
					t.Errorf("%s: %x, want %x", label, plain[12:], verify)
				}
				transcript = append(transcript, plain...)
			}
			again[from[i]].next.Store(h.Seq)
			slot := make([]byte, Headroom+len(plain)+Tailroom)
			n := copy(slot[Headroom:], plain)
			if got, err := again[from[i]].Seal(h.Type, slot, Headroom, n); err != nil || !bytes.Equal(got, want) {
				t.Errorf("datagram %d sealed again: %x, %v, want %x", i, got, err, want)
			}
		}
	}
	if opened < 20 {
		t.Errorf("%d records", opened)
	}
}
