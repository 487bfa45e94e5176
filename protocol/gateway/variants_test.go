package gateway

import (
	"context"
	"crypto/sha1" //nolint:gosec // what profiles are compared by
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// person answers in order, each answer once, remembers what was asked, and keeps profiles.
type person struct {
	user
	asked []string
	doc   []byte
	kept  int
}

func (p *person) Ask(ctx context.Context, f protocol.Form) (protocol.Answer, error) {
	text := f.Error
	for _, in := range f.Fields {
		text += " " + in.Name
	}
	p.asked = append(p.asked, strings.TrimSpace(text))
	return p.user.Ask(ctx, f)
}

func (p *person) TakesProfile(protocol.Target) bool { return true }

func (p *person) KeptProfile(protocol.Target) ([20]byte, bool) { return sha1.Sum(p.doc), p.doc != nil }

func (p *person) KeepProfile(_ protocol.Target, doc []byte) error {
	p.doc, p.kept = slices.Clone(doc), p.kept+1
	return nil
}

// TestWaysToLogIn: our client and each way in which a gateway may ask.
func TestWaysToLogIn(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Config)
		group  string
		user   user
		asked  []string
		code   fault.Code
	}{
		"one form": {user: user{"username": "alice", "password": "wonderland"}, group: "staff", asked: []string{"username password"}},
		"a group whose form has another field": {
			change: func(c *Config) {
				c.Groups[1].Second = "Second password:"
				c.Users[0].Second = redact.NewString("again")
			},
			user:  user{"group_list": "admins", "username": "alice", "password": "wonderland", "secondary_password": "again"},
			asked: []string{"group_list", "username password secondary_password"},
		},
		"the same, and its answer is wrong": {
			change: func(c *Config) {
				c.Groups[1].Second = "Second password:"
				c.Users[0].Second = redact.NewString("again")
			},
			group: "admins", user: user{"username": "alice", "password": "wonderland", "secondary_password": "no"}, code: fault.AuthRefused,
			asked: []string{"username password secondary_password", "Login failed. username password secondary_password", "Login failed. username password secondary_password"},
		},
		"an expired password": {
			change: func(c *Config) { c.Users[0].Change = ChangePassword }, group: "staff",
			user:  user{"username": "alice", "password": "wonderland", "new_password": "looking-glass", "verify_password": "looking-glass"},
			asked: []string{"username password", "new_password verify_password"},
		},
		"an expired password after a challenge, and the new one is the old": {
			change: func(c *Config) { c.Users[1].Change = ChangePassword }, group: "staff", code: fault.AuthRefused,
			user:  user{"username": "bob", "password": "builder", "answer": "424242", "new_password": "builder", "verify_password": "builder"},
			asked: []string{"username password", "answer", "new_password verify_password", "Login failed. new_password verify_password", "Login failed. new_password verify_password"},
		},
		"a first PIN": {
			change: func(c *Config) { c.Users[0].Change = ChangePIN }, group: "staff",
			user:  user{"username": "alice", "password": "wonderland", "whichpin": "1234", "verify_pin": "1234"},
			asked: []string{"username password", "whichpin verify_pin"},
		},
		"before aggregate authentication": {change: func(c *Config) { c.Older = true }, group: "staff",
			user: user{"username": "alice", "password": "wonderland"}, asked: []string{"username password"}},
		"before aggregate authentication, with everything": {
			change: func(c *Config) { c.Older = true; c.Users[1].Change = ChangePIN }, group: "staff",
			user:  user{"username": "bob", "password": "builder", "answer": "424242", "whichpin": "1234", "verify_pin": "1234"},
			asked: []string{"username password", "answer", "whichpin verify_pin"},
		},
		"sent around for ever":   {change: func(c *Config) { c.Redirect = "https://vpn.example.com/again" }, code: fault.NetRedirect},
		"sent to another scheme": {change: func(c *Config) { c.Redirect = "http://vpn.example.com/" }, code: fault.NetRedirect},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, tt.change)
				c, target := r.connector()
				target.Group = tt.group
				p := &person{user: tt.user}
				tun, err := c.Open(t.Context(), target, p)
				asked := slices.DeleteFunc(p.asked, func(s string) bool { return s == "" }) // a banner
				if !slices.Equal(asked, tt.asked) {
					t.Errorf("asked %q, want %q", asked, tt.asked)
				}
				if tt.code != "" {
					if err == nil || fault.As(err).Code != tt.code {
						t.Errorf("%v, want %s", err, tt.code)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				echoes(t, tun)
				if err := tun.Close(protocol.CloseUser); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestChangedPasswordHolds: it is asked for once.
func TestChangedPasswordHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Users[0].Change = ChangePassword })
		c, target := r.connector()
		for _, p := range []*person{
			{user: user{"username": "alice", "password": "wonderland", "new_password": "glass", "verify_password": "glass"}},
			{user: user{"username": "alice", "password": "glass"}},
		} {
			tun, err := c.Open(t.Context(), target, p)
			if err != nil {
				t.Fatal(err)
			}
			_ = tun.Close(protocol.CloseUser)
		}
		if _, err := c.Open(t.Context(), target, &person{user: user{"username": "alice", "password": "wonderland"}}); fault.As(err).Code != fault.AuthRefused {
			t.Errorf("the old password: %v", err)
		}
	})
}

