package interop

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// refused checks an unsuccessful connect: the exit code, one coded line, a hint, nothing secret, the host as before.
func (w *world) refused(r result, exit int, codes ...string) {
	w.t.Helper()
	lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
	var errs, hints []string
	for _, l := range lines {
		switch {
		case strings.HasPrefix(l, "error: "):
			errs = append(errs, l)
		case strings.HasPrefix(l, "hint: "):
			hints = append(hints, l)
		}
	}
	coded := false
	for _, c := range codes {
		coded = coded || len(errs) == 1 && strings.HasSuffix(errs[0], "("+c+")")
	}
	if r.exit != exit || !coded || len(hints) == 0 {
		w.t.Errorf("exit %d, want %d with %v:\n%s%s", r.exit, exit, codes, r.out, r.stderr)
	}
	if strings.Contains(r.out+r.stderr, password) {
		w.t.Errorf("the password is in the output")
	}
	w.waitState(4*time.Second, "disconnected", func(s ipc.State) bool { return s.State == "disconnected" })
	w.unchanged("after the refusal")
}

// TestRefusals: each way a connect can fail has one coded line, a hint and its exit code, and leaves the host unchanged.
func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{lines: splitRoutes})
	w.startAgent()
	connect := func(stdin, target string, more ...string) result {
		return w.cli(stdin, append([]string{"connect", target, "--user", account, "--group", "Staff network", "--password-stdin", "--no-input", "--timeout", "6s"}, more...)...)
	}
	ca := []string{"--ca", w.pki.ca}
	t.Run("wrong password", func(t *testing.T) {
		w.in(t).refused(connect("not it\n", "vpn.lab.example", ca...), 4, "AUTH-001")
	})
	t.Run("untrusted certificate", func(t *testing.T) {
		w.in(t).refused(connect(password+"\n", "vpn.lab.example"), 6, "TLS-001")
	})
	t.Run("certificate for another name", func(t *testing.T) {
		w.in(t).refused(connect(password+"\n", "other.lab.example", ca...), 6, "TLS-002")
	})
	t.Run("pin that does not match", func(t *testing.T) {
		w.in(t).refused(connect(password+"\n", "vpn.lab.example", "--pin", "sha256:"+strings.Repeat("00", 32)), 6, "TLS-004")
	})
	t.Run("port closed", func(t *testing.T) {
		w.in(t).refused(connect(password+"\n", "vpn.lab.example:444", ca...), 5, "NET-003")
	})
	t.Run("no such name", func(t *testing.T) {
		w.in(t).refused(connect(password+"\n", "nowhere.lab.example", ca...), 5, "NET-001")
	})
	t.Run("silent address", func(t *testing.T) {
		w.in(t).refused(connect(password+"\n", "192.0.2.77", ca...), 5, "NET-004", "NET-006", "NET-002")
	})
	t.Run("not a target", func(t *testing.T) {
		w.in(t).refused(connect(password+"\n", "http://vpn.lab.example/", ca...), 2, "USE-002")
	})
}

// in is the same world, failing another test.
func (w *world) in(t *testing.T) *world {
	c := *w
	c.t = t
	return &c
}

// TestOtherServers: what answers is no gateway, or behaves like none would.
func TestOtherServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startAgent()
	cert, err := tls.LoadX509KeyPair(w.pki.cert, w.pki.key)
	if err != nil {
		t.Fatal(err)
	}
	page := func(status int, kind, body string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", kind)
			rw.WriteHeader(status)
			_, _ = io.WriteString(rw, body)
		}
	}
	const head = `<?xml version="1.0"?><config-auth client="vpn" type="auth-request">`
	for _, c := range []struct {
		name    string
		plain   bool
		handler http.HandlerFunc
		codes   []string
	}{
		{"web server", false, page(200, "text/html", "<!DOCTYPE html><html><body>Welcome</body></html>"), []string{"NET-009"}},
		{"not found", false, page(404, "text/html", "<html>no</html>"), []string{"NET-009", "NET-014"}},
		{"no TLS", true, page(200, "text/html", "hello"), []string{"TLS-005"}},
		{"malformed XML", false, page(200, "text/xml", head+"<auth><form></auth>"), []string{"NET-011"}},
		{"document type", false, page(200, "text/xml", `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>`+head+"&b;</config-auth>"), []string{"NET-011"}},
		{"endless answer", false, func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", "text/xml")
			_, _ = io.WriteString(rw, head)
			for r.Context().Err() == nil {
				if _, err := io.WriteString(rw, strings.Repeat("<x>y</x>", 4096)); err != nil {
					return
				}
			}
		}, []string{"NET-010", "NET-011"}},
		{"slow drip", false, func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", "text/xml")
			_, _ = io.WriteString(rw, head)
			for r.Context().Err() == nil {
				if _, err := io.WriteString(rw, " "); err != nil {
					return
				}
				rw.(http.Flusher).Flush()
				time.Sleep(100 * time.Millisecond)
			}
		}, []string{"NET-010", "NET-006", "GW-007"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			// in the client's own namespace: the agent reaches it over lo
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			srv := &http.Server{Handler: c.handler, TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}}
			go func() {
				if c.plain {
					_ = srv.Serve(l)
					return
				}
				_ = srv.ServeTLS(l, "", "")
			}()
			defer srv.Close()
			exit := 5
			if c.name == "slow drip" {
				exit = 0 // 5 or 8: the gateway had answered
			}
			r := w.cli(password+"\n", "connect", fmt.Sprintf("127.0.0.1:%d", l.Addr().(*net.TCPAddr).Port), "--user", account, "--password-stdin", "--no-input", "--timeout", "6s", "--pin", w.pki.pin)
			if exit == 0 && (r.exit == 5 || r.exit == 8) {
				exit = r.exit
			}
			w.in(t).refused(r, exit, c.codes...)
		})
	}
}

// TestNoAgent: the agent is not running.
func TestNoAgent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	for _, args := range [][]string{{"state"}, {"connect", "vpn.lab.example"}, {"disconnect"}, {"stats"}, {"timeline"}} {
		if r := w.cli("", args...); r.exit != 3 || !strings.Contains(r.stderr, "(AGENT-001)") {
			t.Errorf("%v: %+v", args, r)
		}
	}
	if r := w.cli("", "version"); r.exit != 0 {
		t.Errorf("version: %+v", r)
	}
}

// TestNothingSecretLeft: after a session neither the log, the state nor the files hold the password.
func TestNothingSecretLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{lines: splitRoutes})
	a := w.startAgent()
	w.connect("vpn.lab.example")
	var seen strings.Builder
	for _, args := range [][]string{{"--json", "state"}, {"stats"}, {"--json", "timeline"}, {"state", "--why"}} {
		r := w.cli("", args...)
		seen.WriteString(r.out + r.stderr)
	}
	for _, p := range []string{"cmdline", "environ"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", a.cmd.Process.Pid, p))
		if err != nil {
			t.Fatal(err)
		}
		seen.Write(b)
	}
	a.stop()
	seen.WriteString(a.log.String())
	for _, dir := range []string{w.stateDir(), w.runtimeDir()} {
		_ = walk(dir, func(b []byte) { seen.Write(b) })
	}
	if strings.Contains(seen.String(), password) {
		t.Error("the password is in the log, the state or a file")
	}
}
