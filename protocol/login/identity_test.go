package login

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// holder signs as the user's process does.
type holder struct {
	key    *ecdsa.PrivateKey
	away   bool          // nobody is there
	wait   time.Duration // before it signs
	asked  []protocol.Signing
	absent bool // Present says no
}

func (h *holder) Present() bool { return !h.absent }

func (h *holder) Sign(ctx context.Context, s protocol.Signing) ([]byte, error) {
	h.asked = append(h.asked, s)
	wait := h.wait
	if h.away {
		wait = time.Hour
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return nil, fault.New(fault.AuthUnsigned, ctx.Err())
	}
	var digest []byte
	switch s.Scheme {
	case protocol.SignECDSA256:
		d := sha256.Sum256(s.Content)
		digest = d[:]
	case protocol.SignECDSA384:
		d := sha512.Sum384(s.Content)
		digest = d[:]
	}
	return h.key.Sign(rand.Reader, digest, crypto.SHA256)
}

// client is a client certificate of w's authority, and its holder.
func (w *world) client() (*protocol.Identity, *holder) {
	c := w.ca.leaf(w.t, func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: "alice"}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	})
	h := &holder{key: c.PrivateKey.(*ecdsa.PrivateKey)}
	return &protocol.Identity{Chain: c.Certificate, Leaf: c.Leaf, Key: h}, h
}

// TestClientCertificate: what a gateway that asks in TLS gets, and what a refusal is called.
func TestClientCertificate(t *testing.T) {
	other := func(w *world) *x509.CertPool {
		pool := x509.NewCertPool()
		pool.AddCert(newAuthority(w.t).cert)
		return pool
	}
	for name, tc := range map[string]struct {
		version uint16
		auth    tls.ClientAuthType
		without bool // no certificate is at hand
		away    bool
		cas     func(*world) *x509.CertPool
		code    fault.Code
		asked   int // signatures
	}{
		"TLS 1.3":                           {tls.VersionTLS13, tls.RequireAndVerifyClientCert, false, false, nil, "", 1},
		"TLS 1.2":                           {tls.VersionTLS12, tls.RequireAndVerifyClientCert, false, false, nil, "", 1},
		"nobody asks for it":                {tls.VersionTLS13, tls.NoClientCert, false, false, nil, "", 0},
		"asked for, none there, not needed": {tls.VersionTLS13, tls.RequestClientCert, true, false, nil, "", 0},
		"needed, TLS 1.3":                   {tls.VersionTLS13, tls.RequireAndVerifyClientCert, true, false, nil, fault.AuthCertNeeded, 0},
		"needed, TLS 1.2":                   {tls.VersionTLS12, tls.RequireAndVerifyClientCert, true, false, nil, fault.AuthCertNeeded, 0},
		"of another authority, TLS 1.3":     {tls.VersionTLS13, tls.RequireAndVerifyClientCert, false, false, other, fault.AuthCertRefused, 1},
		"of another authority, TLS 1.2":     {tls.VersionTLS12, tls.RequireAndVerifyClientCert, false, false, other, fault.AuthCertRefused, 1},
		"its key does not answer":           {tls.VersionTLS13, tls.RequireAndVerifyClientCert, false, true, nil, fault.AuthUnsigned, 1},
		"its key does not answer, TLS 1.2":  {tls.VersionTLS12, tls.RequireAndVerifyClientCert, false, true, nil, fault.AuthUnsigned, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.end()
				cfg := w.config()
				cfg.MaxVersion, cfg.ClientAuth, cfg.Time = tc.version, tc.auth, time.Now
				cfg.ClientCAs = x509.NewCertPool()
				cfg.ClientCAs.AddCert(w.ca.cert)
				if tc.cas != nil {
					cfg.ClientCAs = tc.cas(w)
				}
				w.listen(addr1, func(c net.Conn) {
					w.serve(c, cfg, scripted(http200(string(done().Body), "Set-Cookie: webvpn="+canaryToken)))
				})
				target := w.target()
				id, h := w.client()
				h.away = tc.away
				if !tc.without {
					target.Identity = id
				}
				began := time.Now()
				r, err := Run(t.Context(), w.pc.Dialer(), target, &asker{}, Options{})
				switch {
				case tc.code != "":
					wantFault(t, err, tc.code)
				case err != nil:
					t.Fatal(err)
				default:
					_ = r.Conn.Close()
				}
				if len(h.asked) != tc.asked {
					t.Fatalf("%d signatures were asked for", len(h.asked))
				}
				if took := time.Since(began); took > 6*time.Second {
					t.Errorf("it took %v", took)
				}
				if len(h.asked) > 0 && tc.version == tls.VersionTLS13 && !strings.HasPrefix(string(h.asked[0].Content), strings.Repeat(" ", 64)+"TLS 1.3, client CertificateVerify\x00") {
					t.Errorf("what was to be signed: %q", h.asked[0].Content)
				}
			})
		})
	}
}

// scripted answers every request alike.
func scripted(raw string) script {
	return func(int, *http.Request, string) (string, time.Duration) { return raw, 0 }
}