// TestRedirectToAnotherGateway: everything begins again there, and the session is that one's.
func TestRedirectToAnotherGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		second := newRig(t, nil)
		first := newRig(t, func(c *Config) { c.Redirect = "https://198.51.100.2:4443/admins" })
		l, err := first.net.Host("second", netip.MustParseAddr("198.51.100.2")).Listen(4443)
		if err != nil {
			t.Fatal(err)
		}
		second.serving.Go(func() { _ = second.gw.Serve(l) })
		c, target := first.connector()
		target.Group, target.Trust.Pins = "", append(target.Trust.Pins, second.id.Pin)
		tun, err := c.Open(t.Context(), target, &person{user: user{"group_list": "admins", "username": "alice", "password": "wonderland"}})
		if err != nil {
			t.Fatal(err)
		}
		if s := tun.Session(); s.Gateway.String() != "198.51.100.2:4443" || len(first.gw.Sessions()) != 0 || len(second.gw.Sessions()) != 1 || second.gw.Sessions()[0].Group != "admins" {
			t.Errorf("%v, sessions %v and %v", s.Gateway, first.gw.Sessions(), second.gw.Sessions())
		}
		_ = tun.Close(protocol.CloseUser)
		time.Sleep(time.Second)
		target.Trust.Pins = target.Trust.Pins[:1] // its certificate is judged like any other
		if _, err := c.Open(t.Context(), target, &person{}); fault.As(err).Code != fault.TLSPin {
			t.Errorf("another gateway without trust: %v", err)
		}
	})
}

func TestProfileComesWithTheLogin(t *testing.T) {
	const doc = "<AnyConnectProfile/>"
	login := user{"username": "alice", "password": "wonderland"}
	for name, older := range map[string]bool{"by the document": false, "by the cookie": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(c *Config) { c.Profile, c.Older = []byte(doc), older })
				c, target := r.connector()
				p := &person{user: login}
				for range 2 { // the second time it is there
					tun, err := c.Open(t.Context(), target, p)
					if err != nil {
						t.Fatal(err)
					}
					_ = tun.Close(protocol.CloseUser)
				}
				if string(p.doc) != doc || p.kept != 1 {
					t.Errorf("%q, kept %d times", p.doc, p.kept)
				}
				for kind, code := range map[Kind]fault.Code{HTML: fault.ProfHash, Unavailable: fault.ProfFetch, Garbage: fault.ProfFetch, Endless: fault.ProfFetch} {
					r.gw.Misbehave(StageProfile, &Misdeed{Kind: kind, Reason: "later"})
					if _, err := c.Open(t.Context(), target, &person{user: login}); fault.As(err).Code != code {
						t.Errorf("misdeed %d: %v, want %s", kind, err, code)
					}
				}
			})
		})
	}
}

// TestProfileNeedsASession: nobody else gets it.
func TestProfileNeedsASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Profile = []byte("<AnyConnectProfile/>") })
		for _, cookie := range []string{"", "Cookie: webvpn=1@2@3@4\r\n"} {
			c := r.dial()
			if _, err := c.tls.Write([]byte("GET " + profilePath + " HTTP/1.1\r\nHost: x\r\n" + cookie + "\r\n")); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(c.r, nil)
			if err != nil || resp.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("%v, %v", resp, err)
			}
			_ = resp.Body.Close()
			_ = c.raw.Close()
		}
	})
}

func TestDomainsComeWithTheTunnel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Settings.DynamicExclude = []string{"meet.example", "video.example"} })
		c, target := r.connector()
		tun, err := c.Open(t.Context(), target, user{"username": "alice", "password": "wonderland"})
		if err != nil {
			t.Fatal(err)
		}
		if got := tun.Settings().DynamicExclude; !slices.Equal(got, []string{"meet.example", "video.example"}) {
			t.Errorf("%q", got)
		}
		_ = tun.Close(protocol.CloseUser)
	})
}
