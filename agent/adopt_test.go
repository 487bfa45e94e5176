package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/agent/vault"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/fake"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// TestReplaced: the next agent goes on with the session at a real gateway: no question, the same addresses and owner, the routes untouched, and packets flow.
func TestReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		was := w.login(t)
		routes, names := w.m.Routes(), w.m.DNS()
		if !w.ping(t, 1, time.Second) {
			t.Fatal("nothing comes back")
		}
		for n := uint64(1); n <= 3; n++ {
			time.Sleep(time.Minute)
			if err := w.leave(); err != nil {
				t.Error(err)
			}
			if got := w.m.Routes(); fmt.Sprint(got) != fmt.Sprint(routes) || fmt.Sprint(w.m.DNS()) != fmt.Sprint(names) {
				t.Errorf("between two agents the routes are %+v", got)
			}
			w.begin()
			is := w.until(t, "connected", time.Second)
			if !slices.Equal(is.Addresses, was.Addresses) || is.Attempt != was.Attempt || is.User != was.User || is.Target != was.Target || !is.Session.Started.Equal(was.Session.Started) {
				t.Errorf("before %+v\nafter %+v", was, is)
			}
			if r := is.LastReconnect; r == nil || r.Code != int(machine.ReasonRestarted) || r.Level != "tunnel" || r.OutageMS > 500 || is.Reconnects.Tunnel != n {
				t.Errorf("reconnects %+v, the last %+v", is.Reconnects, r)
			}
			if !w.ping(t, uint16(n+1), time.Second) {
				t.Error("nothing comes back")
			}
			if is := w.state(); is.Counters.TxPackets != n+1 || is.Counters.RxPackets != n+1 {
				t.Errorf("counters %+v", is.Counters)
			}
		}
		if len(w.gw.Sessions()) != 1 {
			t.Errorf("sessions at the gateway: %v", w.gw.Sessions())
		}
		if got := strings.Join(w.events(), " "); strings.Count(got, "adopted") != 3 || strings.Count(got, "connect-requested") != 1 {
			t.Errorf("the timeline has %s", got)
		}
		if w.m.Routes().Index != routes.Index {
			t.Errorf("routes %+v, before %+v", w.m.Routes(), routes)
		}
		w.end(t)
		if _, err := w.vault.Load(); !errors.Is(err, vault.ErrNone) {
			t.Errorf("after the end the vault has %v", err)
		}
	})
}

// TestReplacedAndRevoked: the gateway forgot the session meanwhile. Its owner is asked once; nothing of the host changes while he is.
func TestReplacedAndRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		was := w.login(t)
		if err := w.leave(); err != nil {
			t.Error(err)
		}
		for _, s := range w.gw.Sessions() {
			w.gw.Revoke(s.ID)
		}
		routes := w.m.Routes()
		w.begin()
		for range 50 {
			if time.Sleep(100 * time.Millisecond); w.state().Prompt != nil {
				break
			}
		}
		if s := w.state(); s.Prompt == nil || s.Error == nil || s.Error.Code != string(fault.GwSession) {
			t.Fatalf("not asked: %+v", s)
		}
		if fmt.Sprint(w.m.Routes()) != fmt.Sprint(routes) {
			t.Errorf("routes %+v, before %+v", w.m.Routes(), routes)
		}
		if _, err := w.vault.Load(); !errors.Is(err, vault.ErrNone) {
			t.Errorf("the vault has a session that is lost: %v", err)
		}
		w.answer(t)
		if is := w.until(t, "connected", 10*time.Second); is.Attempt != was.Attempt {
			t.Errorf("before %+v\nafter %+v", was, is)
		}
		w.end(t)
	})
}