// TestSessionComesBackWithCertificate: a session that comes back shows its certificate only where the key answers within a second.
func TestSessionComesBackWithCertificate(t *testing.T) {
	for name, tc := range map[string]struct {
		auth         tls.ClientAuthType
		absent, away bool
		shown        bool
		most         time.Duration
	}{
		"the key is there":                   {tls.RequestClientCert, false, false, true, 100 * time.Millisecond},
		"its process has gone":               {tls.RequestClientCert, true, false, false, 100 * time.Millisecond},
		"a process listens and has no key":   {tls.RequestClientCert, false, true, false, 1200 * time.Millisecond},
		"the gateway insists, and it signs":  {tls.RequireAnyClientCert, false, false, true, 100 * time.Millisecond},
		"nobody asks for it, nobody listens": {tls.NoClientCert, true, false, false, 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.end()
				cfg := w.config()
				cfg.ClientAuth = tc.auth
				shown := make(chan bool, 4)
				w.listen(addr1, func(c net.Conn) {
					server := tls.Server(c, cfg)
					if server.Handshake() == nil {
						shown <- len(server.ConnectionState().PeerCertificates) > 0
						_, _ = server.Read(make([]byte, 1))
					}
				})
				target := w.target()
				id, h := w.client()
				h.absent, h.away = tc.absent, tc.away
				target.Identity = id
				began := time.Now()
				c, err := DialSession(t.Context(), w.pc.Dialer(), protocol.SessionRef{Target: target, Gateway: netip.AddrPortFrom(addr1, 443)}, anyPath, Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = c.Close() }()
				if got := <-shown; got != tc.shown {
					t.Errorf("shown: %v", got)
				}
				if took := time.Since(began); took > tc.most {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// TestCertificateAskedInDocument: client-cert-request is answered on a new connection, then with client-cert-fail, then given up.
func TestCertificateAskedInDocument(t *testing.T) {
	want := Reply{Status: 200, Body: []byte(`<config-auth client="vpn" type="auth-request"><client-cert-request/></config-auth>`)}
	id := &protocol.Identity{Leaf: &x509.Certificate{}}
	for name, tc := range map[string]struct {
		id    *protocol.Identity
		fails []bool // of each init: client-cert-fail
		code  fault.Code
	}{
		"with a certificate":    {id, []bool{false, false, true}, fault.AuthCertRefused},
		"without a certificate": {nil, []bool{false, true}, fault.AuthCertNeeded},
	} {
		t.Run(name, func(t *testing.T) {
			c := NewConversation(protocol.Target{Host: "vpn.example", Identity: tc.id})
			act, err := c.Start()
			var fails, anew []bool
			for err == nil {
				fails = append(fails, strings.Contains(string(act.Send.Body.Reveal()), "<client-cert-fail/>"))
				anew = append(anew, act.Send.Anew)
				act, err = c.Reply(want)
			}
			wantFault(t, err, tc.code)
			if !slices.Equal(fails, tc.fails) || anew[0] || slices.Contains(anew[1:], false) {
				t.Errorf("client-cert-fail %v, new connections %v", fails, anew)
			}
		})
	}
}

// TestCertificateAndPassword: a gateway that took the certificate goes on with a form, whose user name the certificate proposes; one that cannot take it falls
// back to the form.
func TestCertificateAndPassword(t *testing.T) {
	names := func(cn string, uid string) *protocol.Identity {
		s := pkix.Name{CommonName: cn}
		if uid != "" {
			s.Names = []pkix.AttributeTypeAndValue{{Type: userID, Value: uid}}
		}
		return &protocol.Identity{Leaf: &x509.Certificate{Subject: s}}
	}
	for name, tc := range map[string]struct {
		id     *protocol.Identity
		inputs string
		preset string
	}{
		"by user ID":                {names("Alice of the lab", "alice"), `<input type="text" name="username"/>`, "alice"},
		"by common name":            {names("alice", ""), `<input type="text" name="username"/>`, "alice"},
		"a common name of a person": {names("Alice of the lab", ""), `<input type="text" name="username"/>`, ""},
		"the gateway's own":         {names("alice", ""), `<input type="text" name="username" value="bob"/>`, "bob"},
		"no certificate":            {nil, `<input type="text" name="username"/>`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := NewConversation(protocol.Target{Host: "vpn.example", Identity: tc.id})
			if _, err := c.Start(); err != nil {
				t.Fatal(err)
			}
			act, err := c.Reply(Reply{Status: 200, Body: []byte(`<config-auth client="vpn" type="auth-request"><cert-authenticated/><auth id="main"><form>` + tc.inputs +
				`<input type="password" name="password"/></form></auth></config-auth>`)})
			if err != nil {
				t.Fatal(err)
			}
			if f := act.Ask.Fields; len(f) != 2 || f[0].Value != tc.preset || f[1].Value != "" {
				t.Errorf("asked %+v", f)
			}
		})
	}
}

// TestCertificateAccepted: a document that says only that the certificate is good is answered with an empty reply.
func TestCertificateAccepted(t *testing.T) {
	c := NewConversation(protocol.Target{Host: "vpn.example"})
	if _, err := c.Start(); err != nil {
		t.Fatal(err)
	}
	act, err := c.Reply(Reply{Status: 200, Body: []byte(`<config-auth client="vpn" type="auth-request"><cert-authenticated/></config-auth>`)})
	if err != nil {
		t.Fatal(err)
	}
	if body := string(act.Send.Body.Reveal()); !strings.Contains(body, `type="auth-reply"`) || !strings.Contains(body, "<auth></auth>") {
		t.Errorf("answered %s", body)
	}
}
