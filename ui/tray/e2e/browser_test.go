package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/holdfast-vpn/holdfast/agent/interop/lab"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/tray/desk"
)

// opener takes the place of the desktop's: it only writes down what it is to open.
func (w *world) opener() (opened string) {
	w.Helper()
	dir := w.TempDir()
	opened = filepath.Join(dir, "opened")
	script := "#!/bin/sh\n[ $# = 1 ] && printf %s \"$1\" >" + opened + ".new && mv " + opened + ".new " + opened + "\n"
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o755); err != nil {
		w.Fatal(err)
	}
	w.env = append(w.env, "PATH="+dir+":"+os.Getenv("PATH"), "SUDO_USER=")
	return opened
}

// curl asks the gateway for a page, from the machine whose cable leads there, and returns what a pattern finds in it.
func (w *world) curl(pattern string, args ...string) string {
	w.Helper()
	out, err := w.client.Command("curl", append([]string{"-sS", "-L", "-m", "10", "--cacert", w.lab.CA}, args...)...).CombinedOutput()
	found := regexp.MustCompile(pattern).FindSubmatch(out)
	if err != nil || found == nil {
		w.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(found[1])
}

// TestSignIn: a person connects by the icon's menu, the page opens by itself, and when the browser comes back from it the tunnel is up.
func TestSignIn(t *testing.T) {
	testenv.Require(t, "curl")
	w := newWorldAt(t, func(c *gateway.Config) {
		c.Bound, c.Groups = true, []gateway.Group{{Name: "web", Label: "In the browser", Browser: true}}
	})
	if w == nil {
		return
	}
	opened := w.opener()
	panel := w.bus.NewPanel()
	app := w.startTray("--background")
	icon := panel.Icon()
	w.tooltip(icon, "window.headline.disconnected")
	icon.Click(w.words.Text("tray.connect"), host)
	var page []byte
	desk.Await(t, "the sign-in page", func() (is bool) {
		var err error
		page, err = os.ReadFile(opened)
		return err == nil
	})
	w.screen.Window("Holdfast")
	ticket := w.curl(`name="ctx" value="([^"]+)"`, string(page))
	next := w.curl(`content="0; url=([^"]+)"`, "--data-urlencode", "ctx="+ticket, "--data-urlencode", "username="+lab.Account, "--data-urlencode", "password="+lab.Password,
		"https://"+gatewayAddr+"/idp/sign-in")
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := c.Get(next)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusFound || r.Header.Get("Location") != "https://"+gatewayAddr+"/+CSCOE+/saml_ac_login.html" {
		t.Errorf("the browser is sent on with %s to %q", r.Status, r.Header.Get("Location"))
	}
	w.becomes("connected")
	w.tooltip(icon, "tray.status.connected", locale.With("host", host))
	icon.Click(w.words.Text("window.disconnect"))
	w.becomes("disconnected")
	icon.Click(w.words.Text("tray.quit"))
	app.ends()
}
