package record

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"hash"
)

// ErrSuite says that there is no such cipher suite in that version.
var ErrSuite = errors.New("record: no such cipher suite in that DTLS version")

// suite is what the record layer must know of a cipher suite: how the keys were agreed on does not matter here.
type suite struct {
	name string
	key  int  // bytes
	gcm  bool // else CBC with HMAC-SHA1
	hash func() hash.Hash
}

// suites are those that gateways name (0x000a, which is 3DES, is not among them on purpose).
var suites = map[uint16]suite{
	0x002f: {"TLS_RSA_WITH_AES_128_CBC_SHA", 16, false, sha256.New},
	0x0033: {"TLS_DHE_RSA_WITH_AES_128_CBC_SHA", 16, false, sha256.New},
	0x0035: {"TLS_RSA_WITH_AES_256_CBC_SHA", 32, false, sha256.New},
	0x0039: {"TLS_DHE_RSA_WITH_AES_256_CBC_SHA", 32, false, sha256.New},
	0x009c: {"TLS_RSA_WITH_AES_128_GCM_SHA256", 16, true, sha256.New},
	0x009d: {"TLS_RSA_WITH_AES_256_GCM_SHA384", 32, true, sha512.New384},
	0x009e: {"TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", 16, true, sha256.New},
	0x009f: {"TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", 32, true, sha512.New384},
	0x00a8: {"TLS_PSK_WITH_AES_128_GCM_SHA256", 16, true, sha256.New},
	0x00a9: {"TLS_PSK_WITH_AES_256_GCM_SHA384", 32, true, sha512.New384},
	0xc02b: {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 16, true, sha256.New},
	0xc02c: {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 32, true, sha512.New384},
	0xc02f: {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 16, true, sha256.New},
	0xc030: {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 32, true, sha512.New384},
}

// lookup finds a suite that exists in a version.
func lookup(version, id uint16) (suite, error) {
	s, ok := suites[id]
	switch version {
	case DTLS12:
	case DTLS10, DTLSCisco:
		ok = ok && !s.gcm
	default:
		ok = false
	}
	if !ok {
		return suite{}, ErrSuite
	}
	return s, nil
}

// Known reports whether New can work with the suite in the version.
func Known(version, id uint16) bool {
	_, err := lookup(version, id)
	return err == nil
}

// Weak reports whether the suite is one that people should hear about: CBC with SHA-1.
func Weak(id uint16) bool { return !suites[id].gcm }

// Name is version and suite for people, "" if there is no such pair.
func Name(version, id uint16) string {
	s, err := lookup(version, id)
	if err != nil {
		return ""
	}
	switch version {
	case DTLS10:
		return "DTLS 1.0 " + s.name
	case DTLSCisco:
		return "DTLS 0.9 " + s.name
	}
	return "DTLS 1.2 " + s.name
}

// PRF returns n bytes of the pseudorandom function: that of RFC 5246 section 5 with the suite's hash in DTLS 1.2, that of RFC 4346 section 5 (MD5 and SHA-1) before.
// The suite must be Known in the version.
func PRF(version, id uint16, secret []byte, label string, seed []byte, n int) []byte {
	out := make([]byte, n)
	seed = append([]byte(label), seed...)
	if version == DTLS12 {
		expand(out, suites[id].hash, secret, seed)
		return out
	}
	half := (len(secret) + 1) / 2 // the halves share a byte if the length is odd
	expand(out, md5.New, secret[:half], seed)
	other := make([]byte, n)
	expand(other, sha1.New, secret[len(secret)-half:], seed)
	subtle.XORBytes(out, out, other)
	return out
}

// expand is P_hash: HMAC(secret, A(1) + seed) + HMAC(secret, A(2) + seed) + ..., where A(0) is the seed and A(i) is HMAC(secret, A(i-1)).
func expand(out []byte, h func() hash.Hash, secret, seed []byte) {
	mac := hmac.New(h, secret)
	sum := func(parts ...[]byte) []byte {
		mac.Reset()
		for _, p := range parts {
			mac.Write(p)
		}
		return mac.Sum(nil)
	}
	for a := sum(seed); len(out) > 0; a = sum(a) {
		out = out[copy(out, sum(a, seed)):]
	}
}

// Digest is the hash of handshake messages that a Finished message is made of: the suite's in DTLS 1.2, MD5 then SHA-1 before. The suite must be Known in the version.
func Digest(version, id uint16, messages []byte) []byte {
	if version == DTLS12 {
		h := suites[id].hash()
		h.Write(messages)
		return h.Sum(nil)
	}
	m, s := md5.Sum(messages), sha1.Sum(messages)
	return append(m[:], s[:]...)
}
