package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/agent/machine/record"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/fake"
	"github.com/holdfast-vpn/holdfast/protocol"
)

const canary = "c4n4ry-p4ssw0rd"

// asksPassword is a login that wants one form answered.
func asksPassword(w *wire) func(context.Context, protocol.Target, protocol.Prompter) (protocol.Tunnel, error) {
	return func(ctx context.Context, _ protocol.Target, p protocol.Prompter) (protocol.Tunnel, error) {
		a, err := p.Ask(ctx, protocol.Form{Kind: protocol.FormForm, Fields: []protocol.Field{{Name: "password", Type: "password"}}})
		if err != nil {
			return nil, err
		}
		if string(a.Values["password"].Reveal()) != canary {
			return nil, fault.New(fault.AuthRefused, nil)
		}
		return w, nil
	}
}

func opens(w *wire) func(context.Context, protocol.Target, protocol.Prompter) (protocol.Tunnel, error) {
	return func(context.Context, protocol.Target, protocol.Prompter) (protocol.Tunnel, error) { return w, nil }
}

func reaches(_ context.Context, _ protocol.SessionRef, via protocol.Path) (protocol.Reached, error) {
	return &way{via: via, closed: make(chan struct{})}, nil
}

func TestLoginWithAPrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		r := start(t, &scripted{open: asksPassword(w)})
		id := r.connect(alice, "vpn.example.com")
		s := r.want("authenticating")
		if s.Prompt == nil || s.Attempt != id || s.Prompt.Fields[0].Name != "password" {
			t.Fatalf("prompt %+v", s.Prompt)
		}
		ctx := t.Context()
		if err := r.Answer(ctx, bob, s.Prompt.ID, ipc.Answer{Cancel: true}); fault.As(err).Code != fault.PolNotOwner {
			t.Errorf("another user's answer: %v", err)
		}
		if err := r.Answer(ctx, alice, s.Prompt.ID, ipc.Answer{Fields: map[string]redact.Secret{"nonesuch": {}}}); fault.As(err).Code != fault.UseBad {
			t.Errorf("a field nobody asked for: %v", err)
		}
		secret := ipc.Answer{Fields: map[string]redact.Secret{"password": redact.NewString(canary)}}
		if err := r.Answer(ctx, alice, s.Prompt.ID, secret); err != nil {
			t.Fatal(err)
		}
		if err := r.Answer(ctx, alice, s.Prompt.ID, secret); fault.As(err).Code != fault.AuthPromptGone {
			t.Errorf("a second answer: %v", err)
		}
		s = r.want("connected")
		if s.Prompt != nil || s.Error != nil || s.Interface != "holdfast0" || s.User != "alice" || s.Gateway != "192.0.2.1:443" || s.Transport != "tls" {
			t.Errorf("state %+v", s)
		}
		if s.Session == nil || s.Session.Expires == nil || s.Session.Expires.Sub(s.Session.Started) != 8*time.Hour || !s.Session.Resumable {
			t.Errorf("session %+v", s.Session)
		}
		if s.VerifiedAt == nil || !s.VerifiedAt.Equal(w.heard) {
			t.Errorf("verified at %v", s.VerifiedAt)
		}
		if s.DNS == nil || s.DNS.Backend != "fake" || s.Counters == nil || s.TunnelAll == nil || !*s.TunnelAll {
			t.Errorf("state %+v", s)
		}
		if got := r.connect(alice, "https://vpn.example.com/"); got != id {
			t.Errorf("connecting to what is connected began %s, was %s", got, id)
		}
		nothingSecret(t, r)
		if err := r.Disconnect(ctx, alice); err != nil {
			t.Fatal(err)
		}
		r.want("disconnected")
		if !r.m.Clean() || w.reason != protocol.CloseUser {
			t.Errorf("host clean %v, closed with %v", r.m.Clean(), w.reason)
		}
		if err := r.Disconnect(ctx, bob); err != nil {
			t.Errorf("nothing to disconnect: %v", err)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		if was, ok := recall(r.dir).of(alice.ID()); !ok || was.Host != "vpn.example.com" || was.User != "alice" {
			t.Errorf("remembered %+v", was)
		} else if was.Chose != "staff" {
			t.Errorf("the group in use was %q", was.Chose)
		}
	})
}

// nothingSecret looks for the password and the token in everything that leaves the agent.
func nothingSecret(t *testing.T, r *running) {
	t.Helper()
	list, err := r.Timeline(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{r.state(), r.log.String(), list, fmt.Sprintf("%+v", r.loop.state)} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), canary) || strings.Contains(string(b), "a-token") {
			t.Errorf("a secret in %s", b)
		}
	}
}

func TestOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &scripted{open: opens(newWire())})
		r.connect(alice, "vpn.example.com")
		r.want("connected")
		tests := []struct {
			name string
			do   func(context.Context) error
			code fault.Code
		}{
			{"another user connects", func(ctx context.Context) error {
				_, err := r.Connect(ctx, bob, ipc.ConnectRequest{Target: "vpn.example.com"})
				return err
			}, fault.PolNotOwner},
			{"another user connects without a target", func(ctx context.Context) error {
				_, err := r.Connect(ctx, bob, ipc.ConnectRequest{})
				return err
			}, fault.PolNotOwner},
			{"root is no owner either", func(ctx context.Context) error {
				_, err := r.Connect(ctx, root, ipc.ConnectRequest{Target: "vpn.example.com"})
				return err
			}, fault.PolNotOwner},
			{"another user disconnects", func(ctx context.Context) error { return r.Disconnect(ctx, bob) }, fault.PolNotOwner},
			{"the owner connects elsewhere", func(ctx context.Context) error {
				_, err := r.Connect(ctx, alice, ipc.ConnectRequest{Target: "other.example.com"})
				return err
			}, fault.PolConnected},
		}
		for _, tt := range tests {
			if err := tt.do(t.Context()); err == nil || fault.As(err).Code != tt.code {
				t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
			}
		}
		r.want("connected")
		if err := r.Disconnect(t.Context(), root); err != nil {
			t.Errorf("root disconnects: %v", err)
		}
		r.want("disconnected")
		if _, owner := r.State(t.Context()); owner != alice.ID() {
			t.Errorf("the ended session belongs to %q", owner)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestConnectWithoutATarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []protocol.Target
		r := start(t, &scripted{open: func(_ context.Context, target protocol.Target, _ protocol.Prompter) (protocol.Tunnel, error) {
			asked = append(asked, target)
			return newWire(), nil
		}})
		if _, err := r.Connect(t.Context(), alice, ipc.ConnectRequest{}); fault.As(err).Code != fault.UseTarget {
			t.Errorf("nothing to connect to: %v", err)
		}
		first, err := r.Connect(t.Context(), alice, ipc.ConnectRequest{Target: "vpn.example.com", Group: "staff"})
		if err != nil {
			t.Fatal(err)
		}
		r.want("connected")
		if got := r.connect(alice, ""); got != first.ID {
			t.Errorf("an own session is up: got %s", got)
		}
		if err := r.Disconnect(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		r.want("disconnected")
		r.connect(alice, "")
		r.want("connected")
		if last := asked[len(asked)-1]; last.Host != "vpn.example.com" || last.Group != "staff" || last.User != "alice" {
			t.Errorf("the last target was %+v", last)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		if !r.m.Clean() {
			t.Error("the host is not as before")
		}
	})
}

func TestPromptsEnd(t *testing.T) {
	tests := []struct {
		name string
		do   func(*running, string)
		code fault.Code
	}{
		{"the user says no", func(r *running, id string) {
			if err := r.Answer(r.t.Context(), alice, id, ipc.Answer{Cancel: true}); err != nil {
				r.t.Error(err)
			}
		}, fault.AuthCancelled},
		{"the user disconnects", func(r *running, _ string) {
			if err := r.Disconnect(r.t.Context(), alice); err != nil {
				r.t.Error(err)
			}
		}, ""},
		{"nobody answers", func(*running, string) { time.Sleep(machine.AuthIdle + time.Second) }, fault.AuthNobody},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, &scripted{open: asksPassword(newWire())})
				r.connect(alice, "vpn.example.com")
				tt.do(r, r.want("authenticating").Prompt.ID)
				s := r.want("disconnected")
				if s.Prompt != nil || len(r.loop.res.prompts) != 0 {
					t.Error("the prompt is still there")
				}
				if got := s.Error; (got == nil) != (tt.code == "") || got != nil && got.Code != string(tt.code) {
					t.Errorf("error %+v, want %s", got, tt.code)
				}
				if err := r.stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestCarrierLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newWire(), newWire()
		r := start(t, &scripted{open: opens(first), reach: reaches, resume: func(_ context.Context, ref protocol.SessionRef, _ protocol.Reached) (protocol.Tunnel, error) {
			if !ref.Token.Equal(redact.NewString("a-token")) {
				return nil, fault.New(fault.GwSession, nil)
			}
			return second, nil
		}})
		r.connect(alice, "vpn.example.com")
		r.want("connected")
		sets := 0
		r.m.Intercept(fake.Router, func(context.Context) error { sets++; return nil })
		first.notes <- protocol.Notification{Kind: protocol.NoteDown, Err: fault.New(fault.NetLost, nil)}
		s := r.want("connected")
		if s.Reconnects == nil || s.Reconnects.Tunnel != 1 || s.LastReconnect == nil || s.LastReconnect.Level != "tunnel" || s.LastReconnect.Code != 6 {
			t.Errorf("reconnects %+v, last %+v", s.Reconnects, s.LastReconnect)
		}
		if sets != 0 {
			t.Error("routes were touched although the plan is the same")
		}
		select {
		case <-first.closed:
		default:
			t.Error("the old tunnel is still open")
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		steps := 0
		if err := record.Replay(r.loop.record.Record(), func(machine.State, record.Step, machine.State) { steps++ }); err != nil || steps < 10 {
			t.Errorf("the record of %d steps replays with %v", steps, err)
		}
		if second.reason != protocol.CloseUser || !r.m.Clean() {
			t.Errorf("closed with %v, host clean %v", second.reason, r.m.Clean())
		}
	})
}

