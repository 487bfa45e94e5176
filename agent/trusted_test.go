package agent

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
	"github.com/holdfast-vpn/holdfast/profile"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// try connects without a CA, and returns the state when there is a question, or an end.
func (w *world) try(t *testing.T, who localsock.Peer) ipc.State {
	t.Helper()
	if _, err := w.Connect(t.Context(), who, ipc.ConnectRequest{Target: "vpn.example.com"}); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		time.Sleep(50 * time.Millisecond)
		if s := w.state(); s.Prompt != nil || s.State == "disconnected" {
			return s
		}
	}
	t.Fatalf("neither a question nor an end: %+v", w.state())
	return ipc.State{}
}

// trusts answers the question for a key.
func (w *world) trusts(t *testing.T, who localsock.Peer, s ipc.State, yes bool) {
	t.Helper()
	if s.Prompt == nil || s.Prompt.Kind != "trust" {
		t.Fatalf("no question for a key: %+v, %+v", s.Prompt, s.Error)
	}
	if err := w.Answer(t.Context(), who, s.Prompt.ID, ipc.Answer{Accept: &yes}); err != nil {
		t.Fatal(err)
	}
}

// hangUp ends the session.
func (w *world) hangUp(t *testing.T, who localsock.Peer) {
	t.Helper()
	if err := w.Disconnect(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	w.until(t, "disconnected", 5*time.Second)
}

// TestFirstUse: a gateway that nobody vouches for is refused without a word unless its user wants to be asked; what he accepts is one key, for himself and for this gateway.
func TestFirstUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		refused := func(s ipc.State, code fault.Code) {
			t.Helper()
			if s.State != "disconnected" || s.Error == nil || s.Error.Code != string(code) || fault.Lookup(code).Exit != 6 {
				t.Errorf("%s, %+v, not %s", s.State, s.Error, code)
			}
		}
		refused(w.try(t, alice), fault.TLSUntrusted)
		if err := w.Prefer(t.Context(), alice, set("BlockUntrustedServers=false")); err != nil {
			t.Fatal(err)
		}
		s := w.try(t, alice)
		if s.Step != ipc.StepReach {
			t.Errorf("the step is %q", s.Step)
		}
		if ipc.Reduce(s).Prompt != nil {
			t.Error("others see the question")
		}
		pin := fmt.Sprintf("sha256:%x", w.ident.Pin)
		if q := s.Prompt.Trust; q.Host != "vpn.example.com" || q.Pin != pin || !slices.Equal(q.Problems, []string{ipc.ProblemAuthority}) || !slices.Contains(q.Names, "vpn.example.com") || len(q.Certificate) != 64 {
			t.Errorf("asked %+v", q)
		}
		if err := w.Answer(t.Context(), alice, s.Prompt.ID, ipc.Answer{Fields: nil}); fault.As(err).Code != fault.UseBad {
			t.Errorf("an answer that is none: %v", err)
		}
		w.trusts(t, alice, s, false)
		refused(w.until(t, "disconnected", 5*time.Second), fault.TLSUntrusted)
		w.trusts(t, alice, w.try(t, alice), true)
		w.answer(t)
		w.until(t, "connected", 10*time.Second)
		w.gw.DropConnections() // it comes back without a question
		time.Sleep(5 * time.Second)
		if s := w.want("connected"); s.Reconnects.Tunnel+s.Reconnects.Session == 0 {
			t.Error("it was not cut")
		}
		w.hangUp(t, alice)

		if s := w.try(t, alice); s.Prompt == nil || s.Prompt.Kind != "form" {
			t.Errorf("the second time: %+v, %+v", s.Prompt, s.Error)
		}
		w.hangUp(t, alice)
		refused(w.try(t, bob), fault.TLSUntrusted) // what alice trusts is no business of his
		list, err := w.Trusted(t.Context(), alice)
		if err != nil || len(list) != 1 || list[0].Host != "vpn.example.com:443" || list[0].Pin != pin || list[0].At.IsZero() {
			t.Errorf("accepted: %+v, %v", list, err)
		}
		if list, err := w.Trusted(t.Context(), bob); err != nil || len(list) != 0 {
			t.Errorf("bob's: %+v, %v", list, err)
		}

		if err := w.loop.trusted.keep(alice.ID(), "vpn.example.com", 443, [32]byte{1}, time.Now()); err != nil {
			t.Fatal(err)
		}
		refused(w.try(t, alice), fault.TLSOther) // and it is no question
		if err := w.Distrust(t.Context(), alice, "VPN.example.com"); err != nil {
			t.Error(err)
		}
		if err := w.Distrust(t.Context(), alice, "vpn.example.com"); fault.As(err).Code != fault.UseTarget {
			t.Errorf("forgotten twice: %v", err)
		}
		if s := w.try(t, alice); s.Prompt == nil || s.Prompt.Kind != "trust" {
			t.Errorf("after it was forgotten: %+v", s.Prompt)
		}
		w.hangUp(t, alice)
		nothingSecret(t, w.running)
		w.end(t)
	})
}

