package resume

import (
	"slices"
	"testing"

	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
)

// TestLists: every name stands for something that the record layer can do, the strong before the weak, and comes back from the header it was sent in.
func TestLists(t *testing.T) {
	for _, l := range []List{DTLS12, DTLS} {
		if !slices.IsSortedFunc(l, func(a, b Suite) int {
			if a.Weak() == b.Weak() {
				return 0
			}
			if a.Weak() {
				return 1
			}
			return -1
		}) {
			t.Errorf("a weak suite comes before a strong one: %s", l)
		}
		for _, s := range l {
			if !record.Known(s.Version, s.ID) {
				t.Errorf("%s is not known to the record layer", s.Name)
			}
			if got, ok := l.Find(s.Name); !ok || got != s {
				t.Errorf("%s: %v", s.Name, got)
			}
		}
		if !slices.Equal(l.Named(l.String()), l) {
			t.Errorf("%s became %s", l, l.Named(l.String()))
		}
	}
}

// TestNamed: what openconnect sends, and what nobody should.
func TestNamed(t *testing.T) {
	const theirs = "PSK-NEGOTIATE:OC-DTLS1_2-AES256-GCM:OC2-DTLS1_2-CHACHA20-POLY1305:OC-DTLS1_2-AES128-GCM:DHE-RSA-AES256-SHA:DHE-RSA-AES128-SHA:AES256-SHA:AES128-SHA"
	for header, want := range map[string]string{
		theirs:                        DTLS.String(),
		"":                            "",
		":::":                         "",
		"AES128-SHA: AES256-SHA ":     "AES256-SHA:AES128-SHA",
		"AES128-SHA:AES128-SHA":       "AES128-SHA",
		"aes128-sha:DES-CBC3-SHA:RC4": "",
	} {
		if got := DTLS.Named(header).String(); got != want {
			t.Errorf("%q: %q", header, got)
		}
	}
	if _, ok := DTLS12.Find("OC-DTLS1_2-AES256-GCM"); ok {
		t.Error("a name of the other header was found")
	}
}
