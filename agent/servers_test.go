package agent

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/profile"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
)

// profileOf is a store of one profile with this inside it.
func profileOf(t *testing.T, text string) *profile.Store {
	t.Helper()
	p, warnings, err := profile.Parse([]byte(`<AnyConnectProfile xmlns="http://schemas.xmlsoap.org/encoding/">` + text + `</AnyConnectProfile>`))
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	return &profile.Store{Profiles: []*profile.Profile{p}}
}

// TestBackupServers: a server that says nothing is tried four times, one that refuses once, and then the next of the list has its turn, which is told. A session stays with
// the server that it was made at, however long that is away.
func TestBackupServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for i, host := range []string{"first.example.com", "second.example.com"} {
			at := netip.AddrFrom4([4]byte{192, 0, 2, byte(10 + i)})
			w.net.Name(host, at)
			w.net.Host(host, at).SetSilent(i == 0)
		}
		store := profileOf(t, `<ServerList><HostEntry><HostName>Head Office</HostName><HostAddress>first.example.com</HostAddress>
<BackupServerList><HostAddress>second.example.com</HostAddress><HostAddress>vpn.example.com</HostAddress></BackupServerList></HostEntry></ServerList>`)
		w.cfg.Profiles = func() *profile.Store { return store }
		begun := time.Now()
		if _, err := w.Connect(t.Context(), alice, ipc.ConnectRequest{Target: "Head Office", CAPEM: string(w.ident.CAPEM)}); err != nil {
			t.Fatal(err)
		}
		w.answer(t)
		w.until(t, "connected", time.Second)
		if took := time.Since(begun); took > 8*time.Second {
			t.Errorf("it took %v", took)
		}
		list, err := w.Timeline(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		next := 0
		for _, e := range list {
			if e.Entry.Reason == machine.ReasonBackup.String() && slices.Contains(e.Entry.Effects, "raise-notice") {
				next++
			}
		}
		if next != 2 {
			t.Errorf("told %d times of the next server: %+v", next, list)
		}
		w.site.SetSilent(true)
		w.send(t, 1)
		time.Sleep(90 * time.Second)
		w.want("reconnecting")
		w.site.SetSilent(false)
		s := w.until(t, "connected", 40*time.Second)
		if s.Reconnects.Tunnel+s.Reconnects.Session == 0 || s.Gateway != gwAddr.String()+":443" {
			t.Errorf("%+v at %s", s.Reconnects, s.Gateway)
		}
		if logins := countOf(w.events(), "connect-requested"); logins != 1 {
			t.Errorf("%d connects", logins)
		}
		w.end(t)
	})
}

func countOf(list []string, what string) (n int) {
	for _, s := range list {
		if s == what {
			n++
		}
	}
	return n
}

// TestOtherAddressOfTheGateway: a gateway that is not to be reached where it was, but at another address of its name's first resolution, is found there, with no login.
func TestOtherAddressOfTheGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		second := netip.MustParseAddr("192.0.2.2")
		w.net.Name("vpn.example.com", gwAddr, second)
		other := w.net.Host("gateway, its second line", second)
		l, err := other.Listen(443)
		if err != nil {
			t.Fatal(err)
		}
		w.serves.Go(func() { _ = w.gw.Serve(l) })
		if s := w.login(t); s.Gateway != gwAddr.String()+":443" {
			t.Fatalf("at %s", s.Gateway)
		}
		w.site.SetSilent(true)
		begun := time.Now()
		for seq := range uint16(100) {
			w.send(t, seq)
			time.Sleep(20 * time.Millisecond)
		}
		s := w.want("connected")
		if s.Gateway != second.String()+":443" || s.LastReconnect == nil || s.LastReconnect.Code != int(machine.ReasonSilence) {
			t.Fatalf("after %v at %s, %+v, events %v", time.Since(begun), s.Gateway, s.LastReconnect, w.events())
		}
		if s.LastReconnect.OutageMS > 700 { // the connect that stalls has a quarter of a second to itself
			t.Errorf("it took %d ms", s.LastReconnect.OutageMS)
		}
		if !w.ping(t, 999, time.Second) {
			t.Error("nothing comes through")
		}
		w.end(t)
	})
}

// TestWithoutAutoReconnect: where the profile says so a broken tunnel ends the session, and says why; the host is as before.
func TestWithoutAutoReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		store := profileOf(t, `<ClientInitialization><AutoReconnect>false</AutoReconnect></ClientInitialization><ServerList><HostEntry><HostName>vpn.example.com</HostName></HostEntry></ServerList>`)
		w.cfg.Profiles = func() *profile.Store { return store }
		w.login(t)
		w.site.Restart()
		s := w.until(t, "disconnected", 5*time.Second)
		if s.Error == nil || s.Error.Code != string(fault.NetLost) {
			t.Errorf("%+v", s.Error)
		}
		if !w.m.Clean() {
			t.Error("the host is not as before")
		}
		if got := w.events(); slices.Contains(got, "reached") || slices.Contains(got, "rebound") {
			t.Errorf("events %v", got)
		}
		time.Sleep(31 * time.Minute) // for the gateway to find out
		w.end(t)
	})
}

// TestAnotherGatewayOfTheName: behind another address of the name stands another gateway, which does not know the session. While its own is out of reach for a moment that
// refusal costs no login; where the other one is the only one that answers for a minute the user is asked once.
func TestAnotherGatewayOfTheName(t *testing.T) {
	for name, away := range map[string]time.Duration{"away for a moment": 5 * time.Second, "away for good": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				second := netip.MustParseAddr("192.0.2.2")
				w.net.Name("vpn.example.com", gwAddr, second)
				other, err := gateway.New(gateway.Config{
					Certificate: w.ident.Certificate, Users: []gateway.User{{Name: "alice", Password: redact.NewString(canary)}}, Pools: prefixes("10.12.0.0/24"),
					Settings: protocol.Settings{MTU: 1400, SplitInclude: prefixes("10.99.0.0/16"), DPD: 30 * time.Second}, Inside: gateway.NewEcho(inside),
				})
				if err != nil {
					t.Fatal(err)
				}
				l, err := w.net.Host("another gateway", second).Listen(443)
				if err != nil {
					t.Fatal(err)
				}
				w.serves.Go(func() { _ = other.Serve(l) })
				w.login(t)
				w.site.SetSilent(true)
				w.send(t, 1)
				back := time.AfterFunc(away, func() { w.site.SetSilent(false) })
				time.Sleep(min(away, time.Minute) - time.Second)
				if s := w.want("reconnecting"); s.Prompt != nil {
					t.Errorf("asked: %+v", s.Prompt)
				}
				if away < time.Minute {
					if s := w.until(t, "connected", 3*time.Second); s.Gateway != gwAddr.String()+":443" || !strings.HasPrefix(s.Addresses[0], "10.11.") {
						t.Errorf("at %s with %v", s.Gateway, s.Addresses)
					}
				} else {
					w.answer(t)
					if s := w.until(t, "connected", 30*time.Second); s.Gateway != second.String()+":443" {
						t.Errorf("at %s", s.Gateway)
					}
					back.Stop()
					w.site.SetSilent(false)
				}
				if err := w.Disconnect(t.Context(), alice); err != nil {
					t.Fatal(err)
				}
				w.until(t, "disconnected", 5*time.Second)
				time.Sleep(31 * time.Minute) // for the first gateway to find out
				if err := other.Close(); err != nil {
					t.Error(err)
				}
				w.end(t)
			})
		})
	}
}
