package agent

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// certificatePEM is a client certificate.
func certificatePEM(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "alice"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestIdentityOf(t *testing.T) {
	cert := certificatePEM(t)
	key := "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
	for name, tc := range map[string]struct {
		text  string
		chain int
		code  fault.Code
	}{
		"none":                   {"", 0, ""},
		"one":                    {cert, 1, ""},
		"a chain":                {cert + cert, 2, ""},
		"a chain without end":    {strings.Repeat(cert, 17), 0, fault.AuthCertFile},
		"a private key":          {cert + key, 0, fault.UseBad},
		"a private key, encoded": {strings.ReplaceAll(key, "PRIVATE", "RSA PRIVATE"), 0, fault.UseBad},
		"text":                   {"hello", 0, fault.AuthCertFile},
		"something else":         {"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", 0, fault.AuthCertFile},
		"damaged":                {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0, fault.AuthCertFile},
	} {
		t.Run(name, func(t *testing.T) {
			id, err := identityOf(tc.text)
			switch {
			case tc.code != "":
				if err == nil || fault.As(err).Code != tc.code {
					t.Errorf("%v, want %s", err, tc.code)
				}
			case err != nil || tc.chain == 0 && id != nil || tc.chain > 0 && len(id.Chain) != tc.chain:
				t.Errorf("%+v, %v", id, err)
			}
		})
	}
}

// signs is a login that wants one signature and keeps it.
func signs(w *wire, got *[]byte) func(context.Context, protocol.Target, protocol.Prompter) (protocol.Tunnel, error) {
	return func(ctx context.Context, t protocol.Target, _ protocol.Prompter) (protocol.Tunnel, error) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		sig, err := t.Identity.Key.Sign(ctx, protocol.Signing{Scheme: protocol.SignECDSA256, Content: []byte("content")})
		*got = sig
		if err != nil {
			return nil, err
		}
		return w, nil
	}
}

func signature(text string) ipc.Answer {
	return ipc.Answer{Fields: map[string]redact.Secret{"signature": redact.NewString(text)}}
}

// TestSigning: the question is the owner's alone, part of the state, and open until there is an answer that could be one.
func TestSigning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []byte
		w := newWire()
		r := start(t, &scripted{open: signs(w, &got)})
		ctx := t.Context()
		req := ipc.ConnectRequest{Target: "vpn.example.com", CertPEM: certificatePEM(t)}
		if _, err := r.Connect(ctx, alice, req); err != nil {
			t.Fatal(err)
		}
		p := r.want("connecting").Prompt
		if p == nil || p.Kind != "sign" || p.Sign == nil || p.Sign.Scheme != "ecdsa-sha256" || string(p.Sign.Content) != "content" || len(p.Sign.Certificate) != 64 {
			t.Fatalf("prompt %+v", p)
		}
		if left := time.Until(p.Until); left != 5*time.Second {
			t.Errorf("open for %v", left)
		}
		good := signature(base64.StdEncoding.EncodeToString([]byte("a signature")))
		if err := r.Answer(ctx, bob, p.ID, good); fault.As(err).Code != fault.PolNotOwner {
			t.Errorf("another user's answer: %v", err)
		}
		yes := true
		for what, a := range map[string]ipc.Answer{
			"a banner's answer": {Accept: &yes},
			"another field":     {Fields: map[string]redact.Secret{"password": redact.NewString(canary)}},
			"no base64":         signature("***"),
			"nothing":           signature(""),
			"far too much":      signature(strings.Repeat("A", 1<<20)),
		} {
			if err := r.Answer(ctx, alice, p.ID, a); fault.As(err).Code != fault.UseBad {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := r.Answer(ctx, alice, p.ID, good); err != nil {
			t.Fatal(err)
		}
		if err := r.Answer(ctx, alice, p.ID, good); fault.As(err).Code != fault.AuthPromptGone {
			t.Errorf("a second answer: %v", err)
		}
		if s := r.want("connected"); s.Prompt != nil || string(got) != "a signature" {
			t.Errorf("signed %q, prompt %+v", got, s.Prompt)
		}
		if _, err := r.Connect(ctx, alice, req); err != nil {
			t.Errorf("the same certificate again: %v", err)
		}
		req.CertPEM = certificatePEM(t)
		if _, err := r.Connect(ctx, alice, req); fault.As(err).Code != fault.PolConnected {
			t.Errorf("another certificate: %v", err)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// oneClient is a listener with one connection, alice's.
type oneClient struct {
	conn chan net.Conn
	done context.Context
}

type aliceConn struct{ net.Conn }

func (aliceConn) Peer() localsock.Peer { return alice }

func (l oneClient) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.done.Done():
		return nil, net.ErrClosed
	}
}

func (oneClient) Close() error   { return nil }
func (oneClient) Addr() net.Addr { return &net.UnixAddr{Name: "one", Net: "unix"} }

// listen has a client of alice's follow the events until stop is called.
func listen(t *testing.T, r *running) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	near, far := net.Pipe()
	l := oneClient{make(chan net.Conn, 1), ctx}
	l.conn <- aliceConn{far}
	all.Go(func() { _ = ipc.NewServer(r, r.cfg.Hub, r.cfg.Log).Serve(ctx, l) })
	events, err := ipc.NewClientOver(func(context.Context) (net.Conn, error) { return near, nil }).Events(ctx)
	if err != nil {
		t.Fatal(err)
	}
	all.Go(func() {
		defer func() { _ = events.Close() }()
		for err == nil {
			_, err = events.Next()
		}
	})
	return func() { cancel(); all.Wait() }
}

