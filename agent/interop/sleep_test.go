package interop

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// nap is how long machines sleep and processes stand still here. Longer nights are virtual: package agent's tests.
const nap = 10 * time.Second

// sleeper is a world with an agent that is about to sleep.
type sleeper struct {
	*world
	g      *gatewayProcess
	a      *agentProcess
	logind *testenv.Logind // nil: nobody will announce anything
	was    ipc.State
}

// newSleeper connects, by DTLS. It returns nil in the parent process.
func newSleeper(t *testing.T, announced bool, o ocserv, connect func(w *world)) *sleeper {
	t.Helper()
	w := newWorld(t)
	if w == nil {
		return nil
	}
	s := &sleeper{world: w}
	if announced {
		testenv.SystemBus(t)
		s.logind = testenv.NewLogind(t, false)
	}
	s.g = w.startOcserv(t, o)
	s.a = w.startAgent()
	if announced {
		s.logind.Lock()
	}
	connect(w)
	s.was = w.travels("dtls", 5*time.Second)
	w.reachesInside()
	return s
}

func byName(w *world) { w.connect("vpn4.lab.example") }

// sleep takes the agent through the night: with a word before and after if there is a logind, its process frozen and its network away in between, while the world does something else. It returns
// when it was woken.
func (s *sleeper) sleep(night func()) time.Time {
	s.t.Helper()
	sent := s.settled()
	if s.logind != nil {
		if took, held := s.logind.Suspend(); took > time.Second || held > 0 {
			s.t.Errorf("the machine waited %v, and then %d locks were held", took, held)
		}
	}
	_ = s.a.cmd.Process.Signal(syscall.SIGSTOP)
	if now := s.bytes(); now != sent {
		s.t.Errorf("%d bytes were sent for the sake of sleep", now-sent)
	}
	s.client.Run(s.t, "ip", "link", "set", "wan0", "down")
	if night != nil {
		night()
	}
	time.Sleep(nap)
	s.client.Run(s.t, "ip", "link", "set", "wan0", "up")
	s.ip(s.client, "addr replace 2001:db8:1::2/64 dev wan0 nodad", "route replace default via 192.0.2.1", "route replace default via 2001:db8:1::1")
	for end := time.Now().Add(5 * time.Second); s.client.Command("ping", "-c1", "-W1", "192.0.2.1").Run() != nil; { // the kernel takes up to a second for a link that came up
		if time.Now().After(end) {
			s.t.Fatal("the network did not come back")
		}
	}
	woke := time.Now()
	_ = s.a.cmd.Process.Signal(syscall.SIGCONT)
	if s.logind != nil {
		s.logind.Wake()
	}
	return woke
}

// bytes is how much has crossed the router to and from the gateway.
func (s *sleeper) bytes() int { return s.counted("udp") + s.counted("tcp") }

// settled is bytes once nothing has crossed for a second: the last question after traffic that stopped has been answered by then.
func (s *sleeper) settled() int {
	s.t.Helper()
	n, quiet := s.bytes(), 0
	for range 100 {
		time.Sleep(200 * time.Millisecond)
		m := s.bytes()
		if quiet++; m != n {
			n, quiet = m, 0
		}
		if quiet == 5 {
			return n
		}
	}
	s.t.Fatal("the tunnel never rests")
	return 0
}

// back waits until the gateway has answered after the waking, by a new tunnel where there must be one (what was on its way before may still be read after it), and holds the session to being the one
// of the evening.
func (s *sleeper) back(woke time.Time, within time.Duration, sessions uint64) ipc.State {
	s.t.Helper()
	defer func() {
		if s.t.Failed() {
			s.t.Logf("woken at %s\n%s", woke.Format("15:04:05.000"), s.cli("", "timeline").out)
		}
	}()
	is := s.waitState(10*time.Second, "back", func(is ipc.State) bool {
		return is.State == "connected" && is.VerifiedAt != nil && is.VerifiedAt.After(woke) && is.Reconnects.Session >= sessions
	})
	took := is.VerifiedAt.Sub(woke)
	if sessions > 0 {
		took = is.LastReconnect.At.Sub(woke)
	}
	s.t.Logf("asleep for %v, back %d ms after waking: %+v, %+v", nap, took.Milliseconds(), *is.Reconnects, is.LastReconnect)
	if took > within {
		s.t.Errorf("it took %v to come back", took)
	}
	if !slices.Equal(is.Addresses, s.was.Addresses) || is.Prompt != nil {
		s.t.Errorf("addresses %v, then %v; prompt %v", s.was.Addresses, is.Addresses, is.Prompt)
	}
	if all := s.cli("", "timeline").out; strings.Count(all, "start-attempt") != 1 || strings.Count(all, "prompt-needed") != 1 {
		s.t.Errorf("there was another login:\n%s", all)
	}
	s.reachesInside()
	return is
}

// resumed is back by one session level reconnect for the sake of sleep.
func (s *sleeper) resumed(woke time.Time) {
	s.t.Helper()
	is := s.back(woke, time.Second, 1)
	if l := is.LastReconnect; is.Reconnects.Session != 1 || l == nil || l.Level != "session" || l.Code != 9 {
		s.t.Errorf("reconnects %+v, the last %+v\n%s", is.Reconnects, l, s.cli("", "timeline").out)
	}
}

