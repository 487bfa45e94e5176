package interop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

const (
	tokenUser = "bob"    // is asked for a code after the password
	pushUser  = "carol"  // confirms elsewhere, which takes her 25 s
	tokenCode = "493817" // what his token shows
)

// radiusConf is a RADIUS server that knows the three users and does PAP. DIR is its own folder.
const radiusConf = `
prefix = /usr
libdir = /usr/lib/freeradius
logdir = DIR
run_dir = DIR
pidfile = DIR/pid
max_request_time = 60
security {
	reject_delay = 0
	status_server = no
	allow_vulnerable_openssl = yes
}
modules {
	always reject {
		rcode = reject
	}
	always handled {
		rcode = handled
	}
	exec {
		wait = yes
		timeout = 40
	}
}
client gateway {
	ipaddr = 127.0.0.1
	secret = lab-secret
}
server default {
	listen {
		type = auth
		ipaddr = 127.0.0.1
		port = 1812
	}
	authorize {
		if (&State) {
			if (&User-Password != "` + tokenCode + `") {
				reject
			}
		}
		elsif (&User-Password != "` + password + `") {
			reject
		}
		elsif (&User-Name == "` + tokenUser + `") {
			update reply {
				&State := 0x686f6c6466617374
				&Reply-Message := "Enter the code of your token."
			}
			update control {
				&Response-Packet-Type := Access-Challenge
			}
			handled
		}
		elsif (&User-Name == "` + pushUser + `") {
			if ("%{exec:DIR/push}") {
			}
		}
		update control {
			&Auth-Type := Accept
		}
	}
}
`

// startRadius runs FreeRADIUS on the gateway and returns ocserv's auth line for it.
func (w *world) startRadius() string {
	w.t.Helper()
	dir := filepath.Join(w.dir, "radius")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		w.t.Fatal(err)
	}
	for name, text := range map[string]string{
		"radiusd.conf": strings.ReplaceAll(radiusConf, "DIR", dir),
		"dictionary":   "",
		"servers":      "127.0.0.1 lab-secret\n",
		"client.conf": "authserver 127.0.0.1:1812\nacctserver 127.0.0.1:1813\nservers " + dir + "/servers\ndictionary /etc/radcli/dictionary\n" +
			"default_realm\nradius_timeout 60\nradius_retries 1\nbindaddr *\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	push := "#!/bin/sh\necho pushed >> " + dir + "/pushes\nexec sleep 25\n"
	if err := os.WriteFile(filepath.Join(dir, "push"), []byte(push), 0o700); err != nil {
		w.t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer log.Close()
	cmd := w.gateway.Command("freeradius", "-f", "-l", "stdout", "-d", dir, "-n", "radiusd")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	w.t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	for range 100 {
		if out, err := w.gateway.Command("ss", "-Hlun", "sport = :1812").Output(); err == nil && len(out) > 0 {
			return "radius[config=" + dir + "/client.conf,groupconfig=false]"
		}
		select {
		case <-ended:
		case <-time.After(50 * time.Millisecond):
			continue
		}
		break
	}
	text, _ := os.ReadFile(log.Name())
	w.t.Fatalf("freeradius does not serve:\n%s", text)
	return ""
}

// TestRADIUS logs in where the gateway asks a RADIUS server: by password, with a challenge as a second form, and with a confirmation elsewhere that takes its time.
func TestRADIUS(t *testing.T) {
	t.Parallel()
	testenv.Require(t, "freeradius")
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{bare: true, auth: w.startRadius(), lines: splitRoutes})
	a := w.startAgent()
	connect := func(user, secret, code string) (result, time.Duration) {
		stdin := secret + "\n"
		if code != "" {
			stdin += "secondary_password=" + code + "\n"
		}
		began := time.Now()
		r := w.cli(stdin, "connect", "vpn4.lab.example", "--user", user, "--password-stdin", "--answers-stdin", "--ca", w.pki.ca, "--no-input", "--timeout", "3s")
		return r, time.Since(began)
	}
	for _, c := range []struct {
		name  string
		user  string
		code  string
		least time.Duration
	}{
		{"password", account, "", 0},
		{"challenge", tokenUser, tokenCode, 0},
		{"push", pushUser, "", 25 * time.Second}, // longer than --timeout: a person's time is not ours
	} {
		t.Run(c.name, func(t *testing.T) {
			w := w.in(t)
			r, took := connect(c.user, password, c.code)
			if r.exit != 0 || took < c.least {
				t.Fatalf("after %v: %+v", took, r)
			}
			t.Logf("after %v", took)
			if s := w.state(); s.User != c.user {
				t.Errorf("user = %s", s.User)
			}
			if c.user == pushUser {
				w.pushedOnce()
			}
			w.looks(expects{})
			w.leave()
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		r, _ := connect(account, "not it", "")
		w.in(t).refused(r, 4, "AUTH-001")
	})
	t.Run("wrong code", func(t *testing.T) {
		r, _ := connect(tokenUser, password, "000000")
		w.in(t).refused(r, 4, "AUTH-001")
	})
	t.Run("nobody knows the code", func(t *testing.T) {
		r, _ := connect(tokenUser, password, "")
		w.in(t).refused(r, 10, "AUTH-002")
	})
	a.stop()
}

// pushedOnce expects that the one who confirmed elsewhere was asked once for that, and once for the password.
func (w *world) pushedOnce() {
	w.t.Helper()
	if b, err := os.ReadFile(filepath.Join(w.dir, "radius", "pushes")); err != nil || string(b) != "pushed\n" {
		w.t.Errorf("pushes: %q, %v", b, err)
	}
	r := w.cli("", "--json", "timeline")
	lines := strings.Split(r.out, "\n")
	last := -1
	for i := range lines {
		if strings.Contains(lines[i], `"event":"connect-requested"`) {
			last = i
		}
	}
	if asked := strings.Count(strings.Join(lines[max(0, last):], "\n"), `"event":"prompt-needed"`); r.exit != 0 || last < 0 || asked != 1 {
		w.t.Errorf("asked %d times\n%s", asked, r.out)
	}
}
