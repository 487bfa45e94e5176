package credential

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"hash"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// maxIterations bounds the work that a file may ask for: some seconds.
const maxIterations = 10_000_000

// encryptedKey is EncryptedPrivateKeyInfo (RFC 5958 section 3).
type encryptedKey struct {
	Algorithm struct {
		ID     asn1.ObjectIdentifier
		Params pbes2
	}
	Data []byte
}

// pbes2 is PBES2-params (RFC 8018 appendix A.4), with PBKDF2 as its key derivation.
type pbes2 struct {
	KDF struct {
		ID     asn1.ObjectIdentifier
		Params struct {
			Salt       []byte
			Iterations int
			KeyLength  int                      `asn1:"optional"`
			PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
		}
	}
	Cipher struct {
		ID asn1.ObjectIdentifier
		IV []byte
	}
}

const (
	oidPBES2  = "1.2.840.113549.1.5.13"
	oidPBKDF2 = "1.2.840.113549.1.5.12"
)

// prfs are the pseudorandom functions of PBKDF2; none given is HMAC with SHA-1.
var prfs = map[string]func() hash.Hash{
	"": sha1.New, "1.2.840.113549.2.7": sha1.New, "1.2.840.113549.2.9": sha256.New, "1.2.840.113549.2.10": sha512.New384, "1.2.840.113549.2.11": sha512.New,
}

// keySizes are those of AES in CBC mode.
var keySizes = map[string]int{"2.16.840.1.101.3.4.1.2": 16, "2.16.840.1.101.3.4.1.22": 24, "2.16.840.1.101.3.4.1.42": 32}

// decryptKey reads a PKCS#8 key under a passphrase: PBES2 with PBKDF2 and AES, which is what tools have written for many years.
func decryptKey(der []byte, ask Ask) (any, error) {
	var k encryptedKey
	rest, err := asn1.Unmarshal(der, &k)
	kdf, enc := &k.Algorithm.Params.KDF, &k.Algorithm.Params.Cipher
	prf, size := prfs[kdf.Params.PRF.Algorithm.String()], keySizes[enc.ID.String()]
	switch {
	case err != nil, len(rest) > 0, k.Algorithm.ID.String() != oidPBES2, kdf.ID.String() != oidPBKDF2, prf == nil, size == 0:
		return nil, fault.Newf(fault.AuthCertFile, nil, "the key is encrypted in a way that is not supported").Hint("write it anew with: openssl pkcs8 -topk8 -in KEY -out NEWKEY")
	case len(enc.IV) != aes.BlockSize, len(k.Data) == 0, len(k.Data)%aes.BlockSize != 0, kdf.Params.Iterations < 1, kdf.Params.Iterations > maxIterations,
		kdf.Params.KeyLength != 0 && kdf.Params.KeyLength != size:
		return nil, fault.Newf(fault.AuthCertFile, nil, "the private key is malformed")
	}
	pass, err := ask()
	if err != nil {
		return nil, err
	}
	defer pass.Wipe()
	secret, err := pbkdf2.Key(prf, string(pass.Reveal()), kdf.Params.Salt, kdf.Params.Iterations, size)
	if err != nil {
		return nil, fault.New(fault.AuthCertFile, nil)
	}
	defer clear(secret)
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, fault.New(fault.Internal, nil)
	}
	plain := make([]byte, len(k.Data))
	defer clear(plain)
	cipher.NewCBCDecrypter(block, enc.IV).CryptBlocks(plain, k.Data)
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > aes.BlockSize {
		return nil, fault.New(fault.AuthPassphrase, nil)
	}
	key, err := x509.ParsePKCS8PrivateKey(plain[:len(plain)-pad])
	if err != nil {
		return nil, fault.New(fault.AuthPassphrase, nil)
	}
	return key, nil
}
