package login

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// truster is an asker that keeps keys.
type truster struct {
	asker
	accepts bool
	forbids bool // to ask
	keys    map[string][32]byte
	shown   []*protocol.Untrusted
}

func (a *truster) Ask(ctx context.Context, f protocol.Form) (protocol.Answer, error) {
	if f.Kind != protocol.FormTrust {
		return a.asker.Ask(ctx, f)
	}
	a.shown = append(a.shown, f.Trust)
	return protocol.Answer{Accept: a.accepts}, nil
}

func (a *truster) AcceptedKey(host string, _ uint16) (key [32]byte, ok bool) {
	key, ok = a.keys[host]
	return key, ok
}
func (a *truster) MayAccept() bool { return !a.forbids }
func (a *truster) AcceptKey(host string, _ uint16, key [32]byte) error {
	a.keys[host] = key
	return nil
}

// TestAcceptedKeys: who is asked to accept a key, what that is good for, and that another key is refused.
func TestAcceptedKeys(t *testing.T) {
	for name, tc := range map[string]struct {
		trust   func(w *world, cert tls.Certificate) protocol.Trust
		known   bool // the key was accepted before
		other   bool // another one was
		accepts bool
		forbids bool
		asked   int
		code    fault.Code // "" when it is believed
	}{
		"accepted":                 {accepts: true, asked: 1},
		"declined":                 {asked: 1, code: fault.TLSUntrusted},
		"nobody may be asked":      {accepts: true, forbids: true, code: fault.TLSUntrusted},
		"accepted before":          {known: true},
		"accepted before, no more": {known: true, forbids: true},
		"another key":              {other: true, accepts: true, code: fault.TLSOther},
		"a pin says otherwise":     {trust: func(*world, tls.Certificate) protocol.Trust { return protocol.Trust{Pins: [][32]byte{{1}}} }, accepts: true, known: true, code: fault.TLSPin},
		"a CA file says otherwise": {trust: func(w *world, _ tls.Certificate) protocol.Trust { return protocol.Trust{CAPEM: newAuthority(w.t).pem} }, accepts: true, known: true, code: fault.TLSUntrusted},
		"a profile pins":           {trust: func(*world, tls.Certificate) protocol.Trust { return protocol.Trust{Require: [][64]byte{{1}}} }, accepts: true, known: true, code: fault.TLSUntrusted},
		"a CA file that vouches":   {trust: func(w *world, _ tls.Certificate) protocol.Trust { return protocol.Trust{CAPEM: w.ca.pem} }, other: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.end()
				cert := w.ca.leaf(t, nil)
				w.gateway(addr1, cert, passwordGateway)
				user := &truster{asker: asker{answers: answers{"password": {canaryPassword}}}, accepts: tc.accepts, forbids: tc.forbids, keys: map[string][32]byte{}}
				if tc.known {
					user.keys["vpn.example"] = keyOf(cert)
				} else if tc.other {
					user.keys["vpn.example"] = [32]byte{1}
				}
				target := w.target()
				target.Trust = protocol.Trust{}
				if tc.trust != nil {
					target.Trust = tc.trust(w, cert)
				}
				r, err := Run(t.Context(), w.pc.Dialer(), target, user, Options{})
				if len(user.shown) != tc.asked {
					t.Errorf("asked %d times", len(user.shown))
				}
				if tc.asked > 0 {
					if u := user.shown[0]; u.Host != "vpn.example" || u.Port != 443 || u.Key != keyOf(cert) || u.Certificate != sha256.Sum256(cert.Leaf.Raw) || !slices.Equal(u.Problems, []protocol.Problem{protocol.ProblemAuthority}) {
						t.Errorf("shown %+v", u)
					}
				}
				if tc.code == "" {
					if err != nil {
						t.Fatal(err)
					}
					if tc.accepts && user.keys["vpn.example"] != keyOf(cert) {
						t.Error("the key was not kept")
					}
					_ = r.Conn.Close()
					return
				}
				wantFault(t, err, tc.code)
				if posts, _ := w.seen(); len(posts) != 0 {
					t.Error("a request was sent to a gateway that is not trusted")
				}
			})
		})
	}
}

