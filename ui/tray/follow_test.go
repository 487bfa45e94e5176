package tray

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
	"github.com/holdfast-vpn/holdfast/ui/model"
)

// agentAt is a place where an agent may be: nobody, the real server of a small agent, or somebody who takes connections and says nothing.
type agentAt struct {
	dials  atomic.Int32
	mu     sync.Mutex
	server *served
	mute   bool
}

// served is a running server.
type served struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	ended chan struct{}
}

// minimal is an agent that knows its state and its version, which is all that is asked.
type minimal struct{ ipc.Backend }

func (minimal) State(context.Context) (ipc.State, string) {
	return ipc.State{State: "disconnected"}, ""
}
func (minimal) Version() ipc.Version { return ipc.Version{Version: "9"} }

type memberConn struct{ net.Conn }

func (memberConn) Peer() localsock.Peer { return localsock.Peer{UID: 1000, Member: true} }

func (s *served) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}
func (s *served) Close() error   { s.once.Do(func() { close(s.done) }); return nil }
func (s *served) Addr() net.Addr { return &net.UnixAddr{Name: "agent", Net: "unix"} }

// start lets an agent come, and returns how to end it.
func (a *agentAt) start() (stop func()) {
	s := &served{conns: make(chan net.Conn), done: make(chan struct{}), ended: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	hub := ipc.NewHub()
	hub.Publish("", ipc.State{State: "disconnected"})
	server := ipc.NewServer(minimal{}, hub, slog.New(slog.NewTextHandler(io.Discard, nil)))
	go func() {
		defer close(s.ended)
		_ = server.Serve(ctx, s)
	}()
	a.mu.Lock()
	a.server = s
	a.mu.Unlock()
	return func() {
		a.mu.Lock()
		a.server = nil
		a.mu.Unlock()
		cancel()
		<-s.ended
	}
}

// hang lets whoever is there say nothing more, or go on.
func (a *agentAt) hang(mute bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mute = mute
}

func (a *agentAt) dial(ctx context.Context) (net.Conn, error) {
	a.dials.Add(1)
	a.mu.Lock()
	s, mute := a.server, a.mute
	a.mu.Unlock()
	near, far := net.Pipe()
	switch {
	case mute:
		context.AfterFunc(ctx, func() { far.Close() })
		return near, nil
	case s == nil:
		return nil, fs.ErrNotExist
	}
	select {
	case s.conns <- memberConn{far}:
		return near, nil
	case <-s.done:
		return nil, fs.ErrNotExist
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// following is a reader of an agent, and what it posted.
type following struct {
	link   *agentLink
	mu     sync.Mutex
	posted []string
}

func (f *following) post(m model.Msg) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch m := m.(type) {
	case model.AgentHere:
		f.posted = append(f.posted, "here "+m.Version.Version)
	case model.AgentGone:
		f.posted = append(f.posted, "gone "+string(m.Err.Code))
	case model.Happened:
		f.posted = append(f.posted, m.Event.Type)
	}
}

// said is what was posted since the last time.
func (f *following) said() string {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	s := fmt.Sprint(f.posted)
	f.posted = nil
	return s
}

// follow runs a reader for the time of a test, in virtual time.
func follow(t *testing.T, test func(t *testing.T, a *agentAt, f *following)) {
	synctest.Test(t, func(t *testing.T) {
		a := &agentAt{}
		f := &following{link: newAgentLink(ipc.NewClientOver(a.dial))}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			f.link.follow(ctx, f.post)
		}()
		test(t, a, f)
		cancel()
		<-ended
	})
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %s, not %s", what, got, want)
	}
}

// TestAgentComesAndGoes: an agent that is not there is looked for ever more rarely, one that comes is followed, and one that is restarted is back at once.
func TestAgentComesAndGoes(t *testing.T) {
	follow(t, func(t *testing.T, a *agentAt, f *following) {
		want(t, "at first", f.said(), "[gone AGENT-001]")
		time.Sleep(10 * time.Minute)
		if n := a.dials.Load(); n < 40 || n > 50 {
			t.Errorf("looked %d times in ten minutes", n)
		}
		f.said()
		stop := a.start()
		time.Sleep(latest)
		want(t, "it comes", f.said(), "[here 9 state]")
		dials := a.dials.Load()
		time.Sleep(time.Hour)
		want(t, "an hour later", f.said(), "[]")
		if n := a.dials.Load(); n != dials {
			t.Errorf("%d calls in an hour without an event", n-dials)
		}
		stop()
		want(t, "it goes", f.said(), "[gone AGENT-001]")
		stop = a.start()
		time.Sleep(soonest)
		want(t, "it is back", f.said(), "[here 9 state]")
		stop()
	})
}

// TestAgentHangs: one that takes a connection and says nothing is told from one that is not there, also when it hangs while it is followed, as soon as somebody doubts it; and it is found again.
func TestAgentHangs(t *testing.T) {
	follow(t, func(t *testing.T, a *agentAt, f *following) {
		a.hang(true)
		stop := a.start()
		f.said()
		time.Sleep(time.Minute)
		f.said()
		time.Sleep(latest + patience)
		want(t, "it says nothing", f.said(), "[gone AGENT-004]")
		a.hang(false)
		time.Sleep(latest)
		want(t, "it speaks", f.said(), "[here 9 state]")
		f.link.doubt()
		time.Sleep(2 * patience)
		want(t, "in doubt it speaks", f.said(), "[]")
		a.hang(true)
		f.link.doubt()
		time.Sleep(patience)
		want(t, "it hangs", f.said(), "[gone AGENT-004]")
		a.hang(false)
		time.Sleep(latest)
		want(t, "it is back", f.said(), "[here 9 state]")
		stop()
	})
}
