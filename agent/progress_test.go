package agent

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/platform/fake"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// TestStepsOfALogin: the state tells how far a login is, and that the gateway waits for the user elsewhere; another user sees none of it.
func TestStepsOfALogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := make(chan struct{})
		r := start(t, &scripted{open: func(ctx context.Context, _ protocol.Target, p protocol.Prompter) (protocol.Tunnel, error) {
			w := p.(protocol.Watcher)
			<-next
			w.Answered()
			<-next
			if _, err := p.Ask(ctx, protocol.Form{Kind: protocol.FormForm, Fields: []protocol.Field{{Name: "password", Type: "password"}}}); err != nil {
				return nil, err
			}
			<-next
			w.Waiting(true)
			<-next
			w.Waiting(false)
			<-next
			w.LoggedIn()
			<-next
			if _, err := p.Ask(ctx, protocol.Form{Kind: protocol.FormBanner, Message: "Welcome"}); err != nil {
				return nil, err
			}
			return newWire(), nil
		}})
		release := make(chan struct{})
		r.m.Intercept(fake.Router, func(context.Context) error { <-release; return nil })
		r.connect(alice, "vpn.example.com")
		check := func(state, step string, waiting bool) ipc.State {
			t.Helper()
			s := r.want(state)
			if s.Step != step || (s.Waiting != nil) != waiting {
				t.Errorf("step %q, waiting %+v; want %q, %v", s.Step, s.Waiting, step, waiting)
			}
			return s
		}
		answer := func(id string, a ipc.Answer) {
			t.Helper()
			if err := r.Answer(t.Context(), alice, id, a); err != nil {
				t.Fatal(err)
			}
		}
		check("connecting", ipc.StepReach, false)
		next <- struct{}{}
		check("connecting", ipc.StepLogin, false)
		next <- struct{}{}
		s := check("authenticating", ipc.StepLogin, false)
		answer(s.Prompt.ID, ipc.Answer{Fields: map[string]redact.Secret{"password": redact.NewString(canary)}})
		check("connecting", ipc.StepLogin, false)
		next <- struct{}{}
		s = check("connecting", ipc.StepLogin, true)
		if got := s.Waiting; !got.Since.Equal(time.Now()) || got.Until.Sub(got.Since) != machine.AuthIdle {
			t.Errorf("waiting %+v", got)
		}
		if other := ipc.Reduce(s); other.Waiting != nil || other.Step != "" {
			t.Errorf("others see %+v", other)
		}
		next <- struct{}{}
		check("connecting", ipc.StepLogin, false)
		next <- struct{}{}
		check("connecting", ipc.StepTunnel, false)
		next <- struct{}{}
		s = check("authenticating", ipc.StepTunnel, false)
		yes := true
		answer(s.Prompt.ID, ipc.Answer{Accept: &yes})
		check("establishing", ipc.StepApply, false)
		close(release)
		check("connected", "", false)
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestStepsOfABackupServer: another server has its own beginning.
func TestStepsOfABackupServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins := 0
		r := startOn(t, home, nil, func(protocol.Dialer) protocol.Connector {
			return &scripted{open: func(ctx context.Context, _ protocol.Target, p protocol.Prompter) (protocol.Tunnel, error) {
				if logins++; logins == 1 {
					p.(protocol.Watcher).Answered()
					return nil, fault.New(fault.GwUnavailable, nil)
				}
				<-ctx.Done()
				return nil, ctx.Err()
			}}
		})
		c, err := resolve(ipc.ConnectRequest{Target: "vpn.example.com"}, catalog{})
		if err != nil {
			t.Fatal(err)
		}
		c.owner, c.policy.Backups = alice.ID(), 1
		c.servers = append(c.servers, protocol.Target{Host: "backup.example.com"})
		if err := r.call(t.Context(), func(l *loop) { _, _ = l.connect(c) }); err != nil {
			t.Fatal(err)
		}
		if s := r.want("connecting"); logins != 2 || s.Step != ipc.StepReach {
			t.Errorf("login %d, step %q", logins, s.Step)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestTransportIsTold: the state has the reason's code and its times, each change of which is an event for the owner, and what is tried next is no line of the timeline.
func TestTransportIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		r := start(t, &scripted{open: opens(w)})
		r.connect(alice, "vpn.example.com")
		r.want("connected")
		since := time.Now()
		tell := func(retry time.Time, kind protocol.NoteKind) ipc.State {
			t.Helper()
			before := r.loop.board.get()
			w.transport.Store(&protocol.Transport{Name: "tls", Reason: "UDP blocked", Code: protocol.TransportUDPBlocked, Since: since, RetryAt: retry})
			w.notes <- protocol.Notification{Kind: kind, Text: "tls: UDP blocked"}
			synctest.Wait()
			if r.loop.board.get() == before {
				t.Error("nothing was published")
			}
			return r.want("connected")
		}
		s := tell(since.Add(time.Second), protocol.NoteCarrier)
		if s.TransportCode != ipc.TransportUDPBlocked || !s.TransportSince.Equal(since) || !s.TransportRetryAt.Equal(since.Add(time.Second)) {
			t.Errorf("%s since %v, next %v", s.TransportCode, s.TransportSince, s.TransportRetryAt)
		}
		lines := len(r.loop.timeline.all())
		s = tell(since.Add(3*time.Second), protocol.NoteRetry)
		if !s.TransportRetryAt.Equal(since.Add(3*time.Second)) || len(r.loop.timeline.all()) != lines {
			t.Errorf("next %v, %d lines more", s.TransportRetryAt, len(r.loop.timeline.all())-lines)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestTimesStandStill: when the session began and ends is the same in every state, until somebody sets the clock.
func TestTimesStandStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		r := start(t, &scripted{open: opens(w)})
		var late time.Duration // of the wall clock
		r.cfg.Wall = func() time.Time { late += time.Microsecond; return time.Now().Add(late) }
		r.connect(alice, "vpn.example.com")
		first := r.want("connected").Session
		again := func() *ipc.Session {
			t.Helper()
			time.Sleep(time.Second)
			w.notes <- protocol.Notification{Kind: protocol.NoteRetry}
			return r.want("connected").Session
		}
		if s := again(); !s.Started.Equal(first.Started) || !s.Expires.Equal(*first.Expires) {
			t.Errorf("from %v to %v, and then from %v to %v", first.Started, first.Expires, s.Started, s.Expires)
		}
		late += time.Hour
		if s := again(); s.Started.Sub(first.Started).Round(time.Second) != time.Hour {
			t.Errorf("after the clock was set: %v, %v before", s.Started, first.Started)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestTransportCodes: the words of the protocols are those of the socket.
func TestTransportCodes(t *testing.T) {
	var words []string
	for _, c := range protocol.TransportCodes() {
		words = append(words, string(c))
	}
	if !slices.Equal(words, ipc.TransportCodes()) {
		t.Errorf("the protocols say %q, the socket %q", words, ipc.TransportCodes())
	}
}
