package gateway

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
)

func newTestLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestDropConnectionsKeepsSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		token := r.login()
		tun := r.up(token)
		r.gw.DropConnections()
		_, err := tun.recv()
		wantCode(t, err, fault.NetLost)
		r.up(token).works()
	})
}

func TestRefuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		tun := r.up(r.login())
		r.gw.Refuse(10 * time.Second)
		if _, err := r.tryDial(); err == nil {
			t.Error("a new connection was served")
		}
		tun.works()
		time.Sleep(10 * time.Second)
		r.dial()
	})
}

func TestRestart(t *testing.T) {
	for name, keep := range map[string]bool{"sessions kept": true, "sessions lost": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil)
				token := r.login()
				tun := r.up(token)
				r.gw.Restart(keep)
				_, err := tun.recv()
				wantCode(t, err, fault.NetLost)
				_, err = r.tryDial()
				wantCode(t, err, fault.NetRefused)
				r.serve()
				want := http.StatusUnauthorized
				if keep {
					want = http.StatusOK
				}
				if resp := r.dial().connect(token); resp.Status != want {
					t.Errorf("CONNECT has %d, want %d", resp.Status, want)
				}
				r.up(r.login()).works()
			})
		})
	}
}

func TestHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		token := r.login()
		tun := r.up(token)
		tun.works()
		r.gw.Hang()
		if err := tun.WriteControl(cstp.TypeDPDReq, nil); err != nil {
			t.Fatal(err)
		}
		tun.send(tun.ping(inside4, 9))
		heard := make(chan error, 1)
		go func() { _, err := tun.recv(); heard <- err }()
		select {
		case err := <-heard:
			t.Fatalf("a hung tunnel said something: %v", err)
		case <-time.After(time.Minute):
		}
		r.up(token).works() // replaces the hung one
		if err := <-heard; err == nil {
			t.Error("the hung tunnel delivered a packet")
		}
	})
}

func TestRevokeAndKick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		token := r.login()
		tun := r.up(token)
		if !r.gw.Revoke(r.gw.Sessions()[0].ID) {
			t.Fatal("no such session")
		}
		_, err := tun.recv()
		wantCode(t, err, fault.NetLost)
		if resp := r.dial().connect(token); resp.Status != http.StatusUnauthorized {
			t.Errorf("CONNECT has %d, want 401", resp.Status)
		}

		tun = r.up(r.login())
		if !r.gw.Kick(r.gw.Sessions()[0].ID) {
			t.Fatal("no such session")
		}
		_, err = tun.recv()
		var closed *cstp.PeerClosed
		if !errors.As(err, &closed) || closed.Type != cstp.TypeDisconnect || closed.Reason != cstp.ReasonNone {
			t.Errorf("kicked with %v", err)
		}
		if r.gw.Kick(1<<31) || r.gw.Revoke(1<<31) {
			t.Error("a session that is not there was ended")
		}
	})
}

func TestUnavailableOnConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		token := r.login()
		r.gw.Misbehave(StageConnect, &Misdeed{Kind: Unavailable, Reason: "Maintenance", Times: 2})
		for range 2 {
			if resp := r.dial().connect(token); resp.Status != http.StatusServiceUnavailable || resp.Reason() != "Maintenance" {
				t.Errorf("%d %q", resp.Status, resp.Reason())
			}
		}
		r.up(token).works()
	})
}

func TestLateAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.gw.Misbehave(StageLogin, &Misdeed{Delay: 25 * time.Second, Times: 1})
		c := r.dial()
		start := time.Now()
		if form, _ := c.post("/", hello); form.Type != authxml.TypeRequest {
			t.Errorf("%+v", form)
		}
		if d := time.Since(start); d < 25*time.Second || d > 26*time.Second {
			t.Errorf("answered after %v", d)
		}
	})
}

func TestWrongAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		kind  Kind
		check func([]byte) bool
	}{
		"garbage": {Garbage, func(b []byte) bool { return len(b) == 512 && !bytes.HasPrefix(b, []byte("HTTP")) }},
		"a page":  {HTML, func(b []byte) bool { return strings.Contains(string(b), "Content-Type: text/html") }},
		"endless": {Endless, func(b []byte) bool { return len(b) == 4<<20 && bytes.HasPrefix(b, []byte("HTTP/1.1 200")) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil)
				r.gw.Misbehave(StageLogin, &Misdeed{Kind: tt.kind})
				c := r.dial()
				if _, err := c.tls.Write([]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")); err != nil {
					t.Fatal(err)
				}
				b, _ := io.ReadAll(io.LimitReader(c.tls, 4<<20))
				if !tt.check(b) {
					t.Errorf("%d bytes: %.200q", len(b), b)
				}
				_ = c.raw.Close()
				r.gw.Misbehave(StageLogin, nil)
				r.up(r.login()).works()
			})
		})
	}
}

// Renumber: the tunnel that is there keeps its address, the next one of the session has another, and the old one is free again.
func TestRenumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		token := r.login()
		first := r.up(token)
		was := r.gw.Sessions()[0].Addresses
		r.gw.Renumber()
		first.works()
		if now := r.gw.Sessions()[0].Addresses; !slices.Equal(now, was) {
			t.Errorf("%v before the next CONNECT, was %v", now, was)
		}
		r.up(token).works()
		now := r.gw.Sessions()[0].Addresses
		for i := range was {
			if now[i] == was[i] {
				t.Errorf("still %v", now[i])
			}
		}
		r.up(token).works()
		if again := r.gw.Sessions()[0].Addresses; !slices.Equal(again, now) {
			t.Errorf("%v at the third CONNECT, was %v", again, now)
		}
		r.up(r.login()).works()
		if other := r.gw.Sessions()[1].Addresses; !slices.Equal(other, was) {
			t.Errorf("another session has %v, want %v", other, was)
		}
	})
}

// A 401 that is a fault of its own: the session is there, and takes the token afterwards.
func TestUnauthorizedKeepsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		token := r.login()
		r.gw.Misbehave(StageConnect, &Misdeed{Kind: Unauthorized, Times: 1})
		if got := r.dial().connect(token); got.Status != http.StatusUnauthorized {
			t.Errorf("status %d", got.Status)
		}
		r.up(token).works()
	})
}
