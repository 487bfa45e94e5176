package gateway

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
)

func TestLoginConnectAndPackets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		tun := r.up(r.login())
		s := tun.set
		if len(s.Addresses) != 2 || s.Addresses[0].String() != "10.11.0.2/24" || s.Addresses[1].String() != "fd00:11::2/64" {
			t.Errorf("addresses %v", s.Addresses)
		}
		if s.MTU != 1400 || s.DPD != 30*time.Second || s.Keepalive != 20*time.Second || s.DisconnectedTimeout != 2*time.Minute || s.Banner != "Be careful." ||
			len(s.SplitInclude) != 2 || len(s.DNS) != 1 || s.Server != "holdfast gateway" {
			t.Errorf("settings %+v", s)
		}
		tun.works()
		list := r.gw.Sessions()
		if len(list) != 1 {
			t.Fatalf("%d sessions", len(list))
		}
		got := list[0]
		if got.User != "alice" || got.Group != "staff" || !got.Active || got.Hostname != "laptop" || got.Rx.Packets != 2 || got.Tx.Packets != 2 {
			t.Errorf("session %+v", got)
		}
		line := got.String()
		for _, part := range []string{"user=alice", "group=staff", "state=active", "address=10.11.0.2,fd00:11::2", "client=192.0.2.9:", "reconnects=0", "rx=2/80B"} {
			if !strings.Contains(line, part) {
				t.Errorf("%q is not in %q", part, line)
			}
		}
	})
}

func TestForms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.PreLogin = "Authorised use only." })
		c := r.dial()
		form, resp := c.post("/admins", hello)
		if form.AuthID != authxml.AuthMain || form.Banner != "Authorised use only." || resp.Header.Get("X-Aggregate-Auth") != "1" {
			t.Errorf("form %+v, headers %v", form, resp.Header)
		}
		sel := form.Form.Inputs[2]
		if sel.Name != authxml.GroupList || len(sel.Options) != 2 || sel.Options[0].Selected || !sel.Options[1].Selected {
			t.Errorf("the path did not choose the group: %+v", sel)
		}
		again, _ := c.post("/", &authxml.Request{Type: authxml.TypeInit, GroupSelect: "Staff network", Opaque: form.Opaque})
		if !again.Form.Inputs[2].Options[0].Selected {
			t.Error("a group chosen by label is not selected")
		}
		chal, _ := c.post("/", answers(again.Opaque, "staff", "username=bob", "password=builder"))
		if chal.AuthID != authxml.AuthChallenge || chal.Message != "What is the code?" || chal.Form.Inputs[0].Name != "answer" || chal.Error != "" {
			t.Fatalf("challenge %+v", chal)
		}
		chal, _ = c.post("/", answers(chal.Opaque, "", "password=0"))
		if chal.AuthID != authxml.AuthChallenge || chal.Error != loginFailed {
			t.Fatalf("after a wrong code: %+v", chal)
		}
		done, resp := c.post("/", answers(chal.Opaque, "", "password=424242"))
		if done.Type != authxml.TypeComplete || done.Banner != "Be careful." || done.SessionToken.Empty() {
			t.Fatalf("complete %+v", done)
		}
		if len(resp.Cookies()) != 1 || resp.Cookies()[0].Name != "webvpn" || resp.Cookies()[0].Value != string(done.SessionToken.Reveal()) {
			t.Errorf("cookies %v", resp.Cookies())
		}
	})
}

func TestRefusedLogins(t *testing.T) {
	tests := map[string][]string{
		"wrong password": {"staff", "username=alice", "password=wrong"},
		"unknown user":   {"staff", "username=eve", "password=wonderland"},
		"foreign group":  {"admins", "username=bob", "password=builder"},
		"empty":          {"staff"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil)
				c := r.dial()
				form, _ := c.post("/", hello)
				for range maxTries - 1 {
					if form, _ = c.post("/", answers(form.Opaque, tt[0], tt[1:]...)); form.Error != loginFailed || form.Form == nil {
						t.Fatalf("%+v, want the form again with an error", form)
					}
				}
				if _, resp := c.post("/", answers(form.Opaque, tt[0], tt[1:]...)); resp.StatusCode != http.StatusUnauthorized {
					t.Errorf("the last answer has %d, want 401", resp.StatusCode)
				}
				if n := len(r.gw.Sessions()); n != 0 {
					t.Errorf("%d sessions", n)
				}
			})
		})
	}
}

func TestWrongPasswordThenRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newRig(t, nil).dial()
		form, _ := c.post("/", hello)
		form, _ = c.post("/", answers(form.Opaque, "", "username=alice", "password=wrong"))
		if done, _ := c.post("/", answers(form.Opaque, "", "username=alice", "password=wonderland")); done.Type != authxml.TypeComplete {
			t.Errorf("%+v", done)
		}
		// The handle is spent: the same answer again begins a new login.
		if again, _ := c.post("/", answers(form.Opaque, "", "username=alice", "password=wonderland")); again.Type != authxml.TypeRequest || again.Error == "" {
			t.Errorf("%+v", again)
		}
	})
}

