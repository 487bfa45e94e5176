package interop

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
)

// chromium is a real browser without a screen, driven over the WebDriver protocol (W3C).
type chromium struct {
	t    *testing.T
	base string // of its session
}

// driverAt is where chromedriver listens, in the namespace of its test.
const driverAt = "http://127.0.0.1:9515"

// newChromium starts a browser that believes the key of one certificate, since no authority of the system's knows it, and finds its host at an address.
func (w *world) newChromium(host, address string) *chromium {
	w.t.Helper()
	home := filepath.Join(w.dir, "browser")
	if err := os.Mkdir(home, 0o700); err != nil {
		w.t.Fatal(err)
	}
	driver := w.client.Command("chromedriver", "--port=9515", "--log-level=SEVERE")
	driver.Env = append(os.Environ(), "HOME="+home)
	driver.Stdout, driver.Stderr = io.Discard, os.Stderr
	if err := driver.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = driver.Wait() })
	c := &chromium{t: w.t, base: driverAt}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if r, err := http.Get(driverAt + "/status"); err == nil {
			r.Body.Close()
			break
		} else if time.Now().After(end) {
			w.t.Fatal(err)
		}
	}
	cert, err := tls.LoadX509KeyPair(w.pki.cert, w.pki.key)
	if err != nil {
		w.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		w.t.Fatal(err)
	}
	key := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	args := []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--user-data-dir=" + filepath.Join(home, "data"), "--host-resolver-rules=MAP " + host + " " + address, "--ignore-certificate-errors-spki-list=" + base64.StdEncoding.EncodeToString(key[:]),
	}
	program := w.client.Run(w.t, "sh", "-c", "command -v chromium")
	var session struct {
		SessionID string `json:"sessionId"`
	}
	c.call(http.MethodPost, "/session", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"browserName": "chrome", "goog:chromeOptions": map[string]any{"binary": strings.TrimSpace(program), "args": args},
	}}}, &session)
	c.base += "/session/" + session.SessionID
	return c
}

// call makes one call and reads its value.
func (c *chromium) call(method, path string, body, into any) {
	c.t.Helper()
	var send bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&send).Encode(body); err != nil {
			c.t.Fatal(err)
		}
	}
	q, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, &send)
	if err != nil {
		c.t.Fatal(err)
	}
	r, err := (&http.Client{Timeout: time.Minute}).Do(q)
	if err != nil {
		c.t.Fatal(err)
	}
	defer r.Body.Close()
	answer := struct{ Value any }{into}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if r.StatusCode != http.StatusOK {
		c.t.Fatalf("%s %s: %s %s", method, path, r.Status, b)
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		c.t.Fatalf("%s %s: %v %s", method, path, err, b)
	}
}

// goTo opens a page and waits until it is there.
func (c *chromium) goTo(url string) {
	c.t.Helper()
	c.call(http.MethodPost, "/url", map[string]string{"url": url}, nil)
}

// element finds one by a CSS selector and does something with it.
func (c *chromium) element(css, verb string, body any) {
	c.t.Helper()
	var found map[string]string
	c.call(http.MethodPost, "/element", map[string]string{"using": "css selector", "value": css}, &found)
	for _, id := range found {
		c.call(http.MethodPost, "/element/"+id+"/"+verb, body, nil)
	}
}

// signIn fills the page's form in and sends it.
func (c *chromium) signIn(name, password string) {
	c.t.Helper()
	c.element("input[name=username]", "value", map[string]string{"text": name})
	c.element("input[name=password]", "value", map[string]string{"text": password})
	c.element("button[type=submit]", "click", map[string]any{})
}

// shows waits until the page has a text, and returns its address.
func (c *chromium) shows(text string) (address string) {
	c.t.Helper()
	var source string
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		c.call(http.MethodGet, "/source", nil, &source)
		c.call(http.MethodGet, "/url", nil, &address)
		if strings.Contains(source, text) {
			return address
		}
		if time.Now().After(end) {
			c.t.Fatalf("%s does not show %q: %s", address, text, source)
		}
	}
}

// quit ends the browser.
func (c *chromium) quit() {
	c.t.Helper()
	c.call(http.MethodDelete, "", nil, nil)
}

// waiting is a connect that has opened a page and waits for its browser.
type waiting struct {
	page string
	done chan result
}

