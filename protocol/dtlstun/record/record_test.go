package record

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/redact"
)

// secrets are those of a test's handshake.
func secrets(version, id uint16, client bool) Secrets {
	s := Secrets{Version: version, Suite: id, Master: redact.New(bytes.Repeat([]byte{0x5a}, masterLen)), Client: client, Epoch: 1}
	for i := range s.ClientRandom {
		s.ClientRandom[i], s.ServerRandom[i] = byte(i), byte(0xff-i)
	}
	return s
}

// pair returns both ends of one direction: client to server.
func pair(t testing.TB, version, id uint16) (*Sealer, *Opener) {
	t.Helper()
	seal, _, err := New(secrets(version, id, true))
	if err != nil {
		t.Fatal(err)
	}
	_, open, err := New(secrets(version, id, false))
	if err != nil {
		t.Fatal(err)
	}
	return seal, open
}

// kinds are all pairs of version and construction.
var kinds = []struct{ version, id uint16 }{
	{DTLS12, 0x009c}, {DTLS12, 0x009d}, {DTLS12, 0x00a8}, {DTLS12, 0x00a9}, {DTLS12, 0xc030},
	{DTLS12, 0x002f}, {DTLS12, 0x0035}, {DTLS10, 0x002f}, {DTLS10, 0x0035}, {DTLSCisco, 0x002f}, {DTLSCisco, 0x0039},
}

// slotOf lays a plaintext out as Seal wants it.
func slotOf(plain []byte) []byte {
	return append(append(make([]byte, Headroom), plain...), make([]byte, Tailroom)...)
}

func TestRoundTrip(t *testing.T) {
	for _, k := range kinds {
		t.Run(Name(k.version, k.id), func(t *testing.T) {
			seal, open := pair(t, k.version, k.id)
			for n := range 100 {
				plain := bytes.Repeat([]byte{byte(n)}, n)
				rec, err := seal.Seal(TypeData, slotOf(plain), Headroom, n)
				if err != nil || len(rec) > n+seal.Overhead() {
					t.Fatalf("%d bytes became %d, %v", n, len(rec), err)
				}
				h, one, rest, err := Parse(rec)
				if err != nil || len(rest) != 0 || h != (Header{TypeData, k.version, 1, uint64(n)}) {
					t.Fatalf("%+v, %d left, %v", h, len(rest), err)
				}
				var dst []byte // every other record is opened in place
				if n%2 == 0 {
					dst = make([]byte, n+1)
				}
				if got, err := open.Open(dst, h, one); err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("%d bytes: %x, %v", n, got, err)
				}
			}
		})
	}
}

// TestWhatDoesNotOpen: a record is its own in every bit, in one direction, epoch and version, once, and where it has room.
func TestWhatDoesNotOpen(t *testing.T) {
	for _, k := range kinds {
		t.Run(Name(k.version, k.id), func(t *testing.T) {
			seal, open := pair(t, k.version, k.id)
			record := func() []byte {
				rec, err := seal.Seal(TypeData, slotOf([]byte("a packet")), Headroom, 8)
				if err != nil {
					t.Fatal(err)
				}
				return rec
			}
			try := func(o *Opener, dst, b []byte) error {
				b = bytes.Clone(b)
				h, rec, _, err := Parse(b)
				if err == nil {
					_, err = o.Open(dst, h, rec)
				}
				return err
			}
			rec := record()
			for bit := range 8 * len(rec) {
				bad := bytes.Clone(rec)
				bad[bit/8] ^= 1 << (bit % 8)
				if try(open, nil, bad) == nil {
					t.Fatalf("bit %d may change", bit)
				}
			}
			for n := range len(rec) - HeaderLen {
				short := Header{TypeData, k.version, 1, 0}.Append(nil, n)
				if err := try(open, nil, append(short, rec[HeaderLen:HeaderLen+n]...)); !errors.Is(err, ErrForged) {
					t.Fatalf("%d bytes of it: %v", n, err)
				}
			}
			if err := try(open, make([]byte, 7), rec); !errors.Is(err, ErrRoom) {
				t.Errorf("no room: %v", err)
			}
			_, mirror, _ := New(secrets(k.version, k.id, true))
			if err := try(mirror, nil, rec); !errors.Is(err, ErrForged) {
				t.Errorf("our own record: %v", err)
			}
			if err := try(open, nil, rec); err != nil {
				t.Fatal(err)
			}
			if err := try(open, nil, rec); !errors.Is(err, ErrReplay) {
				t.Errorf("again: %v", err)
			}
			other := record()
			other[4]++
			if err := try(open, nil, other); !errors.Is(err, ErrForeign) {
				t.Errorf("another epoch: %v", err)
			}
		})
	}
}