// inOrder fails unless the timeline holds the words in this order.
func (s *sleeper) inOrder(words ...string) {
	s.t.Helper()
	all := s.cli("", "timeline").out
	rest := all
	for _, word := range words {
		_, after, ok := strings.Cut(rest, word)
		if !ok {
			s.t.Errorf("the timeline has no %q after what comes before it:\n%s", word, all)
			return
		}
		rest = after
	}
}

// TestSleep: the session outlives a night in which nothing of the network is as it was, without a question and with the address it had.
func TestSleep(t *testing.T) {
	t.Parallel()
	t.Run("nothing happened", func(t *testing.T) {
		t.Parallel()
		s := newSleeper(t, true, pskOnly, byName)
		if s == nil {
			return
		}
		woke := s.sleep(nil)
		if is := s.back(woke, time.Second, 0); is.Reconnects.Session+is.Reconnects.Tunnel != 0 {
			t.Errorf("what still answered was given up:\n%s", s.cli("", "timeline").out)
		}
		s.a.stop()
	})
	t.Run("the router forgot", func(t *testing.T) {
		t.Parallel()
		s := newSleeper(t, true, pskOnly, byName)
		if s == nil {
			return
		}
		woke := s.sleep(s.forgetFlows)
		s.resumed(woke)
		// The order of the AnyConnect client's log: connected, the system's suspend, a session level reconnect with reason 9, reconnecting, connected.
		s.inOrder("connected", "suspending", "resumed", "the machine woke from sleep", "reconnecting", "connected")
		s.a.stop()
	})
	t.Run("nobody announced it", func(t *testing.T) {
		t.Parallel()
		s := newSleeper(t, false, pskOnly, byName)
		if s == nil {
			return
		}
		woke := s.sleep(s.forgetFlows)
		s.resumed(woke)
		s.a.stop()
	})
	t.Run("the session ended meanwhile", func(t *testing.T) {
		t.Parallel()
		s := newSleeper(t, true, ocserv{psk: true, lines: append([]string{"session-timeout = 8"}, splitRoutes...)}, byName)
		if s == nil {
			return
		}
		s.sleep(nil)
		s.waitState(10*time.Second, "asking", func(is ipc.State) bool { return is.Prompt != nil })
		asked := s.settled()
		time.Sleep(3 * time.Second)
		if is := s.state(); is.Prompt == nil || s.bytes() != asked {
			t.Errorf("while the question waits: %+v, %d bytes", is, s.bytes()-asked)
		}
		if r := s.cli(password+"\n", "connect", "--user", account, "--group", "staff", "--password-stdin", "--no-input"); r.exit != 0 {
			t.Fatalf("answering: %+v", r)
		}
		s.reachesInside()
		s.a.stop()
	})
	t.Run("policy ends it", func(t *testing.T) {
		t.Parallel()
		s := newSleeper(t, true, pskOnly, func(w *world) {
			text := `<AnyConnectProfile xmlns="http://schemas.xmlsoap.org/encoding/"><ClientInitialization><AutoReconnect>true<AutoReconnectBehavior>DisconnectOnSuspend</AutoReconnectBehavior></AutoReconnect></ClientInitialization>
<ServerList><HostEntry><HostName>Lab</HostName><HostAddress>vpn4.lab.example</HostAddress></HostEntry></ServerList></AnyConnectProfile>`
			if err := os.WriteFile(filepath.Join(w.dir, "profile", "lab.xml"), []byte(text), 0o644); err != nil {
				w.t.Fatal(err)
			}
			w.connect("Lab")
		})
		if s == nil {
			return
		}
		took, held := s.logind.Suspend()
		if is := s.state(); is.State != "disconnected" || held > 0 || took > 3500*time.Millisecond {
			t.Errorf("%s when the machine fell asleep, after %v, %d locks", is.State, took, held)
		}
		s.unchanged("asleep")
		s.logind.Wake()
		time.Sleep(time.Second)
		if is := s.state(); is.State != "disconnected" || is.Prompt != nil {
			t.Errorf("awake: %+v", is)
		}
		s.a.stop()
	})
}

// TestStoodStill: a process that is stopped now and then, as a paused machine's are, does not hold against its gateway what it did not see itself. Dead peer detection is so short here that
// every pause is longer, and ends close to when the peer would have been given up.
func TestStoodStill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{psk: true, lines: append([]string{"dpd = 2"}, splitRoutes...)})
	a := w.startAgent()
	w.connect("vpn4.lab.example")
	w.travels("dtls", 5*time.Second)
	for _, pause := range []time.Duration{1900, 2100, 2500, 3000, 3900, 4100} {
		_ = a.cmd.Process.Signal(syscall.SIGSTOP)
		time.Sleep(pause * time.Millisecond)
		_ = a.cmd.Process.Signal(syscall.SIGCONT)
		time.Sleep(300 * time.Millisecond)
	}
	w.reachesInside()
	is := w.state()
	if all := w.cli("", "timeline").out; is.Reconnects.Session+is.Reconnects.Tunnel > 0 || is.Transport != "dtls" || strings.Contains(all, "peer-dead") || strings.Count(all, "carrier-changed") != 1 {
		t.Errorf("by %s, reconnects %+v, the last %+v\n%s", is.Transport, is.Reconnects, is.LastReconnect, all)
	}
	a.stop()
	if !strings.Contains(a.log.String(), "dpd=2s") {
		t.Error("dead peer detection was slower than the pauses")
	}
}