// TestReplacedOffline: there is no network when the next agent begins. It holds the host as it is until there is one, and its owner can end it.
func TestReplacedOffline(t *testing.T) {
	for _, end := range []string{"the network comes", "disconnect", "a signal"} {
		t.Run(end, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.login(t)
				if err := w.leave(); err != nil {
					t.Error(err)
				}
				w.uplink.Down()
				w.second.Down()
				w.m.SetNetwork(platform.NetSnapshot{})
				w.begin()
				time.Sleep(time.Minute)
				if s := w.want("reconnecting"); len(s.Addresses) == 0 || w.m.Routes().Empty() {
					t.Errorf("without a network: %+v", s)
				}
				switch end {
				case "disconnect":
					if err := w.Disconnect(t.Context(), bob); fault.As(err).Code != fault.PolNotOwner {
						t.Errorf("somebody else ends it: %v", err)
					}
					if err := w.Disconnect(t.Context(), alice); err != nil {
						t.Error(err)
					}
					w.until(t, "disconnected", 5*time.Second)
				case "the network comes":
					w.uplink.Up()
					w.m.SetNetwork(home)
					w.until(t, "connected", 5*time.Second)
					if !w.ping(t, 9, time.Second) {
						t.Error("nothing comes back")
					}
				}
				if err := w.stop(); err != nil {
					t.Error(err)
				}
				if !w.m.Clean() {
					t.Error("the host is not as before")
				}
				if _, err := w.vault.Load(); !errors.Is(err, vault.ErrNone) {
					t.Errorf("the vault: %v", err)
				}
				_ = w.gw.Close()
				w.serves.Wait()
				_ = w.net.Close()
			})
		})
	}
}

// TestHeirWithoutDevice: the device cannot be taken over. The session ends, and what the former agent left is taken back by the journal.
func TestHeirWithoutDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.login(t)
		if err := w.leave(); err != nil {
			t.Error(err)
		}
		w.m.Intercept(fake.Tun, func(context.Context) error { return errors.New("no") })
		w.begin()
		if s := w.until(t, "disconnected", 10*time.Second); s.Error == nil || s.Error.Code != string(fault.HostTun) {
			t.Errorf("%+v", s.Error)
		}
		for _, s := range w.gw.Sessions() { // there was no tunnel to say goodbye on
			w.gw.Revoke(s.ID)
		}
		w.end(t)
	})
}

// TestLeavesNothing: there is nothing to leave before a session is up, and none where policy forbids to reconnect: the end is an end.
func TestLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened := make(chan struct{})
		r := start(t, &scripted{open: func(ctx context.Context, _ protocol.Target, _ protocol.Prompter) (protocol.Tunnel, error) {
			close(opened)
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		r.connect(alice, "vpn.example.com")
		<-opened
		if err := r.leave(); err != nil {
			t.Error(err)
		}
		if _, err := r.vault.Load(); !errors.Is(err, vault.ErrNone) || !r.m.Clean() {
			t.Errorf("left: %v, clean %t", err, r.m.Clean())
		}
	})
}

// TestLeavesALateTunnel: a commit ends just when the agent does. The gateway is not told goodbye on it: that would end the session that was left.
func TestLeavesALateTunnel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, late := newWire(), newWire()
		release := make(chan struct{})
		r := start(t, &scripted{
			open: func(context.Context, protocol.Target, protocol.Prompter) (protocol.Tunnel, error) { return first, nil },
			reach: func(_ context.Context, _ protocol.SessionRef, via protocol.Path) (protocol.Reached, error) {
				return &way{via: via, closed: make(chan struct{})}, nil
			},
			resume: func(context.Context, protocol.SessionRef, protocol.Reached) (protocol.Tunnel, error) {
				<-release
				return late, nil
			},
		})
		r.connect(alice, "vpn.example.com")
		r.want("connected")
		first.notes <- protocol.Notification{Kind: protocol.NoteDown, Err: fault.New(fault.NetLost, nil)}
		r.want("reconnecting")
		time.AfterFunc(time.Second, func() { close(release) })
		if err := r.leave(); err != nil {
			t.Error(err)
		}
		<-late.closed
		<-first.closed
		if late.reason != protocol.CloseQuiet || first.reason != protocol.CloseQuiet {
			t.Errorf("the gateway was told %v and %v", first.reason, late.reason)
		}
		if _, err := r.vault.Load(); err != nil {
			t.Errorf("nothing is kept: %v", err)
		}
	})
}

