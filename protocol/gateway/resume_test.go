package gateway

import (
	"context"
	"encoding/hex"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/cstp"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/resume"
)

// TestOurClientResumes: where the gateway has no PSK, as Cisco's, packets go by a session to resume, AES-GCM unless both ends have nothing better.
func TestOurClientResumes(t *testing.T) {
	for name, c := range map[string]struct {
		dtls   DTLS
		cipher string
	}{
		"AES-GCM":       {DTLS{NoPSK: true}, "DTLS 1.2 TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
		"weak, unused":  {DTLS{NoPSK: true, Weak: true}, "DTLS 1.2 TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
		"PSK preferred": {DTLS{}, "DTLS 1.2 TLS_PSK_WITH_AES_256_GCM_SHA384"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(g *Config) { g.DTLS = c.dtls })
				o := r.open()
				o.travels(r, "dtls", 3*time.Second)
				if got := o.Transport().Cipher; got != c.cipher {
					t.Errorf("by %s, want %s", got, c.cipher)
				}
				r.gw.DropDTLS()
				_ = o.answered()
				o.travels(r, "tls", 3*time.Second)
				o.travels(r, "dtls", 10*time.Second)
			})
		})
	}
}

// TestNoWayIntoDTLS: what neither end has, or wants, is not offered.
func TestNoWayIntoDTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(g *Config) { g.DTLS = DTLS{NoPSK: true, NoResume: true} })
		o := r.open()
		o.travels(r, "tls", time.Second)
		if got := o.Transport().Reason; got != "gateway offers no DTLS" {
			t.Errorf("reason %q", got)
		}
	})
}

// TestWeakSessions: clients that have nothing but AES-CBC, in DTLS 1.2 or what was before it, are let in only where that is allowed.
func TestWeakSessions(t *testing.T) {
	old := cstp.NewResumeOffer()
	old.DTLS12, old.DTLS = nil, resume.DTLS.Named("AES256-SHA")
	cbc := cstp.NewResumeOffer()
	cbc.DTLS12, cbc.DTLS = resume.DTLS12.Named("AES128-SHA"), nil
	for name, c := range map[string]struct {
		offer  cstp.ResumeOffer
		header string
	}{"before the standard": {old, "X-DTLS-CipherSuite"}, "DTLS 1.2": {cbc, "X-DTLS12-CipherSuite"}} {
		for _, weak := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", allowed", false: ""}[weak], func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, func(g *Config) { g.DTLS.Weak = weak })
					client := r.dial()
					q := &cstp.Request{Host: "vpn.example.com", UserAgent: "AnyConnect test", Token: r.login(), Hostname: "laptop", BaseMTU: 1400, Resume: c.offer}
					resp := client.send(q)
					if !weak {
						if resp.Get("X-DTLS-Session-ID") != "" || resp.Get("X-DTLS-Port") != "" {
							t.Errorf("offered: %v", resp.Fields)
						}
						return
					}
					list := append(append(resume.List{}, c.offer.DTLS12...), c.offer.DTLS...)
					id, err := hex.DecodeString(resp.Get("X-DTLS-Session-ID"))
					suite, ok := list.Find(resp.Get(c.header))
					if err != nil || len(id) != helloLen || !ok {
						t.Fatalf("%v in %v", err, resp.Fields)
					}
					set, err := resp.Settings()
					if err != nil {
						t.Fatal(err)
					}
					if want := 1400 - 28 - 1 - 13 - 16 - 20 - 16; set.MTU != want {
						t.Errorf("MTU %d, want %d", set.MTU, want)
					}
					d := &doubleTunnel{testTunnel: &testTunnel{cstp.NewStream(client.tls, client.cork, cstp.Residual(client.r)), t, set}, r: r}
					t.Cleanup(func() { _ = d.Abandon() })
					conn, err := r.dialUDP(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
					defer cancel()
					cfg := resume.Config{Version: suite.Version, Suite: suite.ID, SessionID: id, Master: c.offer.Master}
					ch, err := dtlstun.Resume(ctx, conn, cfg, func(dtlstun.Type, []byte) {})
					if err != nil {
						t.Fatal(err)
					}
					d.asks(ch, ch, 1)
					_ = ch.Close()
				})
			})
		}
	}
}
