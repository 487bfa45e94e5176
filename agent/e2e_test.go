package agent

import (
	"context"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
	"github.com/holdfast-vpn/holdfast/protocol/simnet"
)

// world is an agent, a network and a gateway, all in one bubble: everything is ours but the packets' contents.
type world struct {
	*running
	net    *simnet.Net
	site   *simnet.Host
	uplink *simnet.Link
	second *simnet.Link
	gw     *gateway.Gateway
	ident  *gateway.Identity
	serves sync.WaitGroup
}

var (
	gwAddr = netip.MustParseAddr("192.0.2.1")
	inside = netip.MustParseAddr("10.99.0.1")
	// away is the network after a move to the second uplink.
	away = platform.NetSnapshot{Uplinks: []platform.Uplink{{Index: 2, Name: "wlan0", Local: addrs("203.0.113.9"), NextHop: addrs("203.0.113.1")}}}
)

func newWorld(t *testing.T) *world { return newWorldOn(t, home) }

// newWorldOn is newWorld with what the machine knows of its uplinks at first.
func newWorldOn(t *testing.T, network platform.NetSnapshot) *world {
	t.Helper()
	return newWorldWith(t, network, nil)
}

// newWorldWith is newWorldOn with a gateway whose configuration is changed first.
func newWorldWith(t *testing.T, network platform.NetSnapshot, change func(*gateway.Config)) *world {
	t.Helper()
	w := &world{net: simnet.New(1)}
	w.site = w.net.Host("gateway", gwAddr)
	w.net.Name("vpn.example.com", gwAddr)
	var err error
	if w.ident, err = gateway.SelfSigned("vpn.example.com"); err != nil {
		t.Fatal(err)
	}
	cfg := gateway.Config{
		Certificate: w.ident.Certificate,
		Users:       []gateway.User{{Name: "alice", Password: redact.NewString(canary)}},
		Pools:       []netip.Prefix{netip.MustParsePrefix("10.11.0.0/24")},
		Settings: protocol.Settings{
			MTU: 1400, SplitInclude: prefixes("10.99.0.0/16"), DNS: []netip.Addr{inside}, DPD: 30 * time.Second, Keepalive: 20 * time.Second,
			DisconnectedTimeout: 30 * time.Minute, SessionTimeout: 8 * time.Hour,
		},
		Inside: gateway.NewEcho(inside),
	}
	if change != nil {
		change(&cfg)
	}
	if w.gw, err = gateway.New(cfg); err != nil {
		t.Fatal(err)
	}
	w.serve(t)
	pc := w.net.Host("laptop")
	w.uplink = pc.Uplink("eth0", home.Uplinks[0].Local[0])
	w.uplink.SetLatency(10 * time.Millisecond)
	w.second = pc.Uplink("wlan0", away.Uplinks[0].Local[0])
	w.running = startOn(t, network, pc.Dialer(), func(d protocol.Dialer) protocol.Connector { return &cstp.Connector{Dialer: d} })
	return w
}

func (w *world) serve(t *testing.T) {
	t.Helper()
	l, err := w.site.Listen(443)
	if err != nil {
		t.Fatal(err)
	}
	w.serves.Go(func() { _ = w.gw.Serve(l) })
}

func (w *world) end(t *testing.T) {
	t.Helper()
	if err := w.stop(); err != nil {
		t.Error(err)
	}
	if !w.m.Clean() {
		t.Error("the host is not as before")
	}
	time.Sleep(time.Second) // the goodbye is on its way
	if left := w.gw.Sessions(); len(left) != 0 {
		t.Errorf("sessions left at the gateway: %v", left)
	}
	if err := w.gw.Close(); err != nil {
		t.Error(err)
	}
	w.serves.Wait()
	if err := w.net.Close(); err != nil {
		t.Error(err)
	}
}

// login connects and answers what is asked until the session is up.
func (w *world) login(t *testing.T) ipc.State {
	t.Helper()
	_, err := w.Connect(t.Context(), alice, ipc.ConnectRequest{Target: "vpn.example.com", CAPEM: string(w.ident.CAPEM)})
	if err != nil {
		t.Fatal(err)
	}
	w.answer(t)
	return w.until(t, "connected", 10*time.Second)
}