// TestKeyThatChangesWhileAsked: who answers after the question must have the key that was shown in it.
func TestKeyThatChangesWhileAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		certs := []tls.Certificate{w.ca.leaf(t, nil), w.ca.leaf(t, nil)}
		w.listen(addr1, func(c net.Conn) {
			w.mu.Lock()
			cert := certs[min(w.conns, 1)]
			w.conns++
			w.mu.Unlock()
			s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, Time: time.Now})
			_ = s.HandshakeContext(t.Context())
			_ = s.Close()
		})
		user := &truster{accepts: true, keys: map[string][32]byte{}}
		target := w.target()
		target.Trust = protocol.Trust{}
		_, err := Run(t.Context(), w.pc.Dialer(), target, user, Options{})
		wantFault(t, err, fault.TLSOther)
		if len(user.shown) != 1 {
			t.Errorf("asked %d times", len(user.shown))
		}
	})
}

// TestProblems: a person is told all that is wrong, and in a stranger's words nothing that could pretend to be ours.
func TestProblems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := newAuthority(t)
		now := time.Now()
		small, err := rsa.GenerateKey(rand.Reader, 1024)
		if err != nil {
			t.Fatal(err)
		}
		for name, tc := range map[string]struct {
			change func(*x509.Certificate)
			alone  bool // signed by itself
			want   []protocol.Problem
		}{
			"signed by itself": {nil, true, []protocol.Problem{protocol.ProblemAuthority}},
			"another name":     {func(c *x509.Certificate) { c.DNSNames = []string{"b\x1b[2J.example"} }, false, []protocol.Problem{protocol.ProblemName}},
			"out of date":      {func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Minute) }, false, []protocol.Problem{protocol.ProblemExpired}},
			"not yet":          {func(c *x509.Certificate) { c.NotBefore = now.Add(time.Minute) }, false, []protocol.Problem{protocol.ProblemNotYet}},
			"a client's":       {func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, false, []protocol.Problem{protocol.ProblemUsage}},
			"all at once": {func(c *x509.Certificate) {
				c.DNSNames, c.NotAfter, c.ExtKeyUsage = nil, now.Add(-time.Minute), []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
			}, true, []protocol.Problem{protocol.ProblemAuthority, protocol.ProblemName, protocol.ProblemExpired, protocol.ProblemUsage}},
			"critical and unknown": {func(c *x509.Certificate) {
				c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
			}, false, []protocol.Problem{protocol.ProblemInvalid}},
		} {
			by := ca
			if tc.alone {
				by = nil
			}
			tpl := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0), DNSNames: []string{"vpn.example"},
				Subject: pkix.Name{CommonName: "x\u202e" + strings.Repeat("long ", 100)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
			if tc.change != nil {
				tc.change(tpl)
			}
			cert := issue(t, tpl, by)
			v, err := newVerifier("vpn.example", protocol.Trust{CAPEM: ca.pem}, nil)
			if err != nil {
				t.Fatal(err)
			}
			var u *protocol.Untrusted
			if err := v.verify(tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert.Leaf}}); !errors.As(err, &u) || !slices.Equal(u.Problems, tc.want) {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if text := u.Subject + strings.Join(u.Names, ""); strings.ContainsAny(text, "\u202e\x1b") || len(u.Subject) > 210 {
				t.Errorf("%s: %q", name, text)
			}
			if u.Error() == "" || strings.Contains(u.Error(), "long") {
				t.Errorf("%s: the log says %q", name, u.Error())
			}
		}
		if !weak(&x509.Certificate{PublicKey: &small.PublicKey}) || !weak(&x509.Certificate{SignatureAlgorithm: x509.SHA1WithRSA}) || weak(ca.cert) {
			t.Error("what is weak")
		}
	})
}

// TestShownNamesAreBounded: a certificate may hold thousands.
func TestShownNamesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := newAuthority(t)
		cert := ca.leaf(t, func(c *x509.Certificate) {
			c.DNSNames, c.IPAddresses = slices.Repeat([]string{strings.Repeat("a", 60) + ".example"}, 500), slices.Repeat([]net.IP{addr2.AsSlice()}, 500)
		})
		v, err := newVerifier("vpn.example", protocol.Trust{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var u *protocol.Untrusted
		if err := v.verify(tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert.Leaf}}); !errors.As(err, &u) || len(u.Names) != 2*maxNames {
			t.Errorf("%v: %d names", err, len(u.Names))
		}
	})
}
