package cstp

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/resume"
)

// both are the keys of a connection that can have either kind of DTLS.
func both() keys { return keys{psk: redact.NewString("exported"), resume: NewResumeOffer()} }

// said is an answer that says this of DTLS, and a port unless it names one.
func said(pairs ...string) *Response {
	r := &Response{Status: 200, Fields: []protocol.Header{{Name: "X-CSTP-Version", Value: "1"}}}
	for i := 0; i < len(pairs); i += 2 {
		r.Fields = append(r.Fields, protocol.Header{Name: pairs[i], Value: pairs[i+1]})
	}
	r.Fields = append(r.Fields, protocol.Header{Name: port, Value: "4433"}) // the first of a name counts
	return r
}

const (
	sid   = "X-DTLS-Session-ID"
	app   = "X-DTLS-App-ID"
	new12 = "X-DTLS12-CipherSuite"
	plain = "X-DTLS-CipherSuite"
	port  = "X-DTLS-Port"
)

var id32 = strings.Repeat("5e", 32)

// TestChoice: what the gateway chose is what is done, if it was offered and makes sense; otherwise packets go by TLS, and there is a reason.
func TestChoice(t *testing.T) {
	none, noKey := keys{}, keys{resume: NewResumeOffer()}
	noMaster := keys{psk: redact.NewString("exported")}
	for _, c := range []struct {
		name string
		k    keys
		r    *Response
		want string // the suite and its version, "psk", or why not
	}{
		{"PSK", both(), said(app, id32, plain, "PSK-NEGOTIATE"), "psk"},
		{"DTLS 1.2", both(), said(sid, id32, new12, "AES256-GCM-SHA384"), "fefd AES256-GCM-SHA384"},
		{"DTLS 1.2 as ASA says it", noKey, said(sid, id32, new12, "ECDHE-RSA-AES256-GCM-SHA384"), "fefd ECDHE-RSA-AES256-GCM-SHA384"},
		{"DTLS 1.2 with CBC", noKey, said(sid, id32, new12, "AES256-SHA"), "fefd AES256-SHA"},
		{"DTLS 1.2 by ocserv's own name", noKey, said(sid, id32, plain, "OC-DTLS1_2-AES128-GCM"), "fefd OC-DTLS1_2-AES128-GCM"},
		{"DTLS 0.9", noKey, said(sid, id32, plain, "AES128-SHA"), "0100 AES128-SHA"},
		{"both kinds, PSK chosen", both(), said(app, id32, sid, id32, plain, "PSK-NEGOTIATE", new12, "AES256-GCM-SHA384"), "psk"},
		{"PSK without a key, and a session", noKey, said(app, id32, sid, id32, plain, "PSK-NEGOTIATE", new12, "AES256-GCM-SHA384"), "fefd AES256-GCM-SHA384"},
		{"both headers", both(), said(sid, id32, plain, "AES128-SHA", new12, "AES128-GCM-SHA256"), "fefd AES128-GCM-SHA256"},
		{"a short id", noKey, said(sid, "01", plain, "AES128-SHA"), "0100 AES128-SHA"},

		{"nothing", both(), said(), whyNoOffer.text},
		{"nothing, and no key", noKey, said(), whyNoExport.text},
		{"nothing was offered", none, said(sid, id32, new12, "AES256-GCM-SHA384"), whyNoExport.text},
		{"a suite without an id", both(), said(new12, "AES256-GCM-SHA384"), whyNoOffer.text},
		{"an empty id", both(), said(sid, "", new12, "AES256-GCM-SHA384"), whyNoOffer.text},
		{"PSK without an id", both(), said(app, "", plain, "PSK-NEGOTIATE"), whyNoOffer.text},
		{"PSK without a key", noKey, said(app, id32, plain, "PSK-NEGOTIATE"), whyNoExport.text},
		{"a session that was not offered", noMaster, said(sid, id32, new12, "AES256-GCM-SHA384"), whyNoOffer.text},
		{"a session and no suite", both(), said(sid, id32), whyBadSuite.text},
		{"a session with PSK", noKey, said(sid, id32, plain, "PSK-NEGOTIATE"), whyBadSuite.text},
		{"3DES", both(), said(sid, id32, plain, "DES-CBC3-SHA"), whyBadSuite.text},
		{"no such suite", both(), said(sid, id32, new12, "NULL-SHA"), whyBadSuite.text},
		{"no such suite, one of the other header", both(), said(sid, id32, new12, "NULL-SHA", plain, "AES128-SHA"), whyBadSuite.text},
		{"a name of the other header", both(), said(sid, id32, plain, "AES256-GCM-SHA384"), whyBadSuite.text},
		{"a list", both(), said(sid, id32, new12, "AES256-GCM-SHA384:AES128-GCM-SHA256"), whyBadSuite.text},
		{"a long id", both(), said(sid, id32+"00", new12, "AES256-GCM-SHA384"), whyBadOffer.text},
		{"a very long id", both(), said(sid, strings.Repeat(id32, 500), new12, "AES256-GCM-SHA384"), whyBadOffer.text},
		{"odd digits", both(), said(sid, id32[1:], new12, "AES256-GCM-SHA384"), whyBadOffer.text},
		{"no digits", both(), said(sid, strings.Repeat("zz", 32), new12, "AES256-GCM-SHA384"), whyBadOffer.text},
		{"port 0", both(), said(sid, id32, new12, "AES256-GCM-SHA384", port, "0"), whyBadOffer.text},
		{"port 65536", both(), said(sid, id32, new12, "AES256-GCM-SHA384", port, "65536"), whyBadOffer.text},
		{"port -1", both(), said(sid, id32, new12, "AES256-GCM-SHA384", port, "-1"), whyBadOffer.text},
		{"no port", both(), said(sid, id32, new12, "AES256-GCM-SHA384", port, ""), whyBadOffer.text},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, not := c.r.offer(c.k)
			got := not.text
			switch {
			case o != nil && o.suite != nil:
				got = fmt.Sprintf("%04x %s", o.suite.Version, o.suite.Name)
			case o != nil:
				got = "psk"
			}
			if got != c.want || o != nil && (o.port != 4433 || len(o.id) == 0) {
				t.Errorf("%q, not %q: %+v", got, c.want, o)
			}
		})
	}
}