// answer waits for questions and answers them with name and password.
func (w *world) answer(t *testing.T) (asked int) {
	t.Helper()
	for range 100 {
		time.Sleep(100 * time.Millisecond)
		s := w.state()
		if s.Prompt == nil {
			if asked > 0 {
				return asked
			}
			continue
		}
		asked++
		fields := map[string]redact.Secret{}
		for _, f := range s.Prompt.Fields {
			if fields[f.Name] = redact.NewString(canary); f.Type == "text" {
				fields[f.Name] = redact.NewString("alice")
			}
		}
		if err := w.Answer(t.Context(), alice, s.Prompt.ID, ipc.Answer{Fields: fields}); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatalf("no question, or no end of them: %+v", w.state())
	return 0
}

// until waits for a state.
func (w *world) until(t *testing.T, state string, limit time.Duration) ipc.State {
	t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if s := w.state(); s.State == state {
			return s
		}
	}
	s := w.state()
	t.Fatalf("after %v the state is %s (%+v), not %s; events %v", limit, s.State, s.Error, state, w.events())
	return s
}

// ping sends one echo request through the tunnel and reports whether its answer came in time.
func (w *world) ping(t *testing.T, seq uint16, wait time.Duration) bool {
	t.Helper()
	w.send(t, seq)
	timeout := time.After(wait)
	for {
		select {
		case p := <-w.dev.in:
			if len(p) >= 28 && p[9] == 1 && p[20] == 0 && binary.BigEndian.Uint16(p[26:]) == seq {
				return true
			}
		case <-timeout:
			return false
		}
	}
}

// send sends one echo request into the tunnel.
func (w *world) send(t *testing.T, seq uint16) {
	t.Helper()
	synctest.Wait()
	from := w.m.Routes().Addresses
	if len(from) == 0 {
		t.Fatal("there is no device")
	}
	w.dev.out <- echoRequest(from[0].Addr(), inside, seq)
}

// echoRequest is an ICMP echo request in IPv4 (RFC 791, RFC 792).
func echoRequest(from, to netip.Addr, seq uint16) []byte {
	p := make([]byte, 36)
	p[0], p[8], p[9] = 0x45, 64, 1
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	copy(p[12:], from.AsSlice())
	copy(p[16:], to.AsSlice())
	binary.BigEndian.PutUint16(p[10:], checksum(p[:20]))
	p[20] = 8
	binary.BigEndian.PutUint16(p[26:], seq)
	binary.BigEndian.PutUint16(p[22:], checksum(p[20:]))
	return p
}

func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

func TestSessionThroughTheGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := w.login(t)
		if len(s.Addresses) != 1 || s.Gateway != "192.0.2.1:443" || s.User != "alice" || s.Cipher == "" {
			t.Errorf("state %+v", s)
		}
		if !w.ping(t, 1, time.Second) {
			t.Error("nothing comes through")
		}
		if s := w.state(); s.Counters.TxPackets != 1 || s.Counters.RxPackets != 1 {
			t.Errorf("counters %+v", s.Counters)
		}
		nothingSecret(t, w.running)
		if err := w.Disconnect(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		w.until(t, "disconnected", 3*time.Second)
		w.end(t)
	})
}

// The gateway hears the goodbye and ends its side, and that ends ours, whatever else still comes: a disconnect takes a round trip, not the time for which a
// goodbye may be waited.
func TestDisconnectTakesARoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.login(t)
		if !w.ping(t, 1, time.Second) {
			t.Error("nothing comes through")
		}
		w.send(t, 2)
		time.Sleep(5 * time.Millisecond) // its answer comes between our goodbye and the end
		begun := time.Now()
		if err := w.Disconnect(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		for w.state().State != "disconnected" {
			time.Sleep(time.Millisecond)
		}
		if took := time.Since(begun); took > 50*time.Millisecond {
			t.Errorf("it took %v, with a round trip of 20 ms", took)
		}
		w.end(t)
	})
}

func TestWhatASessionSurvives(t *testing.T) {
	tests := []struct {
		name  string
		fail  func(*testing.T, *world)
		asks  bool
		level string
	}{
		{"the link is down for 5 s", func(_ *testing.T, w *world) {
			w.uplink.Down()
			time.Sleep(5 * time.Second)
			w.uplink.Up()
		}, false, ""}, // on the same path TCP may come back by itself
		{"the gateway drops its connections", func(_ *testing.T, w *world) { w.gw.DropConnections() }, false, "tunnel"},
		{"the gateway restarts and keeps its sessions", func(t *testing.T, w *world) {
			w.gw.Restart(true)
			time.Sleep(3 * time.Second)
			w.serve(t)
		}, false, "tunnel"},
		{"the gateway goes dumb", func(_ *testing.T, w *world) { w.gw.Hang() }, false, "tunnel"},
		{"the network is another one", func(_ *testing.T, w *world) {
			w.uplink.Down()
			w.m.SetNetwork(away)
		}, false, "session"},
		{"the token is refused", func(_ *testing.T, w *world) { w.gw.Revoke(w.gw.Sessions()[0].ID) }, true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				before := w.login(t)
				w.ping(t, 1, time.Second)
				tt.fail(t, w)
				if tt.asks {
					if n := w.answer(t); n == 0 {
						t.Error("nobody was asked")
					}
				}
				seq := uint16(2)
				for begun := time.Now(); !w.ping(t, seq, 500*time.Millisecond); seq++ {
					if time.Since(begun) > 40*time.Second {
						t.Fatalf("no packet for %v: %+v %v", time.Since(begun), w.state(), w.events())
					}
				}
				after := w.until(t, "connected", time.Second)
				if tt.level != "" && (after.LastReconnect == nil || after.LastReconnect.Level != tt.level) {
					t.Errorf("level %+v, want %s", after.LastReconnect, tt.level)
				}
				if !tt.asks && after.Addresses[0] != before.Addresses[0] {
					t.Errorf("another inside address: %v, was %v", after.Addresses, before.Addresses)
				}
				w.end(t)
			})
		})
	}
}

