package credential

import (
	"crypto/x509"
	"encoding/pem"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// ParsePEM reads certificates from one file and the key from another, or both from the same bytes. The key's bytes are cleared.
func ParsePEM(certs, key []byte, ask Ask) (*Credential, error) {
	defer clear(key)
	var chain []*x509.Certificate
	for rest := certs; ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			break
		}
		if b.Type != "CERTIFICATE" {
			clear(b.Bytes)
			continue
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return nil, fault.Newf(fault.AuthCertFile, nil, "a certificate in it is malformed")
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		return nil, fault.Newf(fault.AuthCertFile, nil, "there is no certificate in PEM")
	}
	k, err := parseKey(key, ask)
	if err != nil {
		return nil, err
	}
	return newCredential(k, chain)
}

// parseKey reads the first private key of a file, past certificates and parameters.
func parseKey(data []byte, ask Ask) (any, error) {
	for {
		b, rest := pem.Decode(data)
		if b == nil {
			return nil, fault.Newf(fault.AuthCertFile, nil, "there is no private key in PEM")
		}
		data = rest
		key, err := parseKeyBlock(b, ask)
		clear(b.Bytes)
		if key != nil || err != nil {
			return key, err
		}
	}
}

// parseKeyBlock reads one block; nil when it is no key.
func parseKeyBlock(b *pem.Block, ask Ask) (key any, err error) {
	if b.Headers["DEK-Info"] != "" {
		return nil, fault.Newf(fault.AuthCertFile, nil, "the key is encrypted in an old and weak way").
			Hint("write it anew with: openssl pkcs8 -topk8 -in KEY -out NEWKEY")
	}
	switch b.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(b.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(b.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(b.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return decryptKey(b.Bytes, ask)
	default:
		return nil, nil
	}
	if err != nil {
		return nil, fault.Newf(fault.AuthCertFile, nil, "the private key is malformed")
	}
	return key, nil
}