func TestHostileRequests(t *testing.T) {
	big := strings.Repeat("x", maxRequest+1)
	tests := map[string]string{
		"no HTTP":           "\x00\x01\x02\x03\r\n\r\n",
		"endless head":      "GET / HTTP/1.1\r\nX: " + big + "\r\n\r\n",
		"body too long":     "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n" + big,
		"no XML":            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
		"other CONNECT":     "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n",
		"CONNECT, no token": "CONNECT /CSCOSSLC/tunnel HTTP/1.1\r\nHost: x\r\n\r\n",
		"unknown method":    "BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
		"unknown page":      "GET /+CSCOE+/x HTTP/1.1\r\nHost: x\r\n\r\n",
	}
	for name, request := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil)
				c := r.dial()
				go func() { _, _ = c.tls.Write([]byte(request)) }()
				answer, _ := io.ReadAll(c.tls) // ends: the gateway closes
				if len(answer) > 0 && !strings.HasPrefix(string(answer), "HTTP/1.1 4") {
					t.Errorf("answered %q", answer)
				}
				r.up(r.login()).works()
			})
		})
	}
}

func TestSessionOutlivesTunnel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		token := r.login()
		r.login() // somebody else's session, to take the next address
		first := r.up(token)
		first.works()
		_ = first.Abandon()
		time.Sleep(time.Second)
		if s := r.gw.Sessions()[0]; s.Active || s.Reconnects != 0 {
			t.Errorf("after the loss: %v", s)
		}
		r.up(r.login()).works() // takes another address
		second := r.up(token)
		second.works()
		if a, b := first.set.Addresses, second.set.Addresses; a[0] != b[0] || a[1] != b[1] {
			t.Errorf("the addresses changed from %v to %v", a, b)
		}
		if s := r.gw.Sessions()[0]; !s.Active || s.Reconnects != 1 || s.Rx.Packets != 4 {
			t.Errorf("after the reconnect: %v", s)
		}
	})
}

func TestDisconnectedTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		token := r.login()
		_ = r.up(token).Abandon()
		time.Sleep(2*time.Minute - time.Second)
		_ = r.up(token).Abandon() // still there, and counted anew
		time.Sleep(2*time.Minute + time.Second)
		if resp := r.dial().connect(token); resp.Status != http.StatusUnauthorized {
			t.Errorf("status %d, want 401", resp.Status)
		}
		if n := len(r.gw.Sessions()); n != 0 {
			t.Errorf("%d sessions", n)
		}
		if a := r.up(r.login()).set.Addresses[0].Addr().String(); a != "10.11.0.2" {
			t.Errorf("the address was not freed: the next is %s", a)
		}
	})
}

func TestSecondConnectEndsTheOlderTunnel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		token := r.login()
		older := r.up(token)
		newer := r.up(token)
		_, err := older.recv()
		var closed *cstp.PeerClosed
		if !errors.As(err, &closed) || closed.Type != cstp.TypeDisconnect || closed.Reason != cstp.ReasonNone {
			t.Errorf("the older tunnel ended with %v, want an empty DISCONNECT", err)
		}
		// What the older one says now does not touch the session.
		_ = older.WriteControl(cstp.TypeDisconnect, cstp.AppendDisconnect(nil, cstp.ReasonUser, ""))
		time.Sleep(time.Second)
		newer.works()
	})
}

func TestDisconnectReasons(t *testing.T) {
	for reason, kept := range map[byte]bool{cstp.ReasonUser: false, cstp.ReasonLocalError: false, cstp.ReasonReconnect: true, cstp.ReasonPause: true, cstp.ReasonNone: true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, nil)
			token := r.login()
			tun := r.up(token)
			if err := tun.WriteControl(cstp.TypeDisconnect, cstp.AppendDisconnect(nil, reason, "bye")); err != nil {
				t.Fatal(err)
			}
			_ = tun.Close()
			time.Sleep(time.Second)
			if got := len(r.gw.Sessions()) == 1; got != kept {
				t.Errorf("after reason %#x: kept %t, want %t", reason, got, kept)
			}
			want := http.StatusUnauthorized
			if kept {
				want = http.StatusOK
			}
			if resp := r.dial().connect(token); resp.Status != want {
				t.Errorf("after reason %#x: CONNECT has %d, want %d", reason, resp.Status, want)
			}
		})
	}
}

func TestLogout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		token := r.login()
		r.up(token)
		if _, resp := r.dial().post("/logout", &authxml.Request{Type: authxml.TypeLogout, SessionToken: token}); resp.StatusCode != http.StatusOK {
			t.Errorf("status %d", resp.StatusCode)
		}
		if resp := r.dial().connect(token); resp.Status != http.StatusUnauthorized {
			t.Errorf("afterwards CONNECT has %d", resp.Status)
		}
	})
}

