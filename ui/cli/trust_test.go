package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// stranger is a gateway that nobody vouches for, in its own words.
func stranger() *ipc.Trust {
	return &ipc.Trust{
		Host: "vpn.example.com", Problems: []string{ipc.ProblemAuthority, ipc.ProblemName, "of tomorrow"}, Pin: "sha256:" + strings.Repeat("0a", 32), Certificate: strings.Repeat("f0", 32),
		Subject: "CN=gw\x1b[2J.example", Issuer: "CN=gw.example", Names: []string{"gw.example", "10.0.0.1"},
		NotBefore: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), NotAfter: time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

func TestTrustForPeople(t *testing.T) {
	var b bytes.Buffer
	writeTrust(&b, stranger())
	golden(t, "trust", b.Bytes())
	for _, p := range ipc.Problems() {
		if problems[p] == "" {
			t.Errorf("no words for %s", p)
		}
	}
}

// TestUntrustedGateway: a person types the answer out; where there is none, the gateway is refused, whatever other flags say.
func TestUntrustedGateway(t *testing.T) {
	refusal := step{fail: &ipc.Error{Code: string(fault.TLSUntrusted), Message: fault.New(fault.TLSUntrusted, nil).Sentence()}}
	for _, tt := range []struct {
		name   string
		who    *person
		args   string
		then   step
		exit   int
		answer string
	}{
		{"accepted", &person{replies: []string{"y", "", "Yes"}}, "", connected, 0, "accept"},
		{"refused", &person{replies: []string{"no"}}, "", refusal, 6, "decline"},
		{"nobody is there", nil, "", refusal, 6, "decline"},
		{"nobody may be asked", &person{}, "--no-input --accept-banner", refusal, 6, "decline"},
	} {
		b := &backend{steps: []step{{ask: &ipc.Prompt{Kind: "trust", Trust: stranger()}}, tt.then}}
		r := play(t, t.Context(), b, tt.who, "", append([]string{"connect", "vpn.example.com"}, strings.Fields(tt.args)...)...)
		if r.exit != tt.exit || strings.Join(b.answers, ",") != tt.answer {
			t.Errorf("%s: exit %d, answers %q, %s", tt.name, r.exit, b.answers, r.err)
		}
		if asked := strings.Contains(r.err, strings.Repeat("0a", 32)); asked != (tt.who != nil && tt.args == "") {
			t.Errorf("%s: %s", tt.name, r.err)
		}
	}
}

func TestTrustCommand(t *testing.T) {
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	b := &backend{trusted: []ipc.Trusted{{Host: "vpn.example.com:443", Pin: "sha256:" + strings.Repeat("0a", 32), At: at}}}
	if r := play(t, t.Context(), b, nil, "", "trust"); r.exit != 0 || !strings.Contains(r.out, "vpn.example.com:443  2026-05-04  sha256:0a0a") {
		t.Errorf("%+v", r)
	}
	if r := play(t, t.Context(), b, nil, "", "trust", "--json"); !strings.HasPrefix(r.out, `{"host":"vpn.example.com:443","pin":"sha256:0a`) {
		t.Errorf("%+v", r)
	}
	if r := play(t, t.Context(), b, nil, "", "trust", "--forget", "elsewhere"); r.exit != 2 {
		t.Errorf("%+v", r)
	}
	if r := play(t, t.Context(), b, nil, "", "trust", "--forget", "vpn.example.com:443"); r.exit != 0 || len(b.trusted) != 0 {
		t.Errorf("%+v", r)
	}
	if r := play(t, t.Context(), b, nil, "", "trust"); r.exit != 0 || r.out != "You have accepted no keys.\n" {
		t.Errorf("%+v", r)
	}
}