// With two uplinks, what happens to the one that carries nothing is no news as long as the system likes the other one better, and what happens to the one that carries
// the tunnel is.
func TestTwoUplinks(t *testing.T) {
	both := platform.NetSnapshot{Uplinks: slices.Concat(home.Uplinks, away.Uplinks)}
	for _, tt := range []struct {
		name string
		with platform.NetSnapshot
		code machine.Reason
	}{
		{"the uplink in use goes away", away, machine.ReasonPathGone},
		{"the other one is liked better", platform.NetSnapshot{Uplinks: slices.Concat(away.Uplinks, home.Uplinks)}, machine.ReasonNewPath},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorldOn(t, both)
				w.login(t)
				for _, n := range []platform.NetSnapshot{home, both} {
					w.m.SetNetwork(n)
					time.Sleep(10 * time.Second)
					if s := w.want("connected"); s.LastReconnect != nil {
						t.Errorf("the uplink that carries nothing came or went: %+v %+v", s.LastReconnect, w.events())
					}
				}
				begun := time.Now()
				w.m.SetNetwork(tt.with)
				for w.state().LastReconnect == nil && time.Since(begun) < time.Second {
					time.Sleep(10 * time.Millisecond)
				}
				s := w.want("connected")
				if s.LastReconnect == nil || s.LastReconnect.Code != int(tt.code) || s.Reconnects.Session != 1 {
					t.Fatalf("%+v %+v, events %v", s.LastReconnect, s.Reconnects, w.events())
				}
				if took := time.Since(begun); took > 300*time.Millisecond {
					t.Errorf("it took %v, with a round trip of 20 ms at most", took)
				}
				if !w.ping(t, 2, time.Second) {
					t.Error("nothing comes through")
				}
				w.end(t)
			})
		})
	}
}

// A tunnel that was made before the monitor had seen its uplink has that uplink all the same: its end is noticed.
func TestUplinkSeenLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOn(t, platform.NetSnapshot{})
		w.login(t)
		w.m.SetNetwork(home)
		time.Sleep(time.Second)
		begun := time.Now()
		w.uplink.Down()
		w.m.SetNetwork(away)
		for w.state().LastReconnect == nil && time.Since(begun) < time.Second {
			time.Sleep(10 * time.Millisecond)
		}
		s := w.want("connected")
		if took := time.Since(begun); s.LastReconnect == nil || s.LastReconnect.Code != int(machine.ReasonPathGone) || took > 300*time.Millisecond {
			t.Errorf("after %v: %+v, events %v", took, s.LastReconnect, w.events())
		}
		w.end(t)
	})
}

// An uplink that the system likes better and that leads nowhere does not get the session; once it leads somewhere it does.
func TestBetterUplinkIsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOn(t, away)
		w.uplink.Down()
		w.login(t)
		w.m.SetNetwork(platform.NetSnapshot{Uplinks: slices.Concat(home.Uplinks, away.Uplinks)})
		for seq := range 20 {
			time.Sleep(time.Second)
			if !w.ping(t, uint16(seq), 100*time.Millisecond) {
				t.Errorf("ping %d is lost while the better uplink leads nowhere", seq)
			}
		}
		if s := w.want("connected"); s.LastReconnect != nil {
			t.Fatalf("it has moved: %+v", s.LastReconnect)
		}
		w.uplink.Up()
		time.Sleep(2 * time.Minute)
		if s := w.want("connected"); s.LastReconnect == nil || s.LastReconnect.Code != int(machine.ReasonNewPath) || s.LastReconnect.OutageMS > 100 {
			t.Fatalf("%+v, events %v", s.LastReconnect, w.events())
		}
		if !w.ping(t, 99, time.Second) {
			t.Error("nothing comes through")
		}
		w.end(t)
	})
}

