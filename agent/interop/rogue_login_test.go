package interop

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/cstp"
)

// endless is what is offered where something never ends: 2 GiB.
const endless = 2 << 30

// screen is text that clears one, turns what follows around, and breaks lines.
const screen = "\u009b2J\u202e\u2028x"

// ok is the head of an answer to a document.
const ok = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"

// manyRoutes are sound headers with n networks to be routed.
func manyRoutes(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("X-CSTP-Split-Include: 10.%d.%d.0/255.255.255.0", 100+i>>8, i&255))
	}
	return append(out, sound...)
}

// TestRogueLogin: whatever a gateway says before there is a tunnel ends with one coded line, in time, in bounded memory, and with nothing left on the host.
func TestRogueLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	r := w.startRogue()
	a := w.startAgent()
	login := func(f func(c net.Conn) bool) play {
		return play{login: func(c net.Conn, _ string) bool { return f(c) }}
	}
	connect := func(f func(c net.Conn) bool) play {
		return play{connect: func(c net.Conn, _ int) bool { return f(c) }}
	}
	fields := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `<input type="text" name="f%d" label="f"/>`, i)
		}
		return talkOpen + talkForm + b.String() + talkClose
	}
	frame := func(kind cstp.Type) func(c net.Conn) bool {
		return func(c net.Conn) bool {
			_, _ = c.Write(cstp.AppendFrame(nil, kind, cstp.AppendDisconnect(nil, 1, "go away")))
			return false
		}
	}
	var l ledger
	defer l.print(t)
	for _, c := range []struct {
		name  string
		s     play
		slow  bool // it ends with the budget
		exits []int
		codes []string
	}{
		{"2 GiB of XML of a length", login(func(c net.Conn) bool {
			return pour(c, ok+fmt.Sprintf("Content-Length: %d\r\n\r\n", int64(endless)), "<x>y</x>", endless)
		}), false, []int{5}, []string{"NET-010"}},
		{"2 GiB of XML in chunks", login(func(c net.Conn) bool {
			return pour(c, ok+"Transfer-Encoding: chunked\r\n\r\n", "2000\r\n"+strings.Repeat("<x>y</x>", 1024)+"\r\n", endless)
		}), false, []int{5}, []string{"NET-010"}},
		{"2 GiB of XML until it closes", login(func(c net.Conn) bool { return pour(c, ok+"\r\n", "<x>y</x>", endless) }), false, []int{5}, []string{"NET-010"}},
		{"2 GiB of header lines", login(func(c net.Conn) bool { return pour(c, ok, "X-Y: z\r\n", endless) }), false, []int{5}, []string{"NET-010"}},
		{"2 GiB of one header line", login(func(c net.Conn) bool { return pour(c, ok+"X-Y: ", "z", endless) }), false, []int{5}, []string{"NET-010"}},
		{"2 GiB of interim answers", login(func(c net.Conn) bool { return pour(c, "", "HTTP/1.1 100 Continue\r\n\r\n", endless) }), false, []int{5}, []string{"NET-010"}},
		{"2 GiB of cookies", login(func(c net.Conn) bool { return pour(c, ok, "Set-Cookie: a=b\r\n", endless) }), false, []int{5}, []string{"NET-010"}},
		{"2 GiB before TLS", play{raw: func(c net.Conn) bool { return pour(c, "", "\x16\x03\x03\x40\x00", endless) }}, false, []int{5}, []string{"TLS-005", "TLS-007"}},
		{"a document as long as may be", login(func(c net.Conn) bool { return say(c, talkOpen+strings.Repeat("<x a='b'/>", 100_000)+talkClose) }), false, []int{5}, []string{"NET-010"}},
		{"a document as deep as may be", login(func(c net.Conn) bool { return say(c, strings.Repeat("<x>", 300_000)) }), false, []int{5}, []string{"NET-010"}},
		{"10000 fields", login(func(c net.Conn) bool { return say(c, fields(10_000)) }), false, []int{5}, []string{"NET-010"}},

		{"slow TLS", play{raw: func(c net.Conn) bool { return drip(c, "\x16\x03\x03\x40\x00", "\x02", time.Second) }}, true, []int{5}, []string{"NET-006", "NET-004"}},
		{"slow header", login(func(c net.Conn) bool { return drip(c, ok, "X", time.Second) }), true, []int{5, 8}, []string{"NET-006"}},
		{"slow document", login(func(c net.Conn) bool { return drip(c, ok+"\r\n<", "x", time.Second) }), true, []int{5, 8}, []string{"NET-006", "GW-007"}},
		{"slow interim answers", login(func(c net.Conn) bool { return drip(c, "", "HTTP/1.1 102 Processing\r\n\r\n", time.Second) }), true, []int{5, 8}, []string{"NET-006"}},
		{"slow CONNECT", connect(func(c net.Conn) bool { return drip(c, "HTTP/1.1 200 CONNECTED\r\n", "X", time.Second) }), true, []int{8, 5}, []string{"GW-007"}},

		{"endless redirects", login(func(c net.Conn) bool {
			_, _ = fmt.Fprintf(c, "HTTP/1.1 302 Found\r\nLocation: /%d\r\nContent-Length: 0\r\n\r\n", r.requests.Load())
			return true
		}), false, []int{5}, []string{"NET-012"}},
		{"endless redirects between two names", login(func(c net.Conn) bool {
			_, _ = fmt.Fprintf(c, "HTTP/1.1 302 Found\r\nLocation: https://%s.lab.example/\r\nContent-Length: 0\r\n\r\n", []string{"vpn", "vpn4"}[r.requests.Load()%2])
			return true
		}), false, []int{5}, []string{"NET-012"}},
		{"a redirect out of TLS", login(func(c net.Conn) bool {
			_, _ = io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: http://vpn4.lab.example/\r\nContent-Length: 0\r\n\r\n")
			return true
		}), false, []int{5}, []string{"NET-012"}},
		{"endless forms", login(func(c net.Conn) bool {
			return say(c, talkOpen+talkForm+`<input type="hidden" name="x" value="y"/>`+talkClose)
		}), false, []int{4}, []string{"AUTH-006"}},
		{"control characters in names", login(func(c net.Conn) bool {
			return say(c, talkOpen+talkForm+`<input type="password" name="`+screen+`" label="x"/>`+talkClose)
		}), false, []int{5}, []string{"NET-011"}},
		{"control characters in texts", login(func(c net.Conn) bool {
			return say(c, strings.Replace(talkOpen, `id="main">`, `id="main"><title>`+screen+`</title><message>`+screen+`</message><error>`+screen+`</error>`, 1)+talkForm+
				`<select name="group_list" label="`+screen+`"><option value="x">`+screen+`</option></select><input type="text" name="code" label="`+screen+`"/>`+talkClose)
		}), false, []int{4, 10}, []string{"AUTH-001", "AUTH-002"}},

		{"DISCONNECT for an answer", login(frame(cstp.TypeDisconnect)), false, []int{5}, []string{"NET-009"}},
		{"TERMINATE for an answer", login(frame(cstp.TypeTerminate)), false, []int{5}, []string{"NET-009"}},
		{"DISCONNECT for CONNECT's answer", connect(frame(cstp.TypeDisconnect)), false, []int{5}, []string{"NET-009"}},
		{"TERMINATE for CONNECT's answer", connect(frame(cstp.TypeTerminate)), false, []int{5}, []string{"NET-009"}},
		{"2 GiB of CONNECT's header lines", connect(func(c net.Conn) bool { return pour(c, "HTTP/1.1 200 CONNECTED\r\n", "X-CSTP-Y: z\r\n", endless) }), false, []int{5}, []string{"NET-010"}},
		{"2 GiB of one of CONNECT's header lines", connect(func(c net.Conn) bool { return pour(c, "HTTP/1.1 200 CONNECTED\r\nX-Y: ", "z", endless) }), false, []int{5}, []string{"NET-010"}},
		{"CONNECT redirected", connect(func(c net.Conn) bool {
			_, _ = io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: https://vpn.lab.example/\r\n\r\n")
			return true
		}), false, []int{5}, []string{"NET-009", "NET-012", "NET-014"}},
		{"10000 routes", play{headers: manyRoutes(10_000)}, false, []int{5}, []string{"NET-010", "GW-003"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := w.in(t)
			r.plays(c.s)
			a.peak()
			began := time.Now()
			res := w.dial("vpn4.lab.example", "3s")
			took := time.Since(began)
			t.Logf("%s after %v", strings.TrimSpace(res.stderr), took.Round(time.Millisecond))
			if limit := 5 * time.Second; took > limit || c.slow && took < 2*time.Second {
				t.Errorf("it took %v, of at most %v", took, limit)
			}
			exit := c.exits[0]
			for _, e := range c.exits {
				if res.exit == e {
					exit = e
				}
			}
			w.refused(res, exit, c.codes...)
			w.nothingLeft("after the refusal")
			noTerminal(t, res)
			l.close(t, a, r, began)
		})
	}
	a.stop()
}