// TestNumbers: the first number is the one that was said, none comes twice whoever seals, and there is an end.
func TestNumbers(t *testing.T) {
	s := secrets(DTLS12, 0x009d, true)
	s.NextSeq = 7
	seal, _, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	if seal.Next() != 7 {
		t.Errorf("the first number is %d", seal.Next())
	}
	const each, workers = 2000, 8
	var mu sync.Mutex
	seen := map[uint64]int{}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			slot, mine := slotOf(make([]byte, 20)), make([]uint64, 0, each)
			for range each {
				rec, err := seal.Seal(TypeData, slot, Headroom, 20)
				h, _, _, perr := Parse(rec)
				if err != nil || perr != nil || !bytes.Equal(rec[3:11], rec[13:21]) {
					t.Errorf("%v %v %x", err, perr, rec)
				}
				mine = append(mine, h.Seq)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, n := range mine {
				seen[n]++
			}
		})
	}
	wg.Wait()
	for n := range uint64(each * workers) {
		if seen[n+7] != 1 {
			t.Fatalf("number %d was used %d times", n+7, seen[n+7])
		}
	}
	s.NextSeq = maxSeq
	if seal, _, err = New(s); err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, ErrExhausted, ErrExhausted} {
		if _, err := seal.Seal(TypeData, slotOf(nil), Headroom, 0); !errors.Is(err, want) {
			t.Errorf("record %d at the end of the numbers: %v", i, err)
		}
	}
	seal.next.Store(math.MaxUint32)
	for _, c := range []struct{ at, n, slot int }{{Headroom - 1, 0, 200}, {Headroom, 1, Headroom + Tailroom}, {Headroom, -1, 200}, {Headroom, maxPlain + 1, 20000}} {
		if _, err := seal.Seal(TypeData, make([]byte, c.slot), c.at, c.n); !errors.Is(err, ErrRoom) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if seal.Next() != math.MaxUint32 {
		t.Error("a number was drawn for nothing")
	}
}

// TestPeerSeq: what the handshake saw counts as seen.
func TestPeerSeq(t *testing.T) {
	seal, _ := pair(t, DTLS12, 0x009d)
	s := secrets(DTLS12, 0x009d, false)
	s.PeerSeq = 3
	_, open, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	for n := range uint64(5) {
		rec, err := seal.Seal(TypeData, slotOf(nil), Headroom, 0)
		if err != nil {
			t.Fatal(err)
		}
		h, rec, _, _ := Parse(rec)
		if _, err := open.Open(nil, h, rec); (err == nil) != (n >= 3) {
			t.Errorf("number %d: %v", n, err)
		}
	}
}

func TestNew(t *testing.T) {
	for name, spoil := range map[string]func(*Secrets){
		"no such suite":           func(s *Secrets) { s.Suite = 0x1301 },
		"no such version":         func(s *Secrets) { s.Version = 0x0303 },
		"GCM before there was":    func(s *Secrets) { s.Version = DTLS10 },
		"no master secret":        func(s *Secrets) { s.Master = redact.Secret{} },
		"a master secret cut":     func(s *Secrets) { s.Master = redact.New(make([]byte, 47)) },
		"epoch of the handshake":  func(s *Secrets) { s.Epoch = 0 },
		"number too large":        func(s *Secrets) { s.NextSeq = maxSeq + 1 },
		"peer's number too large": func(s *Secrets) { s.PeerSeq = maxSeq + 1 },
	} {
		s := secrets(DTLS12, 0x009d, true)
		spoil(&s)
		if _, _, err := New(s); !errors.Is(err, ErrSuite) && !errors.Is(err, ErrSecrets) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !Weak(0x002f) || Weak(0x009d) || Name(DTLS10, 0x009d) != "" || Known(DTLSCisco, 0xc030) || !Known(DTLSCisco, 0x0035) {
		t.Error("names and strengths")
	}
	if s := fmt.Sprintf("%+v", secrets(DTLS12, 0x009d, true)); bytes.Contains([]byte(s), []byte("90 90 90")) {
		t.Errorf("the secret shows: %s", s)
	}
}

// TestOldPRF is the test vector for TLS 1.0 that went round the working group's list.
func TestOldPRF(t *testing.T) {
	got := PRF(DTLS10, 0x002f, bytes.Repeat([]byte{0xab}, 48), "PRF Testvector", bytes.Repeat([]byte{0xcd}, 64), 104)
	const want = "d3d4d1e349b5d515044666d51de32bab258cb521b6b053463e354832fd976754443bcf9a296519bc289abcbc1187e4ebd31e602353776c408aafb74cbc85eff6" +
		"9255f9788faa184cbb957a9819d84a5d7eb006eb459d3ae8de9810454b8b2d8f1afbc655a8c9a013"
	if hex.EncodeToString(got) != want {
		t.Errorf("%x", got)
	}
}

func TestNoAllocations(t *testing.T) {
	seal, open := pair(t, DTLS12, 0x009d)
	slot, dst := make([]byte, Headroom+1400+Tailroom), make([]byte, 1400)
	if n := testing.AllocsPerRun(200, func() {
		rec, err := seal.Seal(TypeData, slot, Headroom, 1400)
		if err != nil {
			t.Fatal(err)
		}
		h, rec, _, err := Parse(rec)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := open.Open(dst, h, rec); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