// TestConnectionIsKept: what a connection is made of comes back from a session that was kept; what cannot is named here. Who adds to a connection decides which it is.
func TestConnectionIsKept(t *testing.T) {
	notKept := []string{"local", "key", "asksTrust"} // today's policy; the way to a client that may listen; nobody is asked once there was a tunnel
	s := vault.Session{
		Owner: "1000", Attempt: "c1", Name: "office", Profile: "office.xml", Servers: []protocol.Target{{Host: "vpn.example.com"}}, Policy: machine.Policy{AutoReconnect: true},
		Budget: time.Minute, LocalLAN: true, KeepsUser: true, Keeps: true, Ref: protocol.SessionRef{Token: redact.NewString("a-token")},
	}
	l := newLoop(&Config{
		Host: fake.New(fake.Options{}).Host(), Connect: func(protocol.Dialer) protocol.Connector { return &scripted{} }, Hub: ipc.NewHub(), StateDir: t.TempDir(),
		Log: slog.New(slog.DiscardHandler), Wall: time.Now, Saved: &s,
	})
	c := reflect.ValueOf(*l.status.conn)
	for i := range c.NumField() {
		if name := c.Type().Field(i).Name; c.Field(i).IsZero() != slices.Contains(notKept, name) {
			t.Errorf("%s: nothing of it comes back", name)
		}
	}
	if again, ok := l.session(); !ok || again.Name != s.Name || again.Owner != s.Owner || again.Budget != s.Budget || len(again.Servers) != 1 || !again.LocalLAN || !again.Keeps || !again.KeepsUser {
		t.Errorf("kept again: %+v", again)
	}
}

// TestAdoptable is the table of what is not taken up.
func TestAdoptable(t *testing.T) {
	now := machine.Instant{Mono: 2 * time.Hour, Boot: 3 * time.Hour}
	good := vault.Session{Policy: machine.Policy{AutoReconnect: true}, Saved: machine.Instant{Mono: time.Hour, Boot: 2 * time.Hour}, Kept: machine.Kept{Expires: 4 * time.Hour}, Adoptions: maxAdoptions - 1}
	for _, c := range []struct {
		name   string
		change func(*vault.Session)
		ok     bool
	}{
		{"good", func(*vault.Session) {}, true},
		{"no limit", func(s *vault.Session) { s.Kept.Expires = 0 }, true},
		{"ends on suspend, none came", func(s *vault.Session) { s.Policy.DisconnectOnSuspend = true }, true},
		{"slept, and stays", func(s *vault.Session) { s.Saved.Mono += 30 * time.Minute }, true},
		{"slept, and ends on suspend", func(s *vault.Session) { s.Saved.Mono += 30 * time.Minute; s.Policy.DisconnectOnSuspend = true }, false},
		{"over", func(s *vault.Session) { s.Kept.Expires = now.Boot }, false},
		{"tried too often", func(s *vault.Session) { s.Adoptions++ }, false},
		{"may not reconnect", func(s *vault.Session) { s.Policy.AutoReconnect = false }, false},
		{"another clock", func(s *vault.Session) { s.Saved.Boot = now.Boot + 1 }, false},
	} {
		s := good
		c.change(&s)
		if err := Adoptable(s, now); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestKeptNowhereElse: the token is in the sealed file alone, and nowhere in what the agent writes or says.
func TestKeptNowhereElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &scripted{open: func(context.Context, protocol.Target, protocol.Prompter) (protocol.Tunnel, error) {
			return newWire(), nil
		}})
		r.connect(alice, "vpn.example.com")
		r.want("connected")
		synctest.Wait()
		s, err := r.vault.Load()
		if err != nil || string(s.Ref.Token.Reveal()) != "a-token" || s.Owner != alice.ID() {
			t.Fatalf("kept: %+v, %v", s, err)
		}
		files, _ := filepath.Glob(r.dir + "/*")
		for _, f := range files {
			if b, err := os.ReadFile(f); err != nil || bytes.Contains(b, []byte("a-token")) {
				t.Errorf("%s: %v", f, err)
			}
		}
		if text := fmt.Sprintf("%+v %s", s, r.log.String()); strings.Contains(text, "a-token") {
			t.Error("the token shows")
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}