// TestNobodyIsAsked: where there was a tunnel, where policy forbids it, and where a sign-in page answers.
func TestNobodyIsAsked(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(t *testing.T, w *world) (end func())
		code   fault.Code
	}{
		"policy": {func(t *testing.T, w *world) func() {
			store := storeOf(t, "", "<StrictCertificateTrust>true</StrictCertificateTrust>")
			w.cfg.Profiles = func() *profile.Store { return store }
			if err := w.loop.trusted.keep(alice.ID(), "vpn.example.com", 443, w.ident.Pin, time.Now()); err != nil {
				t.Fatal(err)
			}
			return func() {}
		}, fault.TLSUntrusted},
		"a sign-in page": {func(t *testing.T, w *world) func() {
			l, err := w.site.Listen(80)
			if err != nil {
				t.Fatal(err)
			}
			w.serves.Go(func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					w.serves.Go(func() { sayMoved(c) })
				}
			})
			return func() { _ = l.Close() }
		}, fault.NetPortal},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				if err := w.Prefer(t.Context(), alice, set("BlockUntrustedServers=false")); err != nil {
					t.Fatal(err)
				}
				end := tc.change(t, w)
				if s := w.try(t, alice); s.Prompt != nil || s.Error == nil || s.Error.Code != string(tc.code) {
					t.Errorf("%+v, %+v", s.Prompt, s.Error)
				}
				end()
				w.end(t)
			})
		})
	}
}

// TestKeysThatMayNotBeKept: where policy lets nothing be remembered, a key is accepted for one connect.
func TestKeysThatMayNotBeKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		store := storeOf(t, "", "<RestrictPreferenceCaching>Thumbprints</RestrictPreferenceCaching>")
		w.cfg.Profiles = func() *profile.Store { return store }
		if err := w.Prefer(t.Context(), alice, set("BlockUntrustedServers=false")); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			w.trusts(t, alice, w.try(t, alice), true)
			w.answer(t)
			w.until(t, "connected", 10*time.Second)
			w.hangUp(t, alice)
		}
		if list, err := w.Trusted(t.Context(), alice); err != nil || len(list) != 0 {
			t.Errorf("%+v, %v", list, err)
		}
		w.end(t)
	})
}

func sayMoved(c net.Conn) {
	defer c.Close()
	_, _ = c.Read(make([]byte, 4096))
	_, _ = io.WriteString(c, moved)
}

// TestNobodyIsAskedAgain: a session that was lost is logged in anew, and whoever answers then without the key that was accepted is refused.
func TestNobodyIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		if err := w.Prefer(t.Context(), alice, set("BlockUntrustedServers=false")); err != nil {
			t.Fatal(err)
		}
		w.trusts(t, alice, w.try(t, alice), true)
		w.answer(t)
		w.until(t, "connected", 10*time.Second)
		if err := w.Distrust(t.Context(), alice, "vpn.example.com"); err != nil {
			t.Fatal(err)
		}
		w.gw.Revoke(w.gw.Sessions()[0].ID)
		if s := w.until(t, "disconnected", 30*time.Second); s.Error == nil || s.Error.Code != string(fault.TLSUntrusted) || s.Prompt != nil {
			t.Errorf("%+v, %+v", s.Error, s.Prompt)
		}
		w.end(t)
	})
}

// TestTrustedFile: what is kept is the user's alone and bounded, and what cannot be read is no decision.
func TestTrustedFile(t *testing.T) {
	tr := &trusted{dir: filepath.Join(t.TempDir(), "trusted"), log: slog.New(slog.DiscardHandler)}
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	for i := range maxTrusted + 3 {
		if err := tr.keep("1000", fmt.Sprintf("gw%d.example", i), 0, [32]byte{byte(i)}, at); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := tr.key("1000", "gw2.example", 443); ok || len(tr.all("1000")) != maxTrusted {
		t.Errorf("%d are kept", len(tr.all("1000")))
	}
	if key, ok := tr.key("1000", "GW9.example.", 443); !ok || key != [32]byte{9} {
		t.Errorf("%v, %x", ok, key)
	}
	if _, ok := tr.key("1000", "gw9.example", 8443); ok {
		t.Error("another port is another gateway")
	}
	if _, ok := tr.key("1001", "gw9.example", 443); ok {
		t.Error("another user")
	}
	info, err := os.Stat(tr.file("1000"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	for name, text := range map[string]string{
		"no JSON": "x", "a key that is none": `[{"host":"gw9.example:443","key":"00"}]`, "no host": `[{"key":"` + strings.Repeat("00", 32) + `"}]`,
		"too long": `[{"host":"gw9.example:443","key":"` + strings.Repeat("00", 32) + `"}` + strings.Repeat(" ", maxTrustedBytes) + "]",
	} {
		if err := os.WriteFile(tr.file("1000"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, ok := tr.key("1000", "gw9.example", 443); ok || len(tr.all("1000")) != 0 {
			t.Errorf("%s: it counts", name)
		}
	}
}

func FuzzParseAccepted(f *testing.F) {
	f.Add([]byte(`[{"host":"vpn.example.com:443","key":"` + strings.Repeat("0a", 32) + `","at":"2026-05-04T03:02:01Z"}]`))
	f.Add([]byte(`[{}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var list []accepted
		if parseAccepted(b, &list) != nil {
			return
		}
		for _, a := range list {
			if a.Host == "" || len(a.Key) != 64 {
				t.Fatalf("%+v", a)
			}
		}
	})
}

// TestProblems: the words of the protocols are those of the socket.
func TestProblems(t *testing.T) {
	var words []string
	for _, p := range protocol.Problems() {
		words = append(words, string(p))
	}
	if !slices.Equal(words, ipc.Problems()) {
		t.Errorf("the protocols say %q, the socket %q", words, ipc.Problems())
	}
}
