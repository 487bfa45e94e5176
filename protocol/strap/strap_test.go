package strap

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/redact"
)

// The message of an ASA, as openconnect's source quotes it. The key it was sealed to is not known.
const fromASA = "00010001005b3059301306072a8648ce3d020106082a8648ce3d03010703420004fa426340b6f4a6029add57f58c743e1182188d78c4b513d0c7c0d7f9796c16e9" +
	"bc30faf0ea098d17d184e408553128a662e46dc57cbe19d9144137206e4cce2c0002000cac81ce79566e4c00cc9be3d000030017bb4d2e5761c090588686796405280cc9f2c8c22a2efb5c" +
	"0004000c2c035f133cb7277e36fe5ab8"

// A message that another implementation (Python's cryptography) made from two private scalars.
const (
	knownClient  = "239dec1f64a143096edbfe0c7fcef60d2498a204819d3225ca46d5eec6663791"
	knownGateway = "1b8c86e68ef9c0178cf5738ef6fe46338519d1d20ace8ae21c46ce1da70935c3"
	knownToken   = "0A1B2C3D4E5F60718293A4B5C6D7E8F9"
	knownMessage = "00010001005b3059301306072a8648ce3d020106082a8648ce3d030107034200044fa0c66cc945628ead834b7f463168a9879b2ed52d51416f250eb7d613aa4637" +
		"e60a41be5c181cf64eaa46ce4d72dcdc7137ae1ca7e4a851e05e7bc4697dcb660002000cf6a1bccb3be1a38e6bc81d46000300204f9cc3ee473e96507345b53116848cbb" +
		"fd3d3f1ce028e2c74f50bc722aee3e8e0004000c000102030405060708090a0b"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func made(t testing.TB) *Keys {
	t.Helper()
	k, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// inText is a message as a URL has it.
func inText(b []byte) redact.Secret { return redact.NewString(base64.StdEncoding.EncodeToString(b)) }

// TestKnownAnswer: what another implementation sealed opens, and what we seal from the same is the same.
func TestKnownAnswer(t *testing.T) {
	client, err := ecdh.P256().NewPrivateKey(unhex(t, knownClient))
	if err != nil {
		t.Fatal(err)
	}
	gateway, err := ecdh.P256().NewPrivateKey(unhex(t, knownGateway))
	if err != nil {
		t.Fatal(err)
	}
	k, err := from(made(t).sign, client)
	if err != nil {
		t.Fatal(err)
	}
	token, err := k.Open(inText(unhex(t, knownMessage)))
	if err != nil || string(token.Reveal()) != knownToken {
		t.Fatalf("opened %q: %v", token.Reveal(), err)
	}
	text, err := seal(gateway, client.PublicKey(), unhex(t, "000102030405060708090a0b"), redact.NewString(knownToken))
	if want := base64.StdEncoding.EncodeToString(unhex(t, knownMessage)); err != nil || text != want {
		t.Errorf("sealed %s: %v", text, err)
	}
}

// TestFromASA: a real message is taken apart as it was put together.
func TestFromASA(t *testing.T) {
	b := unhex(t, fromASA)
	m, err := parseMessage(b)
	if err != nil || len(m.pubkey) != 91 || len(m.ciphertext) != 23 {
		t.Fatalf("%d bytes of key, %d of ciphertext: %v", len(m.pubkey), len(m.ciphertext), err)
	}
	if _, err := parse(m.pubkey); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(m.append(nil), b) {
		t.Error("put together it is another message")
	}
	if _, err := made(t).Open(inText(b)); err != ErrOther {
		t.Errorf("opened with another key: %v", err)
	}
}

func TestSeal(t *testing.T) {
	k := made(t)
	_, dh := k.Announce()
	for _, token := range []string{"a", knownToken, strings.Repeat("x", MaxSealed/2)} {
		text, err := Seal(dh, redact.NewString(token))
		if err != nil {
			t.Fatal(err)
		}
		got, err := k.Open(redact.NewString(text))
		if err != nil || string(got.Reveal()) != token {
			t.Errorf("a token of %d bytes: %v", len(token), err)
		}
		if _, err := made(t).Open(redact.NewString(text)); err != ErrOther {
			t.Errorf("another login opened it: %v", err)
		}
	}
	for name, bad := range map[string]string{"empty": "", "too long": strings.Repeat("x", MaxSealed/2+1)} {
		if _, err := Seal(dh, redact.NewString(bad)); err != ErrSealed {
			t.Errorf("a token that is %s: %v", name, err)
		}
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := encode(&p384.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{"none": "", "no base64": "?", "no key": "AAAA", "another curve": other, "too long": strings.Repeat("A", 4096)} {
		if _, err := Seal(bad, redact.NewString("x")); err != ErrKey {
			t.Errorf("a key that is %s: %v", name, err)
		}
	}
}

// TestOpenHostile: nothing but a whole message for these keys is opened.
func TestOpenHostile(t *testing.T) {
	k := made(t)
	_, dh := k.Announce()
	text, err := Seal(dh, redact.NewString(knownToken))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	m, err := parseMessage(whole)
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*message)) []byte {
		c := message{bytes.Clone(m.pubkey), bytes.Clone(m.tag), bytes.Clone(m.ciphertext), bytes.Clone(m.nonce)}
		change(&c)
		return c.append(nil)
	}
	sealedText := func(token string) []byte {
		s, err := Seal(dh, redact.NewString(token))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := base64.StdEncoding.DecodeString(s)
		return b
	}
	for name, c := range map[string]struct {
		b   []byte
		err error
	}{
		"nothing":                 {nil, ErrSealed},
		"version 2":               {append([]byte{0, 2}, whole[2:]...), ErrSealed},
		"no parts":                {[]byte{0, 1}, ErrSealed},
		"cut off":                 {whole[:len(whole)-1], ErrSealed},
		"a byte more":             {append(bytes.Clone(whole), 0), ErrSealed},
		"an unknown part":         {append(bytes.Clone(whole), 0, 5, 0, 1, 0), ErrSealed},
		"a part twice":            {append(bytes.Clone(whole), 0, 4, 0, 1, 0), ErrSealed},
		"a part of no length":     {[]byte{0, 1, 0, 1, 0, 0}, ErrSealed},
		"a length beyond the end": {[]byte{0, 1, 0, 1, 0xff, 0xff, 1}, ErrSealed},
		"a short tag":             {with(func(m *message) { m.tag = m.tag[:4] }), ErrSealed},
		"a long nonce":            {with(func(m *message) { m.nonce = append(m.nonce, 0) }), ErrSealed},
		"no key":                  {with(func(m *message) { m.pubkey = []byte{0} }), ErrSealed},
		"a point off the curve":   {with(func(m *message) { m.pubkey[len(m.pubkey)-1] ^= 1 }), ErrSealed},
		"a changed tag":           {with(func(m *message) { m.tag[0] ^= 1 }), ErrOther},
		"a changed ciphertext":    {with(func(m *message) { m.ciphertext[0] ^= 1 }), ErrOther},
		"a changed nonce":         {with(func(m *message) { m.nonce[0] ^= 1 }), ErrOther},
		"too long":                {binary.BigEndian.AppendUint16(with(func(m *message) { m.ciphertext = make([]byte, MaxSealed) }), 0), ErrSealed},
		"a token of two lines":    {sealedText("one\r\ntwo"), ErrOther},
		"a token beyond ASCII":    {sealedText("t\u00f6ken"), ErrOther},
	} {
		if got, err := k.Open(inText(c.b)); err != c.err || !got.Empty() {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := k.Open(redact.NewString("no base64")); err != ErrSealed {
		t.Error(err)
	}
	if got, err := k.Open(inText(whole)); err != nil || string(got.Reveal()) != knownToken {
		t.Errorf("the message itself: %v", err)
	}
}

// handshake connects two ends by TLS of one version.
func handshake(t *testing.T, version uint16) (client, server tls.ConnectionState) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "gw"}, DNSNames: []string{"gw"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	s := tls.Server(b, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: version, MaxVersion: version, SessionTicketsDisabled: true})
	done := make(chan error, 1)
	go func() { done <- s.Handshake() }()
	c := tls.Client(a, &tls.Config{RootCAs: roots, ServerName: "gw", MinVersion: version})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return c.ConnectionState(), s.ConnectionState()
}

// TestProve: a proof is good at the other end of its connection and nowhere else, under the key that was announced and no other.
func TestProve(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		client, server := handshake(t, version)
		_, elsewhere := handshake(t, version)
		k := made(t)
		known, dh := k.Announce()
		p, err := k.Key().Prove(client)
		if err != nil {
			t.Fatal(err)
		}
		if next, err := Check(known, server, p); err != nil || next != known {
			t.Errorf("%s: %v, and %q counts then", tls.VersionName(version), err, next)
		}
		if _, err := Check(known, elsewhere, p); err != ErrProof {
			t.Errorf("%s: on another connection: %v", tls.VersionName(version), err)
		}
		if _, err := Check(dh, server, p); err != ErrProof {
			t.Errorf("%s: for another key: %v", tls.VersionName(version), err)
		}
		for name, bad := range map[string]Proof{
			"none": {}, "unsigned": {Pubkey: known}, "no base64": {known, "?"}, "signed for another key": {dh, p.Verify}, "too long": {known, strings.Repeat("A", 400)},
		} {
			if _, err := Check(known, server, bad); err != ErrProof && err != ErrKey {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestRotation: Check goes along with a client that names a new key each time.
func TestRotation(t *testing.T) {
	client, server := handshake(t, tls.VersionTLS13)
	old, fresh := made(t), made(t)
	known, _ := old.Announce()
	want, _ := fresh.Announce()
	der, err := base64.StdEncoding.DecodeString(want)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := digest(client, der)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := ecdsa.SignASN1(rand.Reader, old.sign, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	next, err := Check(known, server, Proof{want, base64.StdEncoding.EncodeToString(sig)})
	if err != nil || next != want {
		t.Errorf("%v, and %q counts then", err, next)
	}
}

// TestNoBinding: where a connection cannot be named nothing is signed.
func TestNoBinding(t *testing.T) {
	if _, err := made(t).Key().Prove(tls.ConnectionState{Version: tls.VersionTLS12}); err != ErrBinding {
		t.Error(err)
	}
	for name, k := range map[string]Key{"none": {}, "no key": {redact.NewString("x")}, "too long": {redact.New(make([]byte, 4096))}} {
		if _, err := k.Prove(tls.ConnectionState{}); err != ErrKey {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzMessage: what is taken for a message is one, byte for byte, but for the order of its parts.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{fromASA, knownMessage, "0001", "00010001ffff", "000100010001000002000100"} {
		f.Add(unhex(f, s))
	}
	k := made(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMessage(b)
		if err == nil {
			again, err := parseMessage(m.append(nil))
			if err != nil || !bytes.Equal(again.append(nil), m.append(nil)) || len(m.append(nil)) != len(b) {
				t.Errorf("%x is another message when written", b)
			}
		}
		if token, err := k.Open(inText(b)); err == nil {
			t.Errorf("%x opens to %q", b, token.Reveal())
		}
	})
}
