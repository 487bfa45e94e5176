package resume

import (
	"strings"

	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
)

// Suite is a cipher suite as CONNECT names it, and the version that goes with the name. How keys would be agreed on stands in the name too, and has no effect.
type Suite struct {
	Name    string
	Version uint16 // as in record
	ID      uint16
}

// Weak reports whether people should be told: CBC with SHA-1.
func (s Suite) Weak() bool { return record.Weak(s.ID) }

// List is what one header of CONNECT can name, best first. The same names mean different versions in different headers.
type List []Suite

var (
	// DTLS12 is for X-DTLS12-CipherSuite.
	DTLS12 = List{
		{"ECDHE-RSA-AES256-GCM-SHA384", record.DTLS12, 0xc030},
		{"ECDHE-RSA-AES128-GCM-SHA256", record.DTLS12, 0xc02f},
		{"AES256-GCM-SHA384", record.DTLS12, 0x009d},
		{"AES128-GCM-SHA256", record.DTLS12, 0x009c},
		{"DHE-RSA-AES256-SHA", record.DTLS12, 0x0039},
		{"DHE-RSA-AES128-SHA", record.DTLS12, 0x0033},
		{"AES256-SHA", record.DTLS12, 0x0035},
		{"AES128-SHA", record.DTLS12, 0x002f},
	}
	// DTLS is for X-DTLS-CipherSuite. The first two are names of ocserv's, from before it knew the other header.
	DTLS = List{
		{"OC-DTLS1_2-AES256-GCM", record.DTLS12, 0x009d},
		{"OC-DTLS1_2-AES128-GCM", record.DTLS12, 0x009c},
		{"DHE-RSA-AES256-SHA", record.DTLSCisco, 0x0039},
		{"DHE-RSA-AES128-SHA", record.DTLSCisco, 0x0033},
		{"AES256-SHA", record.DTLSCisco, 0x0035},
		{"AES128-SHA", record.DTLSCisco, 0x002f},
	}
)

// String is the header's value.
func (l List) String() string {
	names := make([]string, len(l))
	for i, s := range l {
		names[i] = s.Name
	}
	return strings.Join(names, ":")
}

// Find is the client's side: the suite that the gateway chose.
func (l List) Find(name string) (Suite, bool) {
	for _, s := range l {
		if s.Name == name {
			return s, true
		}
	}
	return Suite{}, false
}

// Named is the gateway's side: those suites of l that the value of a client's header names, in the order of l.
func (l List) Named(header string) (named List) {
	for _, s := range l {
		for name := range strings.SplitSeq(header, ":") {
			if s.Name == strings.TrimSpace(name) {
				named = append(named, s)
				break
			}
		}
	}
	return named
}