// connectByBrowser runs connect in a group that signs in in a browser, with an opener that only writes down what it is to open.
func (w *world) connectByBrowser(target string) *waiting {
	w.t.Helper()
	bin, err := os.MkdirTemp(w.dir, "bin")
	if err != nil {
		w.t.Fatal(err)
	}
	opened := filepath.Join(bin, "opened")
	script := "#!/bin/sh\n[ $# = 1 ] && printf %s \"$1\" >" + opened + ".new && mv " + opened + ".new " + opened + "\n"
	if err := os.WriteFile(filepath.Join(bin, "xdg-open"), []byte(script), 0o755); err != nil {
		w.t.Fatal(err)
	}
	cmd := w.client.Command(filepath.Join(os.Getenv(binEnv), "holdfast"), "--socket", filepath.Join(w.runtimeDir(), "agent.sock"), "connect", target, "--group", "web", "--ca", w.pki.ca)
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "DISPLAY=:0", "SUDO_USER=")
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	c := &waiting{done: make(chan result, 1)}
	go func() {
		_ = cmd.Wait()
		c.done <- result{cmd.ProcessState.ExitCode(), out.String(), stderr.String()}
	}()
	for {
		if page, err := os.ReadFile(opened); err == nil {
			c.page = string(page)
			return c
		}
		select {
		case r := <-c.done:
			w.t.Fatalf("no page was opened: %+v", r)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// TestBrowser: a person signs in in a real browser, and what follows is a session like any other, over losses and a new agent, at a gateway that wants each CONNECT signed.
func TestBrowser(t *testing.T) {
	t.Parallel()
	testenv.Require(t, "chromium", "chromedriver", "curl")
	w := newWorld(t)
	if w == nil {
		return
	}
	g := w.ours(t, func(c *gateway.Config) {
		c.Bound, c.Groups[1] = true, gateway.Group{Name: "web", Label: "In the browser", Browser: true}
	})
	a := w.startAgent()
	if r := w.cli("", "connect", "vpn4.lab.example", "--group", "web", "--ca", w.pki.ca, "--no-input"); r.exit != 10 {
		t.Errorf("with nobody to ask: %+v", r)
	}
	browser := w.newChromium("vpn4.lab.example", "198.51.100.1")
	c := w.connectByBrowser("vpn4.lab.example")
	if !strings.HasPrefix(c.page, "https://vpn4.lab.example/+CSCOE+/saml/sp/login?") {
		t.Fatalf("opened %q", c.page)
	}
	forged := base64.StdEncoding.EncodeToString(append([]byte{0, 1}, make([]byte, 100)...))
	if got, err := w.get("http://localhost:29786/api/sso/" + forged); err != nil || !strings.Contains(got, "could not be used") {
		t.Errorf("a forged response: %v %s", err, got)
	}
	browser.goTo(c.page)
	browser.signIn(account, "wrong")
	browser.shows("The name or the password is wrong.")
	browser.signIn(account, password)
	if at := browser.shows("You have signed in."); at != "https://vpn4.lab.example/+CSCOE+/saml_ac_login.html" {
		t.Errorf("the browser is at %s", at)
	}
	browser.quit()
	r := <-c.done
	if r.exit != 0 || !strings.Contains(r.stderr, c.page) || !strings.Contains(r.stderr, "AUTH-015") {
		t.Fatalf("%+v", r)
	}
	was := w.state()
	if was.State != "connected" || len(was.Addresses) == 0 {
		t.Fatalf("%+v", was)
	}
	w.client.Run(t, "ping", "-c", "1", "-W", "5", "10.99.0.2")
	g.DropConnections()
	back := func(how string, n uint64) {
		t.Helper()
		is := w.waitState(20*time.Second, how, func(s ipc.State) bool { return s.State == "connected" && s.Reconnects.Tunnel+s.Reconnects.Session == n })
		if fmt.Sprint(is.Addresses) != fmt.Sprint(was.Addresses) || len(g.Sessions()) != 1 {
			t.Errorf("%s: %v, before %v; sessions %v", how, is.Addresses, was.Addresses, g.Sessions())
		}
		w.client.Run(t, "ping", "-c", "1", "-W", "5", "10.99.0.2")
	}
	back("back after a loss", 1)
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
	a = w.startAgent()
	back("back with a new agent", 2)
	w.leave()
	a.stop()
}

// signInScript is a browser for openconnect: curl fetches the page, sends its form and goes where it is sent.
const signInScript = `#!/bin/sh
set -e
page=$(curl -sS -L -m 10 --cacert %[1]s "$1")
ctx=$(printf '%%s' "$page" | sed -n 's/.*name="ctx" value="\([^"]*\)".*/\1/p')
next=$(curl -sS -m 10 --cacert %[1]s --data-urlencode "ctx=$ctx" --data-urlencode username=%[2]s --data-urlencode password=%[3]s https://198.51.100.1/idp/sign-in |
	sed -n 's/.*content="0; url=\([^"]*\)".*/\1/p')
curl -sS -m 10 -o /dev/null -w 'sent on to %%{redirect_url}\n' "$next" >&2
`

// TestOpenconnectBrowser: openconnect signs in at our gateway's page, opens what our gateway seals, and its session comes back signed by a key that it changes each time. Over TLS 1.3 this version of it signs
// something else than RFC 9266 wants, which its later ones mended: so TLS 1.2.
func TestOpenconnectBrowser(t *testing.T) {
	t.Parallel()
	m := newMirror(t, func(c *gateway.Config) {
		c.Bound, c.Groups = true, []gateway.Group{{Name: "web", Label: "Staff network", Browser: true}}
	})
	if m == nil {
		return
	}
	script := filepath.Join(filepath.Dir(m.script), "browser")
	if err := os.WriteFile(script, fmt.Appendf(nil, signInScript, m.ca, account, password), 0o700); err != nil {
		t.Fatal(err)
	}
	s := m.connect("--external-browser", script, "--gnutls-priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2")
	s.says("sent on to https://198.51.100.1/", 5*time.Second)
	for n := range 2 {
		m.g.DropConnections()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			is, ok := s.active()
			if ok && is.User == account && is.Reconnects > n && is.Refused == 0 {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("the session is %+v\n%s", is, s.log)
			}
		}
		s.reaches("http://10.99.0.2/", 20*time.Second)
	}
	s.stop()
}
