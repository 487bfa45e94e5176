package credential

import (
	"bytes"
	"crypto/x509"
	"errors"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// ParsePKCS12 reads a .p12 or .pfx file: one key, its certificate and those above it. The passphrase is asked for unless the file has an empty one. The file's
// bytes are cleared.
func ParsePKCS12(data []byte, ask Ask) (*Credential, error) {
	defer clear(data)
	key, leaf, above, err := pkcs12.DecodeChain(data, "")
	if errors.Is(err, pkcs12.ErrIncorrectPassword) {
		pass, aerr := ask()
		if aerr != nil {
			return nil, aerr
		}
		key, leaf, above, err = pkcs12.DecodeChain(data, string(pass.Reveal()))
		pass.Wipe()
	}
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		return nil, fault.New(fault.AuthPassphrase, nil)
	case err != nil:
		return nil, fault.Newf(fault.AuthCertFile, nil, "it is no PKCS#12 file with one key and its certificate") // err may quote the file
	}
	certs := append([]*x509.Certificate{leaf}, above...)
	for i, c := range certs {
		if certs[i], err = x509.ParseCertificate(bytes.Clone(c.Raw)); err != nil { // what was parsed may lie in data
			return nil, fault.New(fault.AuthCertFile, nil)
		}
	}
	return newCredential(key, certs)
}
