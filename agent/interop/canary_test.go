package interop

import (
	"bufio"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// What must not be seen anywhere, each at its own place.
const (
	canaryUserPass = "canary-password-d41d8c"
	canaryOTP      = "canary-otp-98f00b"
	canaryContext  = "canary-context-204e98"
	canaryOpaque   = "canary-opaque-0998ec"
	canaryToken    = "canary-token-f8427e"
	canaryPostAuth = "canary-postauth-e4d909"
)

// talkative is a gateway that repeats every secret it knows wherever it may say something.
type talkative struct {
	phase    atomic.Int32 // of the CONNECTs: 0 accepts, 1 is busy, 2 does not know the token
	accepted chan net.Conn

	mu      sync.Mutex
	masters []string // the secrets for DTLS that CONNECTs told, in hexadecimal digits
}

const (
	talkOpen    = `<?xml version="1.0"?><config-auth client="vpn" type="auth-request"><opaque is-for="sg"><x>` + canaryOpaque + `</x></opaque><auth id="main">`
	talkClose   = `</form></auth></config-auth>`
	talkForm    = `<form method="post" action="/auth">`
	talkUser    = `<input type="text" name="username" label="Name:"/>`
	talkAnswer  = `<input type="password" name="%s" label="%s"/>`
	talkOnce    = canaryUserPass + " " + canaryContext // while the code is not yet known to it
	talkAll     = canaryUserPass + " " + canaryOTP + " " + canaryContext
	talkSuccess = `<?xml version="1.0"?><config-auth client="vpn" type="complete"><session-token>` + canaryToken + `</session-token><auth id="success"><banner>Welcome ` + talkAll + `</banner></auth></config-auth>`
)

func (g *talkative) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if r.Method == http.MethodConnect {
			g.connect(c, in, r)
			return
		}
		answer, extra := g.login(string(body)), "Set-Cookie: webvpncontext="+canaryContext+"; Secure\r\n"
		status := "200 OK"
		if answer == "" {
			status, extra = "403 Forbidden", extra+"X-Reason: "+talkOnce+"\r\n"
		}
		fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Type: text/xml\r\n%sContent-Length: %d\r\n\r\n%s", status, extra, len(answer), answer)
	}
}

// login answers one document: name and password, then a one-time code, then the token. A password that is not the right one ends it.
func (g *talkative) login(doc string) string {
	switch {
	case strings.Contains(doc, `type="init"`):
		return talkOpen + talkForm + talkUser + fmt.Sprintf(talkAnswer, "password", "Password:") + talkClose
	case strings.Contains(doc, canaryOTP):
		return talkSuccess
	case strings.Contains(doc, canaryUserPass):
		return talkOpen + "<title>" + talkOnce + "</title><message>" + talkOnce + "</message>" + talkForm + fmt.Sprintf(talkAnswer, "password", "Code:") + talkClose
	}
	return ""
}

// connect answers CONNECT and keeps the tunnel until it is cut.
func (g *talkative) connect(c net.Conn, in io.Reader, r *http.Request) {
	master := r.Header.Get("X-DTLS-Master-Secret")
	g.mu.Lock()
	g.masters = append(g.masters, master)
	g.mu.Unlock()
	switch {
	case !strings.Contains(r.Header.Get("Cookie"), canaryToken):
		fmt.Fprintf(c, "HTTP/1.1 400 Bad Request\r\nX-Reason: no cookie\r\nContent-Length: 0\r\n\r\n")
		return
	case g.phase.Load() == 1:
		fmt.Fprintf(c, "HTTP/1.1 503 Busy\r\nX-Reason: busy with %s\r\nSet-Cookie: webvpn=%s\r\nContent-Length: 0\r\n\r\n", master, canaryToken)
		return
	case g.phase.Load() == 2:
		fmt.Fprintf(c, "HTTP/1.1 401 Unauthorized\r\nX-Reason: gone, with %s\r\nSet-Cookie: webvpn=%s\r\nContent-Length: 0\r\n\r\n", strings.ToLower(master), canaryToken)
		return
	}
	fmt.Fprintf(c, "HTTP/1.1 200 CONNECTED\r\nX-CSTP-Address: 10.77.0.2\r\nX-CSTP-Netmask: 255.255.255.0\r\nX-CSTP-MTU: 1300\r\nX-CSTP-Split-Include: 10.77.0.0/255.255.0.0\r\nX-CSTP-DPD: 30\r\n"+
		"X-CSTP-Disconnected-Timeout: 300\r\nX-CSTP-Post-Auth-XML: <x>%s</x>\r\nX-CSTP-Session-Token: %s\r\nSet-Cookie: webvpn=%s\r\n"+
		"X-DTLS-Master-Secret: %s\r\nX-CSTP-Echo: %s\r\n\r\n", canaryPostAuth, canaryToken, canaryToken, master, strings.ToLower(master))
	g.accepted <- c
	_, _ = io.Copy(io.Discard, in)
}

