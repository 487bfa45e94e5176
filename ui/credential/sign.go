package credential

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"strings"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

var errRefused = errors.New("credential: not what this key signs")

// Sign signs the content of a request for this certificate. It refuses every other content than that of a TLS client's CertificateVerify, and every scheme that
// is not this key's, with AGENT-003.
func (c *Credential) Sign(r *ipc.Sign) ([]byte, error) {
	kind := contentKind(r.Content, c.chain[0].Raw)
	opts := c.options(r.Scheme, kind)
	if r.Certificate != c.Fingerprint() || kind == kindNone || opts == nil {
		return nil, fault.Newf(fault.AgentProtocol, errRefused, "it wants a signature under something that is no login with this certificate")
	}
	sig, err := crypto.SignMessage(c.key, rand.Reader, r.Content, opts)
	if err != nil {
		return nil, fault.Newf(fault.AuthCertFile, nil, "the key cannot sign with %s", r.Scheme)
	}
	return sig, nil
}

// options are how a scheme signs; nil for one that is unknown, not this key's, or not of this version of TLS.
func (c *Credential) options(scheme string, kind kind) crypto.SignerOpts {
	i := max(strings.LastIndexByte(scheme, '-'), 0)
	family, hash := scheme[:i], map[string]crypto.Hash{"-sha256": crypto.SHA256, "-sha384": crypto.SHA384, "-sha512": crypto.SHA512}[scheme[i:]]
	switch c.key.(type) {
	case ed25519.PrivateKey:
		if scheme == "ed25519" {
			return crypto.Hash(0)
		}
	case *ecdsa.PrivateKey:
		if hash != 0 && family == "ecdsa" {
			return hash
		}
	case *rsa.PrivateKey:
		switch {
		case hash == 0:
		case family == "rsa-pss":
			return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
		case family == "rsa-pkcs1" && kind == kindTLS12: // TLS 1.3 has it no more
			return hash
		}
	}
	return nil
}

// kind is what a content is.
type kind uint8

const (
	kindNone kind = iota
	kindTLS12
	kindTLS13
)

// head13 begins the content of a client's CertificateVerify in TLS 1.3; the hash of the handshake follows (RFC 8446 section 4.4.3).
var head13 = append(bytes.Repeat([]byte{' '}, 64), "TLS 1.3, client CertificateVerify\x00"...)

// contentKind says what a content is. leaf is the certificate, in DER, that a TLS 1.2 handshake must show.
func contentKind(content, leaf []byte) kind {
	if hash, ok := bytes.CutPrefix(content, head13); ok {
		if len(hash) == 32 || len(hash) == 48 {
			return kindTLS13
		}
		return kindNone
	}
	if handshake12(content, leaf) {
		return kindTLS12
	}
	return kindNone
}

// messages are a TLS 1.2 handshake as far as a client's CertificateVerify (RFC 5246 sections 7.3 and 7.4): ClientHello, ServerHello, Certificate, perhaps
// CertificateStatus, perhaps ServerKeyExchange, CertificateRequest, ServerHelloDone, Certificate, ClientKeyExchange.
var messages = []struct {
	kind     byte
	optional bool
}{{1, false}, {2, false}, {11, false}, {22, true}, {12, true}, {13, false}, {14, false}, {11, false}, {16, false}}

// handshake12 reports whether content is such a handshake, of version 1.2, in which the client shows leaf.
func handshake12(content, leaf []byte) bool {
	var client []byte // the last Certificate
	for _, m := range messages {
		if len(content) < 4 {
			return false
		}
		if content[0] != m.kind {
			if m.optional {
				continue
			}
			return false
		}
		size := uint24(content[1:])
		if len(content)-4 < size {
			return false
		}
		body := content[4 : 4+size]
		content = content[4+size:]
		if m.kind <= 2 && !bytes.HasPrefix(body, []byte{3, 3}) {
			return false
		}
		if m.kind == 11 {
			client = body
		}
	}
	return len(content) == 0 && len(client) >= 6 && uint24(client) == len(client)-3 && uint24(client[3:]) == len(leaf) && bytes.HasPrefix(client[6:], leaf)
}

// uint24 reads three bytes; there are as many.
func uint24(b []byte) int { return int(b[0])<<16 | int(b[1])<<8 | int(b[2]) }