// TestCapturedOffer: what ocserv says to openconnect.
func TestCapturedOffer(t *testing.T) {
	o, not := parse(t, capture(t, "legacy-dtls.response.txt")).offer(keys{resume: NewResumeOffer()})
	if o == nil || o.suite == nil || o.suite.ID != 0x009d || len(o.id) != 32 || o.port != 443 {
		t.Errorf("%+v, %q", o, not)
	}
}

// TestMasterSecret: each CONNECT has its own, nothing prints it, and a gateway that repeats it, in either case, does not bring it into state or errors.
func TestMasterSecret(t *testing.T) {
	o := NewResumeOffer()
	if other := NewResumeOffer(); o.Master.Len() != masterLen || o.Master.Equal(other.Master) {
		t.Error("not a secret of its own")
	}
	digits := hex.EncodeToString(o.Master.Reveal())
	r := &Request{Resume: o}
	if wire := string(r.Append(nil)); !strings.Contains(wire, "X-DTLS-Master-Secret: "+strings.ToUpper(digits)+"\r\n") {
		t.Errorf("%q", wire)
	}
	if text := fmt.Sprintf("%v %+v %#v", r, *r, o); strings.Contains(strings.ToLower(text), digits[:16]) {
		t.Errorf("printed: %s", text)
	}
	resp := said("X-CSTP-Banner", digits, "X-DTLS-Master-Secret", strings.ToUpper(digits))
	resp.concealAll(r)
	for _, f := range resp.Fields {
		if strings.Contains(strings.ToLower(f.Value), digits[:16]) {
			t.Errorf("%s: %s", f.Name, f.Value)
		}
	}
}

// FuzzResumeOffer: whatever a client sends, a gateway has a secret of the right length with known suites, or nothing; and what it has says itself again.
func FuzzResumeOffer(f *testing.F) {
	f.Add(strings.Repeat("ab", masterLen), resume.DTLS12.String(), "PSK-NEGOTIATE:"+resume.DTLS.String())
	f.Add("", "", "AES128-SHA")
	f.Fuzz(func(t *testing.T, master, new12, plain string) {
		h := http.Header{"X-Dtls-Master-Secret": {master}, "X-Dtls12-Ciphersuite": {new12}, "X-Dtls-Ciphersuite": {plain}}
		o := parseResumeOffer(h)
		if o.Master.Empty() {
			if len(o.DTLS)+len(o.DTLS12) > 0 {
				t.Fatal("suites without a secret")
			}
			return
		}
		var again ResumeOffer
		h = http.Header{}
		for line := range bytes.Lines(o.append(nil, false)) {
			name, value, _ := strings.Cut(strings.TrimSpace(string(line)), ": ")
			h.Set(name, value)
		}
		if again = parseResumeOffer(h); !reflect.DeepEqual(again, o) {
			t.Fatalf("%+v became %+v", o, again)
		}
	})
}
