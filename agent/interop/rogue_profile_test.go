package interop

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// announces is the end of a login with a profile of that address.
func announces(uri string) string {
	return strings.Replace(talkSuccess, "</config-auth>", `<config><vpn-profile-manifest><vpn rev="1.0"><file type="profile" service-type="user"><uri>`+uri+
		`</uri><hash type="sha1">`+strings.Repeat("0", 40)+`</hash></file></vpn></vpn-profile-manifest></config></config-auth>`, 1)
}

// TestRogueProfile: the same as TestRogueLogin for a profile after the login, and for the login before aggregate authentication.
func TestRogueProfile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	r := w.startRogue()
	a := w.startAgent()
	// fetched answers the fetch of a profile; what comes before it is a sound login.
	fetched := func(uri string, f func(c net.Conn) bool) play {
		return play{login: func(c net.Conn, doc string) bool {
			switch {
			case doc == "":
				return f(c)
			case strings.Contains(doc, `type="auth-reply"`):
				return say(c, announces(uri))
			}
			return false
		}}
	}
	// older knows no document of the newer kind.
	older := func(f func(c net.Conn) bool) play {
		return play{login: func(c net.Conn, doc string) bool {
			if strings.Contains(doc, "<config-auth") {
				_, _ = io.WriteString(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
				return true
			}
			return f(c)
		}}
	}
	var l ledger
	defer l.print(t)
	for _, c := range []struct {
		name  string
		s     play
		exit  int
		codes []string
	}{
		{"a profile of 2 GiB", fetched("/a.xml", func(c net.Conn) bool { return pour(c, ok+"\r\n", "<x>y</x>", endless) }), 1, []string{"PROF-003"}},
		{"a profile that is another one", fetched("/a.xml", func(c net.Conn) bool { return say(c, "<AnyConnectProfile/>") }), 1, []string{"PROF-004"}},
		{"a profile that comes slowly", fetched("/a.xml", func(c net.Conn) bool { return drip(c, ok+"\r\n<", "x", time.Second) }), 8, []string{"GW-007"}},
		{"a profile on this machine", fetched("https://127.0.0.1/a.xml", nil), 1, []string{"PROF-003"}},
		{"a profile that is a file", fetched("file:///etc/shadow", nil), 1, []string{"PROF-003"}},
		{"a profile that is somewhere else", fetched("/a.xml", func(c net.Conn) bool {
			_, _ = io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n")
			return true
		}), 1, []string{"PROF-003"}},
		{"an older page of 2 GiB", older(func(c net.Conn) bool { return pour(c, ok+"\r\n", "<x>y</x>", endless) }), 5, []string{"NET-010"}},
		{"older forms without end", older(func(c net.Conn) bool {
			return say(c, `<auth id="main">`+talkForm+`<input type="hidden" name="x" value="y"/></form></auth>`)
		}), 4, []string{"AUTH-006"}},
		{"older pages that lead on without end", older(func(c net.Conn) bool {
			_, _ = fmt.Fprintf(c, "HTTP/1.1 302 Found\r\nLocation: /%d\r\nContent-Length: 0\r\n\r\n", r.requests.Load())
			return true
		}), 5, []string{"NET-012"}},
		{"a scan of this machine", older(func(c net.Conn) bool {
			return say(c, `<auth id="main"><csdLinux stuburl="/CACHE/sdesktop"/>`+talkForm+`<input type="password" name="password"/></form></auth>`)
		}), 1, []string{"AUTH-005"}},
		{"2 GiB of the document after the login", play{connect: func(c net.Conn, _ int) bool {
			return pour(c, "HTTP/1.1 200 CONNECTED\r\nX-CSTP-Post-Auth-XML: <config-auth>", "<x>y</x>", endless)
		}}, 5, []string{"NET-010"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := w.in(t)
			r.plays(c.s)
			a.peak()
			began := time.Now()
			res := w.dial("vpn4.lab.example", "3s")
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			w.refused(res, c.exit, c.codes...)
			w.nothingLeft("after the refusal")
			noTerminal(t, res)
			l.close(t, a, r, began)
		})
	}
	a.stop()
}
