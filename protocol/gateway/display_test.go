package gateway

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol"
)

// kinds are the tunnels of a session as "number kind", the one in use with a star.
func kinds(s Session) string {
	var list []string
	for _, t := range s.Tunnels {
		_, number, _ := strings.Cut(t.ID, ".")
		if t.InUse {
			number = "*" + number
		}
		list = append(list, number+" "+t.Kind)
	}
	return strings.Join(list, ", ")
}

// TestDisplay follows a session through what an administrator should see of it.
func TestDisplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Settings.IdleTimeout = 20 * time.Minute })
		only := func(when, tunnels, capabilities string, reconnects, rechannels int) Session {
			t.Helper()
			list := r.gw.Sessions()
			if len(list) != 1 {
				t.Fatalf("%s: %d sessions", when, len(list))
			}
			s := list[0]
			if kinds(s) != tunnels || s.Capabilities != capabilities || s.Reconnects != reconnects || s.Rechannels != rechannels {
				t.Errorf("%s: tunnels %s, capabilities %q, reconnects %d and %d", when, kinds(s), s.Capabilities, s.Reconnects, s.Rechannels)
			}
			return s
		}
		l := r.live()
		l.until(5*time.Second, "by DTLS", l.travels("dtls"))
		l.ping(1, 100)
		time.Sleep(time.Minute)
		s := only("by DTLS", "1 parent, 2 ssl, *3 dtls", "D6", 0, 0)
		if ssl := s.Tunnels[1]; ssl.Idle != 1200 || ssl.Left < 1130 || ssl.Left > 1145 || ssl.DPD != 30 || ssl.Cipher == "" || !s.Ends.IsZero() {
			t.Errorf("the SSL tunnel: %+v; ends %v", ssl, s.Ends)
		}
		if heard := time.Since(s.Tunnels[2].Heard); heard > 31*time.Second {
			t.Errorf("DTLS was heard %v ago, of a client whose keepalive is 20 s", heard)
		}
		r.gw.DropDTLS()
		l.ping(2, 100)
		l.until(5*time.Second, "by TLS", l.travels("tls"))
		l.until(5*time.Second, "by DTLS again", l.travels("dtls"))
		l.ping(3, 100)
		time.Sleep(time.Second)
		only("DTLS made anew", "1 parent, 2 ssl, *4 dtls", "D6", 0, 1)

		r.gw.DropConnections()
		time.Sleep(10 * time.Second)
		s = only("the SSL tunnel lost", "1 parent", "6", 0, 1)
		if s.Active || time.Since(s.Since) != 10*time.Second || time.Until(s.Ends) != 110*time.Second {
			t.Errorf("inactive: %+v", s)
		}
		con, _ := r.connector()
		reached, err := con.Reach(t.Context(), l.Session(), protocol.Path{})
		if err != nil {
			t.Fatal(err)
		}
		next, err := con.Resume(t.Context(), l.Session(), reached)
		if err != nil {
			t.Fatal(err)
		}
		defer next.Close(protocol.CloseQuiet)
		time.Sleep(100 * time.Millisecond)
		if s := r.gw.Sessions()[0]; !s.Active || !strings.HasPrefix(s.Capabilities, "R") || s.Reconnects != 1 || !strings.HasPrefix(kinds(s), "1 parent, *5 ssl") {
			t.Errorf("come back: %s, %+v", kinds(s), s)
		}
	})
}

// TestInactiveSessionIsKept: without an SSL tunnel the idle timer goes on as disconnected timeout, for half an hour where there is none. DTLS alone keeps no session active.
func TestInactiveSessionIsKept(t *testing.T) {
	for _, c := range []struct {
		name       string
		idle, lost time.Duration
		want       time.Duration
	}{
		{"disconnected timeout", time.Hour, 5 * time.Minute, 5 * time.Minute},
		{"idle timeout alone", 10 * time.Minute, 0, 10 * time.Minute},
		{"neither", 0, 0, 30 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(cfg *Config) { cfg.Settings.IdleTimeout, cfg.Settings.DisconnectedTimeout = c.idle, c.lost })
				l := r.live()
				if got := l.Settings().DisconnectedTimeout; got != c.want {
					t.Errorf("the client is told %v", got)
				}
				l.until(5*time.Second, "by DTLS", l.travels("dtls"))
				r.gw.DropConnections()
				time.Sleep(c.want - time.Second)
				if s := r.gw.Sessions(); len(s) != 1 || s[0].Active {
					t.Errorf("a second before: %v", s)
				}
				time.Sleep(time.Second)
				if s := r.gw.Sessions(); len(s) != 0 {
					t.Errorf("after %v: %v", c.want, s)
				}
			})
		})
	}
}