// TestCanaries: a whole life (login with a one-time code, tunnel, reconnect, a gateway that is busy, a session that is lost, a login that fails) with a gateway that
// repeats what it is told, and nothing secret in any place where something stays.
func TestCanaries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	cert, err := tls.LoadX509KeyPair(w.pki.cert, w.pki.key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	g := &talkative{accepted: make(chan net.Conn, 16)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go g.serve(c)
		}
	}()
	target := l.Addr().String()
	a := w.startAgent()
	var seen strings.Builder
	look := func() {
		for _, args := range [][]string{{"--json", "state"}, {"stats"}, {"--json", "stats"}, {"--json", "timeline"}, {"state", "--why"}, {"hosts"}} {
			r := w.cli("", args...)
			seen.WriteString(r.out + r.stderr)
		}
		for _, p := range []string{"cmdline", "environ", "comm", "status"} {
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", a.cmd.Process.Pid, p))
			if err != nil {
				t.Fatal(err)
			}
			seen.Write(b)
		}
		for _, dir := range []string{w.stateDir(), w.runtimeDir()} {
			_ = walk(dir, func(b []byte) { seen.Write(b) })
		}
	}
	login := func(code string) result {
		r := w.cli("password="+canaryUserPass+"\npassword2="+code+"\n", "connect", target, "--user", account, "--answers-stdin", "--accept-banner", "--no-input", "--timeout", "8s", "--pin", w.pki.pin)
		seen.WriteString(r.out + r.stderr)
		return r
	}

	if r := login("123456"); r.exit != 4 { // the gateway does not know this code
		t.Fatalf("a wrong code: %+v", r)
	}
	look()
	if r := login(canaryOTP); r.exit != 0 {
		t.Fatalf("login: %+v", r)
	}
	look()
	cut := func(phase int32) {
		g.phase.Store(phase)
		c := <-g.accepted
		_ = c.Close()
	}
	cut(0)
	w.waitState(15*time.Second, "back", func(s ipc.State) bool {
		return s.State == "connected" && s.Reconnects != nil && s.Reconnects.Tunnel+s.Reconnects.Session > 0
	})
	look()
	cut(1)
	w.waitState(10*time.Second, "reconnecting", func(s ipc.State) bool { return s.State == "reconnecting" })
	time.Sleep(time.Second) // some refusals
	look()
	g.phase.Store(2)
	w.waitState(20*time.Second, "lost", func(s ipc.State) bool { return s.Prompt != nil || s.State == "disconnected" })
	look()
	if r := w.cli("", "disconnect"); r.exit != 0 {
		t.Errorf("disconnect: %+v", r)
	}
	look()
	_ = a.cmd.Process.Signal(syscall.SIGQUIT) // a dump of all goroutines is the most that this process ever says
	_ = a.cmd.Wait()
	seen.WriteString(a.log.String())
	canaries := []string{canaryUserPass, canaryOTP, canaryContext, canaryOpaque, canaryToken, canaryPostAuth}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range g.masters {
		b, err := hex.DecodeString(m)
		if err != nil || len(b) != 48 {
			t.Fatalf("CONNECT told %q of DTLS", m)
		}
		canaries = append(canaries, m, strings.ToLower(m), string(b))
	}
	if len(g.masters) < 3 {
		t.Errorf("%d CONNECTs told a secret for DTLS", len(g.masters))
	}
	for _, c := range canaries {
		if i := strings.Index(seen.String(), c); i >= 0 {
			t.Errorf("%s is in: …%s…", c, seen.String()[max(0, i-200):min(seen.Len(), i+60)])
		}
	}
	if !strings.Contains(seen.String(), "goroutine 1 ") || !strings.Contains(seen.String(), "[secret]") {
		t.Error("what was looked through has neither the dump nor the gateway's masked words: this test missed its mark")
	}
}