// A push that is confirmed after 90 s: later than the 60 s that a connect has for itself, and within the time of a person.
func TestPush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		if _, err := w.Connect(t.Context(), alice, ipc.ConnectRequest{Target: "vpn.example.com", CAPEM: string(w.ident.CAPEM)}); err != nil {
			t.Fatal(err)
		}
		w.until(t, "authenticating", time.Second)
		w.gw.Misbehave(gateway.StageLogin, &gateway.Misdeed{Delay: 90 * time.Second, Times: 1})
		w.answer(t)
		time.Sleep(80 * time.Second)
		w.want("connecting")
		w.until(t, "connected", 15*time.Second)
		if got := w.events(); !slices.Contains(got, "wait-began") || !slices.Contains(got, "wait-ended") {
			t.Errorf("events %v", got)
		}
		w.end(t)
	})
}

// A gateway that stops in the middle is another thing than one that never answered (contract: exit 8 and 5), and has its time to the second.
func TestTimeout(t *testing.T) {
	for _, tt := range []struct {
		name  string
		stall func(*world)
		code  fault.Code
		after time.Duration
	}{
		{"nobody is there", func(w *world) { w.site.SetSilent(true) }, fault.NetTimeout, 2 * time.Second},
		{"there is TLS and no answer", func(w *world) { w.gw.Misbehave(gateway.StageLogin, &gateway.Misdeed{Delay: time.Hour}) }, fault.NetTimeout, 2 * time.Second},
		{"no word after the password", func(w *world) {
			w.gw.Misbehave(gateway.StageLogin, &gateway.Misdeed{Times: 1})
			time.AfterFunc(time.Second, func() { w.gw.Misbehave(gateway.StageLogin, &gateway.Misdeed{Delay: time.Hour}) })
		}, fault.GwTimeout, machine.AuthIdle},
		{"no answer to CONNECT", func(w *world) { w.gw.Misbehave(gateway.StageConnect, &gateway.Misdeed{Delay: time.Hour}) }, fault.GwTimeout, 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				tt.stall(w)
				if _, err := w.Connect(t.Context(), alice, ipc.ConnectRequest{Target: "vpn.example.com", CAPEM: string(w.ident.CAPEM), TimeoutMS: 2000}); err != nil {
					t.Fatal(err)
				}
				since := time.Now()
				if tt.code == fault.GwTimeout {
					time.Sleep(1500 * time.Millisecond) // a person takes no time from the gateway
					w.answer(t)
					since = time.Now()
				}
				s := w.until(t, "disconnected", tt.after+1100*time.Millisecond)
				if took := time.Since(since); s.Error == nil || s.Error.Code != string(tt.code) || took < tt.after-500*time.Millisecond {
					t.Errorf("after %v: %+v", took, s.Error)
				}
				w.site.SetSilent(false)
				for _, left := range w.gw.Sessions() { // it made one and did not tell
					w.gw.Revoke(left.ID)
				}
				w.end(t)
			})
		})
	}
}

// Somebody takes the tunnel device away: the session ends at both ends, the owner is told why, nothing is left, and the next connect works.
func TestDeviceTakenAway(t *testing.T) {
	for name, before := range map[string]func(*world){
		"while connected":    func(*world) {},
		"while reconnecting": func(w *world) { w.gw.Restart(true); time.Sleep(time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.login(t)
				before(w)
				close(w.dev.gone)
				s := w.until(t, "disconnected", time.Second)
				if s.Error == nil || s.Error.Code != string(fault.TunGone) {
					t.Errorf("error %+v", s.Error)
				}
				if !w.m.Clean() {
					t.Error("the host is not as before")
				}
				if !slices.Contains(w.events(), "device-gone") {
					t.Errorf("events %v", w.events())
				}
				if name == "while connected" {
					w.login(t)
					if !w.ping(t, 1, time.Second) {
						t.Error("nothing comes through")
					}
				} else {
					w.gw.Revoke(w.gw.Sessions()[0].ID) // it could not be told
				}
				w.end(t)
			})
		})
	}
}

// A gateway whose certificate nobody vouches for gets no password.
func TestUntrustedGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		if _, err := w.Connect(context.Background(), alice, ipc.ConnectRequest{Target: "vpn.example.com"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		s := w.until(t, "disconnected", 5*time.Second)
		if s.Error == nil || s.Error.Code != "TLS-001" || len(s.Error.Hint) == 0 {
			t.Errorf("error %+v", s.Error)
		}
		w.end(t)
	})
}