// A gateway that closes a tunnel says seldom why. One that nothing has used for as long as it allows is over; any other is asked for once more.
func TestIdleSession(t *testing.T) {
	for _, tt := range []struct {
		name  string
		idle  time.Duration // what the gateway allows
		used  time.Duration // when a packet goes, 0 never
		state string
	}{
		{"never used", 30 * time.Minute, 0, "disconnected"},
		{"used long ago", 30 * time.Minute, time.Minute, "disconnected"},
		{"used lately", 30 * time.Minute, 20 * time.Minute, "connected"},
		{"the gateway has no such limit", 0, 0, "connected"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWire()
				w.set.IdleTimeout = tt.idle
				r := start(t, &scripted{open: opens(w), reach: reaches, resume: func(context.Context, protocol.SessionRef, protocol.Reached) (protocol.Tunnel, error) {
					return newWire(), nil
				}})
				r.connect(alice, "vpn.example.com")
				r.want("connected")
				time.Sleep(tt.used)
				if tt.used > 0 {
					r.dev.out <- echoRequest(w.set.Addresses[0].Addr(), gwAddr, 1)
				}
				time.Sleep(31*time.Minute + 5*time.Second - tt.used)
				w.notes <- protocol.Notification{Kind: protocol.NoteServerClosed}
				time.Sleep(2 * time.Second)
				s := r.want(tt.state)
				if over := tt.state == "disconnected"; over != (s.Error != nil && s.Error.Code == string(fault.GwIdle)) || over != r.m.Clean() {
					t.Errorf("error %+v, host clean %v, events %v", s.Error, r.m.Clean(), r.events())
				}
				if err := r.stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestTokenRefusedAsksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := newWire()
		logins := 0
		r := start(t, &scripted{
			open: func(ctx context.Context, target protocol.Target, p protocol.Prompter) (protocol.Tunnel, error) {
				if logins++; logins == 1 {
					return lost, nil
				}
				return asksPassword(newWire())(ctx, target, p)
			},
			reach: reaches,
			resume: func(context.Context, protocol.SessionRef, protocol.Reached) (protocol.Tunnel, error) {
				return nil, fault.New(fault.GwSession, nil)
			},
		})
		r.connect(alice, "vpn.example.com")
		r.want("connected")
		lost.notes <- protocol.Notification{Kind: protocol.NoteDown, Err: fault.New(fault.NetLost, nil)}
		s := r.want("authenticating")
		if s.Prompt == nil || logins != 2 || r.m.Clean() {
			t.Fatalf("prompt %v, %d logins, host clean %v", s.Prompt, logins, r.m.Clean())
		}
		time.Sleep(time.Minute)
		if s := r.want("authenticating"); s.Prompt == nil || logins != 2 {
			t.Errorf("%d logins while one question is open", logins)
		}
		if err := r.Answer(t.Context(), alice, s.Prompt.ID, ipc.Answer{Fields: map[string]redact.Secret{"password": redact.NewString(canary)}}); err != nil {
			t.Fatal(err)
		}
		r.want("connected")
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// A login that ignores its context costs the budget of its connect and nothing else.
func TestHungLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		late := newWire()
		hung := true
		r := start(t, &scripted{open: func(context.Context, protocol.Target, protocol.Prompter) (protocol.Tunnel, error) {
			if hung {
				hung = false
				<-release
				return late, nil
			}
			return newWire(), nil
		}})
		r.connect(alice, "vpn.example.com")
		r.want("connecting")
		time.Sleep(61 * time.Second)
		if s := r.want("disconnected"); s.Error == nil || s.Error.Code != string(fault.NetTimeout) {
			t.Errorf("error %+v", s.Error)
		}
		r.connect(alice, "vpn.example.com")
		r.want("connected")
		close(release)
		r.want("connected")
		if late.reason != protocol.CloseUser {
			t.Error("the late tunnel leaked")
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// A host that hangs in Set holds up the changes behind it, not the loop, and not the disconnect.
func TestHungHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &scripted{open: opens(newWire())})
		hang := make(chan struct{})
		r.m.Intercept(fake.Router, func(context.Context) error { <-hang; return nil }) // whatever its context says
		r.connect(alice, "vpn.example.com")
		r.want("establishing")
		begun := time.Now()
		if err := r.Disconnect(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		r.want("disconnecting")
		time.Sleep(3*time.Second + time.Millisecond)
		if s := r.want("disconnected"); s.Error == nil || s.Error.Code != string(fault.HostUndo) {
			t.Errorf("after %v: %+v", time.Since(begun), s.Error)
		}
		close(hang)
		synctest.Wait()
		if !r.m.Clean() {
			t.Error("the revert behind it was not done")
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestConnectWhileDisconnecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := newWire()
		slow.goodbye = time.Second
		next := slow
		r := start(t, &scripted{open: func(context.Context, protocol.Target, protocol.Prompter) (protocol.Tunnel, error) { return next, nil }})
		first := r.connect(alice, "vpn.example.com")
		r.want("connected")
		if err := r.Disconnect(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		r.want("disconnecting")
		if _, err := r.Connect(t.Context(), bob, ipc.ConnectRequest{Target: "vpn.example.com"}); fault.As(err).Code != fault.PolNotOwner {
			t.Errorf("another user before the end: %v", err)
		}
		next = newWire()
		second := r.connect(alice, "other.example.com")
		if second == first {
			t.Error("the ending session was taken for an answer")
		}
		time.Sleep(2 * time.Second)
		if s := r.want("connected"); s.Attempt != second || s.Target != "other.example.com" {
			t.Errorf("state %+v", s)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestPanicInALogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &scripted{open: func(context.Context, protocol.Target, protocol.Prompter) (protocol.Tunnel, error) { panic("a parser") }})
		r.connect(alice, "vpn.example.com")
		if s := r.want("disconnected"); s.Error == nil || s.Error.Code != string(fault.Internal) {
			t.Errorf("error %+v", s.Error)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestSleepIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &scripted{open: opens(newWire()), reach: reaches})
		r.connect(alice, "vpn.example.com")
		r.want("connected")
		r.m.Sleep(time.Hour)
		time.Sleep(watchTime + time.Second)
		r.want("connected")
		if !slices.Contains(r.events(), "resumed") {
			t.Errorf("events %v", r.events())
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestNetworkEventsAreCollapsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &scripted{open: opens(newWire()), reach: reaches})
		r.connect(alice, "vpn.example.com")
		r.want("connected")
		before := len(r.events())
		same := platform.NetSnapshot{Uplinks: slices.Clone(home.Uplinks)}
		same.Uplinks[0].Local = append(slices.Clone(same.Uplinks[0].Local), addrs("2001:db8::7")...) // another family is not on the way
		r.m.SetNetwork(same)
		synctest.Wait()
		if got := r.events(); len(got) != before {
			t.Errorf("a change that is none: %v", got[before:])
		}
		r.m.SetNetwork(platform.NetSnapshot{})
		if s := r.want("reconnecting"); s.Error == nil || s.Error.Code != string(fault.NetNoPath) {
			t.Errorf("offline: %+v", s.Error)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// What the machine itself gave up fails, and that is no news: neither in the log nor in the timeline, nor as the failure that the user is shown.
func TestGivenUpWorkIsNoNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		gaveUp := 0
		r := start(t, &scripted{open: opens(w), reach: func(ctx context.Context, _ protocol.SessionRef, _ protocol.Path) (protocol.Reached, error) {
			<-ctx.Done()
			gaveUp++
			return nil, fault.New(fault.NetTimeout, ctx.Err())
		}})
		r.connect(alice, "vpn.example.com")
		r.want("connected")
		w.notes <- protocol.Notification{Kind: protocol.NotePeerDead}
		time.Sleep(100 * time.Millisecond)
		w.notes <- protocol.Notification{Kind: protocol.NoteHeard}
		s := r.want("connected")
		if gaveUp != 1 || s.Error != nil {
			t.Fatalf("%d reaches were given up: %+v", gaveUp, s.Error)
		}
		if got := r.events(); slices.Contains(got, "reach-failed") || strings.Contains(r.log.String(), "reach-failed") {
			t.Errorf("it is told: %v\n%s", got, r.log.String())
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}