// shown is one active session and one that is waited for.
func shown(now time.Time) []Session {
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	return []Session{
		{
			ID: 12, User: "alice", Group: "staff", Client: "192.0.2.9:40210", Hostname: "laptop", Addresses: []netip.Prefix{netip.MustParsePrefix("10.11.0.2/24"), netip.MustParsePrefix("fd00:11::2/64")},
			Active: true, Transport: "dtls", Begun: ago(26 * time.Hour), Since: ago(time.Hour), Reconnects: 3, Rechannels: 2, Capabilities: "RD6", Ends: ago(-2 * time.Hour),
			Tunnels: []Tunnel{
				{ID: "12.1", Kind: "parent", Since: ago(26 * time.Hour)},
				{ID: "12.8", Kind: "ssl", Since: ago(time.Hour), Cipher: "TLS 1.3 TLS_AES_128_GCM_SHA256", Heard: ago(4 * time.Second), DPD: 30, Idle: 1800, Left: 1795},
				{ID: "12.9", Kind: "dtls", Since: ago(59 * time.Minute), Cipher: "DTLS 1.2 TLS_PSK_WITH_AES_256_GCM_SHA384", InUse: true, Heard: ago(0), DPD: 30},
			},
			Rx: Counter{1200, 83000, 0}, Tx: Counter{4000, 5000000, 7},
		},
		{
			ID: 17, User: "bob", Begun: ago(time.Hour), Since: ago(20 * time.Second), Refused: 1, Ends: ago(-29*time.Minute - 40*time.Second),
			Tunnels: []Tunnel{{ID: "17.1", Kind: "parent", Since: ago(time.Hour)}},
		},
	}
}

// TestWriteSessions pins what people read.
func TestWriteSessions(t *testing.T) {
	now := time.Date(2026, 11, 21, 18, 0, 0, 0, time.UTC)
	const want = `2 sessions: 1 active, 1 inactive    (R has come back with its token, D has DTLS, 6 has IPv6 inside)

session 12   active     RD6
  user       alice, group staff, from 192.0.2.9:40210 (laptop)
  address    10.11.0.2 fd00:11::2
  login      2026-11-20 16:00:00, 26h0m0s ago
  reconnects session level 3, tunnel level 2, refused 0
  ends       in 2h0m0s
  received   1200 packets, 83000 bytes, 0 dropped
  sent       4000 packets, 5000000 bytes, 7 dropped
  12.1       parent  since 16:00:00, the token
  12.8       ssl     since 17:00:00, heard 4s ago, DPD 30s, idle timeout 30m0s, 29m55s left, TLS 1.3 TLS_AES_128_GCM_SHA256
  12.9       dtls    since 17:01:00, in use, heard 0s ago, DPD 30s, DTLS 1.2 TLS_PSK_WITH_AES_256_GCM_SHA384

session 17   inactive   -
  user       bob, group -, from - (-)
  address    -
  login      2026-11-21 17:00:00, 1h0m0s ago
  reconnects session level 0, tunnel level 0, refused 1
  inactive   since 17:59:40, 20s ago
  ends       in 29m40s unless it comes back
  received   0 packets, 0 bytes, 0 dropped
  sent       0 packets, 0 bytes, 0 dropped
  17.1       parent  since 17:00:00, the token
`
	var got bytes.Buffer
	if err := WriteSessions(&got, shown(now), now); err != nil || got.String() != want {
		t.Errorf("%v\n%s", err, &got)
	}
}

// TestSessionsAsJSON: nothing is lost on the way to a script, and nothing secret is on it.
func TestSessionsAsJSON(t *testing.T) {
	now := time.Date(2026, 11, 21, 18, 0, 0, 0, time.UTC)
	b, err := json.Marshal(shown(now))
	if err != nil {
		t.Fatal(err)
	}
	var back []Session
	if err := json.Unmarshal(b, &back); err != nil || len(back) != 2 || back[0].String() != shown(now)[0].String() || kinds(back[0]) != kinds(shown(now)[0]) {
		t.Errorf("%v: %s", err, b)
	}
	if strings.Contains(string(b), "token") {
		t.Errorf("%s", b)
	}
}