// TestKeyholderPresent: somebody must listen, and one who did not sign in time is not asked again until the next connect.
func TestKeyholderPresent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &scripted{open: opens(newWire())})
		ctx := t.Context()
		req := ipc.ConnectRequest{Target: "vpn.example.com", CertPEM: certificatePEM(t)}
		if _, err := r.Connect(ctx, alice, req); err != nil {
			t.Fatal(err)
		}
		r.want("connected")
		key := r.loop.status.conn.key // the loop rests
		if key.Present() {
			t.Error("nobody listens")
		}
		leave := listen(t, r)
		if !key.Present() {
			t.Error("somebody listens")
		}
		patience, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, err := key.Sign(patience, protocol.Signing{Scheme: protocol.SignEd25519, Content: []byte("x")}); fault.As(err).Code != fault.AuthUnsigned {
			t.Errorf("a client that only watches: %v", err)
		}
		if key.Present() {
			t.Error("who did not sign is asked again")
		}
		if _, err := r.Connect(ctx, alice, req); err != nil || !key.Present() {
			t.Errorf("after a connect: %v", err)
		}
		leave()
		if key.Present() {
			t.Error("everybody has gone")
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestSigningEnds: nobody answers, somebody refuses, the attempt is given up, the agent stops: the worker is free each time and nothing stays open.
func TestSigningEnds(t *testing.T) {
	for name, end := range map[string]func(*running, *ipc.Prompt) error{
		"nobody answers": func(*running, *ipc.Prompt) error { time.Sleep(6 * time.Second); return nil },
		"refused": func(r *running, p *ipc.Prompt) error {
			return r.Answer(r.t.Context(), alice, p.ID, ipc.Answer{Cancel: true})
		},
		"disconnected":    func(r *running, _ *ipc.Prompt) error { return r.Disconnect(r.t.Context(), alice) },
		"the agent stops": func(r *running, _ *ipc.Prompt) error { return r.stop() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []byte
				r := start(t, &scripted{open: signs(newWire(), &got)})
				if _, err := r.Connect(t.Context(), alice, ipc.ConnectRequest{Target: "vpn.example.com", CertPEM: certificatePEM(t)}); err != nil {
					t.Fatal(err)
				}
				p := r.want("connecting").Prompt
				if p == nil {
					t.Fatal("nothing is asked")
				}
				if err := end(r, p); err != nil {
					t.Fatal(err)
				}
				s := r.want("disconnected")
				if s.Prompt != nil || got != nil {
					t.Errorf("prompt %+v, signed %q", s.Prompt, got)
				}
				if asked := name == "nobody answers" || name == "refused"; asked != (s.Error != nil && s.Error.Code == string(fault.AuthUnsigned)) {
					t.Errorf("error %+v", s.Error)
				}
				if name != "the agent stops" {
					if err := r.stop(); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}
