package lab

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/platform/testenv"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
)

// The account that every gateway of a lab has.
const (
	Account  = "alice"
	Password = "Pa55word-lab"
)

// Lab belongs to one test or benchmark and ends with it.
type Lab struct {
	testing.TB
	Dir           string // a folder of its own
	Self          string // the test binary, for roles
	CA, Cert, Key string // files: of an authority, and of the gateway's certificate by it
}

// New makes a lab whose gateways have that address. Only inside testenv.Namespace.
func New(tb testing.TB, gatewayAddr string) *Lab {
	tb.Helper()
	l := &Lab{TB: tb, Dir: tb.TempDir()}
	var err error
	if l.Self, err = os.Executable(); err != nil {
		tb.Fatal(err)
	}
	ident, err := gateway.SelfSigned(gatewayAddr)
	if err != nil {
		tb.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(ident.Certificate.PrivateKey)
	if err != nil {
		tb.Fatal(err)
	}
	l.CA = l.File("ca.pem", ident.CAPEM)
	l.Cert = l.File("gateway.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ident.Certificate.Certificate[0]}))
	l.Key = l.File("gateway.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	return l
}

// File writes a file that anybody may read and run, with the folders above it, and returns its path.
func (l *Lab) File(name string, content []byte) string {
	l.Helper()
	path := filepath.Join(l.Dir, name)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, content, 0o755)
	}
	if err != nil {
		l.Fatal(err)
	}
	return path
}

// IP runs ip(8) with each of the lines in n.
func (l *Lab) IP(n *testenv.NS, lines ...string) {
	l.Helper()
	for _, line := range lines {
		n.Run(l.TB, "ip", strings.Fields(line)...)
	}
}
