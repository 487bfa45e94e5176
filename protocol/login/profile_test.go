package login

import (
	"crypto/sha1" //nolint:gosec // what gateways name a profile by
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// keeper is an asker that keeps one profile.
type keeper struct {
	asker
	doc    []byte
	kept   int
	refuse error
	closed bool // takes none
}

func (k *keeper) TakesProfile(protocol.Target) bool { return !k.closed }

func (k *keeper) KeptProfile(protocol.Target) ([20]byte, bool) { return sha1.Sum(k.doc), k.doc != nil }

func (k *keeper) KeepProfile(t protocol.Target, doc []byte) error {
	if k.refuse != nil {
		return k.refuse
	}
	k.doc, k.kept = append([]byte(nil), doc...), k.kept+1
	if t.Host != "vpn.example" {
		return errors.New("for another gateway")
	}
	return nil
}

const profileDoc = "<AnyConnectProfile>canary</AnyConnectProfile>\n"

// completeWith is the end of a login whose gateway has a profile, named in its document.
func completeWith(uri, hash string) string {
	return http200(`<config-auth type="complete"><auth id="success"/><config><vpn-profile-manifest><vpn rev="1.0"><file type="profile" service-type="user"><uri>`+uri+
		`</uri><hash type="sha1">`+hash+`</hash></file></vpn></vpn-profile-manifest></config></config-auth>`, "Set-Cookie: webvpn="+canaryToken+"; Secure", "Set-Cookie: other=1")
}

// TestProfileDelivery: the profile is fetched when it is another one than that which is kept, on the login's connection, with the session's cookie.
func TestProfileDelivery(t *testing.T) {
	sum := fmt.Sprintf("%X", sha1.Sum([]byte(profileDoc)))
	other := strings.Repeat("0", 40)
	plain := func(body string) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
	for name, tt := range map[string]struct {
		complete string
		answer   string // to the fetch
		have     string
		refuse   error
		code     fault.Code
		path     string // that is fetched; "" for none
	}{
		"none kept":                    {complete: completeWith("/CACHE/stc/profiles/a.xml", sum), answer: plain(profileDoc), path: "/CACHE/stc/profiles/a.xml"},
		"another kept":                 {complete: completeWith("profiles//etc/a.xml", sum), answer: plain(profileDoc), have: "old", path: "/profiles//etc/a.xml"},
		"the same kept":                {complete: completeWith("/a.xml", sum), have: profileDoc},
		"named in a cookie":            {complete: http200(string(done().Body), "Set-Cookie: webvpn="+canaryToken, "Set-Cookie: webvpnc=bu:/&p:t&iu:1/&sh:AA&lu:/t?x&fu:profiles%2Fdir/a.xml&fh:"+sum+"; path=/"), answer: plain(profileDoc), path: "/profiles/dir/a.xml"},
		"named with an address":        {complete: completeWith("https://vpn.example/a.xml", sum), answer: plain(profileDoc), path: "/a.xml"},
		"a hash of another kind":       {complete: strings.Replace(completeWith("/a.xml", sum[:32]+"12345678"), `"sha1"`, `"md5x"`, 1), answer: plain(profileDoc), path: "/a.xml", have: profileDoc},
		"another hash":                 {complete: completeWith("/a.xml", other), answer: plain(profileDoc), code: fault.ProfHash, path: "/a.xml"},
		"a malformed hash":             {complete: completeWith("/a.xml", sum[:38]), code: fault.ProfFetch},
		"not there":                    {complete: completeWith("/a.xml", sum), answer: "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", code: fault.ProfFetch, path: "/a.xml"},
		"sent elsewhere":               {complete: completeWith("/a.xml", sum), answer: "HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n\r\n", code: fault.ProfFetch, path: "/a.xml"},
		"empty":                        {complete: completeWith("/a.xml", sum), answer: plain(""), code: fault.ProfFetch, path: "/a.xml"},
		"endless":                      {complete: completeWith("/a.xml", sum), answer: plain(strings.Repeat("x", maxBody+1)), code: fault.ProfFetch, path: "/a.xml"},
		"the connection is lost":       {complete: completeWith("/a.xml", sum), answer: "", code: fault.ProfFetch, path: "/a.xml"},
		"on another server":            {complete: completeWith("https://evil.example/a.xml", sum), code: fault.ProfFetch},
		"on another server, shorter":   {complete: completeWith("//evil.example/a.xml", sum), code: fault.ProfFetch},
		"without TLS":                  {complete: completeWith("http://vpn.example/a.xml", sum), code: fault.ProfFetch},
		"an address with a line's end": {complete: completeWith("/a.xml&#13;&#10;X: y", sum), code: fault.ProfFetch},
		"not kept":                     {complete: completeWith("/a.xml", sum), answer: plain(profileDoc), refuse: fault.New(fault.ProfInvalid, nil), code: fault.ProfFetch, path: "/a.xml"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.end()
				w.gateway(addr1, w.ca.leaf(t, nil), func(_ int, r *http.Request, _ string) (string, time.Duration) {
					if r.Method == http.MethodGet {
						return tt.answer, 0
					}
					return tt.complete, 0
				})
				k := &keeper{refuse: tt.refuse}
				if tt.have != "" {
					k.doc = []byte(tt.have)
				}
				res, err := Run(t.Context(), w.pc.Dialer(), w.target(), k, Options{})
				if tt.code != "" {
					wantFault(t, err, tt.code)
				} else if err != nil {
					t.Fatal(err)
				} else {
					if string(k.doc) != profileDoc || k.kept > 0 != (tt.path != "") {
						t.Errorf("kept %d times, has %q", k.kept, k.doc)
					}
					_ = res.Conn.Close()
				}
				if tt.code != "" && k.kept > 0 {
					t.Error("a profile was kept")
				}
				posts, conns := w.seen()
				if tt.code == "" && (conns != 1 || tt.path == "" && len(posts) != 1) {
					t.Fatalf("%d connections, requests %q", conns, posts)
				}
				if tt.path != "" && (!strings.HasPrefix(posts[1], "GET vpn.example"+tt.path+" ") || !strings.Contains(posts[1], "webvpn="+canaryToken)) {
					t.Errorf("the fetch was %q", posts[1])
				}
			})
		})
	}
}