func TestGatewayAnswersAndSendsDPD(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		tun := r.up(r.login())
		ended := make(chan error, 1)
		go func() { _, err := tun.recv(); ended <- err }()
		// The stream answers the gateway's requests: nothing else is said for ten minutes, and the tunnel lives.
		select {
		case err := <-ended:
			t.Fatalf("an idle tunnel ended: %v", err)
		case <-time.After(10 * time.Minute):
		}
		if !r.gw.Sessions()[0].Active {
			t.Error("the session is not active")
		}
		// A client that has gone without a word is found out.
		r.pc.SetSilent(true)
		time.Sleep(95 * time.Second)
		if r.gw.Sessions()[0].Active {
			t.Error("a dead peer is still active after three DPD intervals")
		}
	})
}

func TestIdleAndSessionTimeout(t *testing.T) {
	for name, tt := range map[string]struct {
		set  func(*Config)
		text string
		at   time.Duration
	}{
		"idle":    {func(c *Config) { c.Settings.IdleTimeout = time.Minute }, "Idle timeout", time.Minute},
		"session": {func(c *Config) { c.Settings.SessionTimeout = 3 * time.Minute }, "Session timeout", 3 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, tt.set)
				token := r.login()
				tun := r.up(token)
				start := time.Now()
				_, err := tun.recv()
				var closed *cstp.PeerClosed
				if !errors.As(err, &closed) || closed.Type != cstp.TypeTerminate || closed.Text != tt.text {
					t.Fatalf("ended with %v", err)
				}
				if d := time.Since(start); d < tt.at-time.Second || d > tt.at+time.Second {
					t.Errorf("ended after %v", d)
				}
				if resp := r.dial().connect(token); resp.Status != http.StatusUnauthorized {
					t.Errorf("afterwards CONNECT has %d", resp.Status)
				}
			})
		})
	}
}

func TestForeignSourcesAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		tun := r.up(r.login())
		spoofed := tun.ping(inside4, 1)
		copy(spoofed[12:16], []byte{10, 11, 0, 77})
		tun.send(spoofed)
		tun.send([]byte{0x45, 0})
		tun.send(tun.ping(inside4, 2))
		p, err := tun.recv()
		if err != nil || binary.BigEndian.Uint16(p[26:]) != 2 {
			t.Errorf("%x, %v: want the answer to the honest packet", p, err)
		}
		if d := r.gw.Sessions()[0].Rx.Drops; d != 2 {
			t.Errorf("%d drops", d)
		}
	})
}

func TestPoolUsedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Pools = []netip.Prefix{netip.MustParsePrefix("10.11.0.0/30")} })
		r.up(r.login())
		resp := r.dial().connect(r.login())
		if resp.Status != http.StatusServiceUnavailable || resp.Reason() == "" {
			t.Errorf("%d %q, want 503 and a reason", resp.Status, resp.Reason())
		}
	})
}

func TestEchoAnswersDatagrams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		tun := r.up(r.login())
		for _, to := range []netip.Addr{inside4, inside6} {
			for port, want := range map[uint16]string{echoPort: "GET / HTTP/1.1\r\n\r\n", httpPort: "HTTP/1.1 200 OK"} {
				d := []byte{0xc0, 0, 0, byte(port), 0, 26, 0, 0}
				p := build(tun.local(to), to, protoUDP, append(d, "GET / HTTP/1.1\r\n\r\n"...))
				tun.send(p)
				answer, err := tun.recv()
				if err != nil || !bytes.Contains(answer, []byte(want)) {
					t.Errorf("port %d at %s: %q, %v", port, to, answer, err)
				}
			}
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	id, err := SelfSigned("x.example")
	if err != nil {
		t.Fatal(err)
	}
	pool := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}
	for name, cfg := range map[string]Config{
		"no certificate": {Inside: NewEcho(), Pools: pool},
		"no inside":      {Certificate: id.Certificate, Pools: pool},
		"no pool":        {Certificate: id.Certificate, Inside: NewEcho()},
		"two of a kind":  {Certificate: id.Certificate, Inside: NewEcho(), Pools: append(pool, pool...)},
		"pool too small": {Certificate: id.Certificate, Inside: NewEcho(), Pools: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/31")}},
	} {
		if g, err := New(cfg); err == nil {
			_ = g.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSecretsAreNotLogged(t *testing.T) {
	var log bytes.Buffer
	secrets := []redact.Secret{redact.NewString("wonderland")}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Log = newTestLog(&log) })
		token := r.login()
		secrets = append(secrets, token)
		_ = r.up(token).Abandon()
	})
	for _, secret := range secrets {
		if bytes.Contains(log.Bytes(), secret.Reveal()) {
			t.Errorf("the log holds a secret:\n%s", log.String())
		}
	}
	if !strings.Contains(log.String(), "tunnel up") {
		t.Errorf("the log says %q", log.String())
	}
}

func wantCode(t *testing.T, err error, code fault.Code) {
	t.Helper()
	if fault.As(err) == nil || fault.As(err).Code != code {
		t.Errorf("error %v, want %s", err, code)
	}
}
