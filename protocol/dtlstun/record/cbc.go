package record

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"hash"
	"sync"
)

const (
	macLen = sha1.Size
	// cbcOverhead is IV, MAC and the longest padding that seal adds.
	cbcOverhead = aes.BlockSize + macLen + aes.BlockSize
	// maxPadding is the longest padding that a peer may add: the length byte and as many bytes as it can say.
	maxPadding = 256
)

// cbc is AES-CBC with HMAC-SHA1, MAC then encrypt, with an IV in each record (RFC 5246 section 6.2.3.2): what an old gateway may have only. The objects in it have
// state, hence the lock.
type cbc struct {
	mu      sync.Mutex
	encrypt ivMode
	decrypt ivMode
	inner   constantTimeHash
	outer   hash.Hash
	ipad    [sha1.BlockSize]byte
	opad    [sha1.BlockSize]byte
	head    [HeaderLen]byte
	sum     [macLen]byte
}

// ivMode is what crypto/cipher returns for CBC: an IV can be set without making a new object.
type ivMode interface {
	cipher.BlockMode
	SetIV(iv []byte)
}

// constantTimeHash is what crypto/sha1 returns: its time to finish need not depend on how much was written.
type constantTimeHash interface {
	hash.Hash
	ConstantTimeSum(b []byte) []byte
}

// newCBC: the conversions hold what crypto/cipher and crypto/sha1 return, and a test that they do.
func newCBC(block cipher.Block, key []byte) *cbc {
	iv := make([]byte, aes.BlockSize)
	c := &cbc{
		encrypt: cipher.NewCBCEncrypter(block, iv).(ivMode), decrypt: cipher.NewCBCDecrypter(block, iv).(ivMode),
		inner: sha1.New().(constantTimeHash), outer: sha1.New(),
	}
	copy(c.ipad[:], key)
	copy(c.opad[:], key)
	for i := range c.ipad {
		c.ipad[i] ^= 0x36
		c.opad[i] ^= 0x5c
	}
	return c
}

// mac is HMAC-SHA1 (RFC 2104) of pseudo-header and data. Where in data and more the border lies does not show in how long it takes: the same number of blocks is hashed.
// What is returned is valid until the next call.
func (c *cbc) mac(h Header, data, more []byte) []byte {
	h.putMAC(c.head[:], len(data))
	c.inner.Reset()
	c.inner.Write(c.ipad[:])
	c.inner.Write(c.head[:])
	c.inner.Write(data)
	sum := c.inner.ConstantTimeSum(c.sum[:0])
	c.inner.Write(more)
	c.outer.Reset()
	c.outer.Write(c.opad[:])
	c.outer.Write(sum)
	return c.outer.Sum(c.sum[:0])
}

// seal: the room was checked.
func (c *cbc) seal(h Header, slot []byte, at, n int) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	end := at + n
	end += copy(slot[end:], c.mac(h, slot[at:end], nil))
	pad := aes.BlockSize - (end-at)%aes.BlockSize // 1 to 16, the length byte with it
	for range pad {
		slot[end] = byte(pad - 1)
		end++
	}
	iv := slot[at-aes.BlockSize : at]
	if _, err := rand.Read(iv); err != nil {
		return nil, err
	}
	c.encrypt.SetIV(iv)
	c.encrypt.CryptBlocks(slot[at:end], slot[at:end])
	start := at - aes.BlockSize - HeaderLen
	h.put(slot[start:], end-at+aes.BlockSize)
	return slot[start:end], nil
}

// open decrypts body in place and copies the plaintext to dst unless that is nil. Padding and MAC are judged together, and how long it takes says nothing of either.
func (c *cbc) open(dst []byte, h Header, body []byte) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(body)%aes.BlockSize != 0 || len(body) < aes.BlockSize+macLen+1 {
		return nil, ErrForged
	}
	iv, b := body[:aes.BlockSize], body[aes.BlockSize:]
	if len(b) > maxPlain+macLen+maxPadding {
		return nil, ErrRoom
	}
	c.decrypt.SetIV(iv)
	c.decrypt.CryptBlocks(b, b)
	pad, good := padding(b)
	n := len(b) - macLen - pad
	good &= subtle.ConstantTimeCompare(c.mac(h, b[:n], b[n+macLen:]), b[n:n+macLen])
	if good != 1 {
		return nil, ErrForged
	}
	if dst == nil {
		return b[:n], nil
	}
	if len(dst) < n {
		return nil, ErrRoom
	}
	return dst[:copy(dst, b[:n])], nil
}

// padding returns how many bytes of padding b ends with, its length byte counted, and whether all is as it should be (1 or 0). If it is not it says 1, so that what
// follows costs the same. The time depends on the length of b only, which must be more than macLen.
func padding(b []byte) (n, good int) {
	last := b[len(b)-1]
	n = int(last) + 1
	good = subtle.ConstantTimeLessOrEq(n, len(b)-macLen)
	for i := range min(maxPadding, len(b)) {
		in := subtle.ConstantTimeLessOrEq(i+1, n) // is this byte padding?
		same := subtle.ConstantTimeByteEq(b[len(b)-1-i], last)
		good &= same | (1 ^ in)
	}
	return subtle.ConstantTimeSelect(good, n, 1), good
}