// TestProfileWithoutAKeeper: where nobody keeps profiles, or the keeper takes none, none is fetched.
func TestProfileWithoutAKeeper(t *testing.T) {
	for name, p := range map[string]protocol.Prompter{"nobody": &asker{}, "takes none": &keeper{closed: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.end()
				w.gateway(addr1, w.ca.leaf(t, nil), func(int, *http.Request, string) (string, time.Duration) {
					return completeWith("/a.xml", strings.Repeat("0", 40)), 0
				})
				res, err := Run(t.Context(), w.pc.Dialer(), w.target(), p, Options{})
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Conn.Close()
				if posts, _ := w.seen(); len(posts) != 1 {
					t.Errorf("%q", posts)
				}
			})
		})
	}
}

// FuzzProfileCookie: whatever a gateway names, what is fetched is one printable line on this gateway.
func FuzzProfileCookie(f *testing.F) {
	f.Add("bu:/&p:t&iu:1/&sh:B273066F&lu:/+CSCOT+/translation-table?textdomain%3DAnyConnect%26type%3Dmanifest&fu:profiles%2Focserv/profile.xml&fh:35A065BC3E59CAFC7D832D79F8827A8FB31E82F1")
	f.Add("fu:%2F%2Fevil.example%2F&fh:00")
	f.Add("fu:%0d%0aX:&fu:%zz")
	f.Fuzz(func(t *testing.T, cookie string) {
		c := NewConversation(target(nil))
		k, ok := parseSetCookie(webvpnc + "=" + cookie)
		if !ok {
			return
		}
		act, err := c.Reply(done(k, webvpn))
		if err != nil {
			if code := fault.As(err).Code; code != fault.ProfFetch {
				t.Fatal(err)
			}
			return
		}
		if d := act.Done.Profile; d != nil && (!printable(d.fetch.Path) || d.fetch.Path[0] != '/' || d.fetch.Kind != Get) {
			t.Fatalf("%+v", d)
		}
	})
}

func TestProfileIsNotInTheOutcomesText(t *testing.T) {
	c := NewConversation(target(nil))
	act, err := c.Reply(done(webvpn, Cookie{webvpnc, redact.NewString("fu:a.xml")}))
	if err != nil || strings.Contains(fmt.Sprintf("%+v %#v", act.Done, act.Done.Profile), canaryToken) {
		t.Errorf("%+v, %v", act.Done, err)
	}
}
