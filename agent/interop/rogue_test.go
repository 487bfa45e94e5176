package interop

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
)

// rogue is a gateway in its own place on the network that takes any password and, where its script says so, does what no gateway does.
type rogue struct {
	w         *world
	cert      tls.Certificate
	wg        sync.WaitGroup
	script    atomic.Pointer[play]
	requests  atomic.Int64 // that had a body or were CONNECT
	connects  atomic.Int64
	datagrams atomic.Int64
	gone      atomic.Int64 // bytes of the script's that the client's side took

	mu     sync.Mutex
	conns  map[net.Conn]bool
	guests map[string]*guest // of UDP, by their addresses
}

// play is one way to misbehave. What is nil is done as a gateway does it. n counts from 1.
type play struct {
	raw     func(c net.Conn) bool             // before TLS; true: it was all
	login   func(c net.Conn, doc string) bool // an answer to a document; true: it was one
	connect func(c net.Conn, n int) bool      // an answer to CONNECT; true: it was one, and it was all
	headers []string                          // of the answer to CONNECT; nil: sound
	tunnel  func(c net.Conn, n int)           // the first frames after it
	flood   int64                             // so many bytes come in the tunnel
	udp     func(datagram []byte) [][]byte    // the answers to a datagram on UDP port 443
	guest   func(c net.Conn)                  // instead: what comes from one client there, as a connection
}

// startRogue listens at the gateway's address.
func (w *world) startRogue() *rogue {
	w.t.Helper()
	cert, err := tls.LoadX509KeyPair(w.pki.cert, w.pki.key)
	if err != nil {
		w.t.Fatal(err)
	}
	r := &rogue{w: w, cert: cert, conns: map[net.Conn]bool{}, guests: map[string]*guest{}}
	r.script.Store(&play{})
	var l net.Listener
	if err := w.gateway.Do(func() (err error) { l, err = net.Listen("tcp4", "198.51.100.1:443"); return err }); err != nil {
		w.t.Fatal(err)
	}
	r.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.keep(c, true)
			r.wg.Go(func() {
				defer func() { r.keep(c, false); _ = c.Close() }()
				r.serve(c)
			})
		}
	})
	var u net.PacketConn
	if err := w.gateway.Do(func() (err error) { u, err = net.ListenPacket("udp4", "198.51.100.1:443"); return err }); err != nil {
		w.t.Fatal(err)
	}
	r.wg.Go(func() {
		for b := make([]byte, 64<<10); ; {
			n, from, err := u.ReadFrom(b)
			if err != nil {
				return
			}
			r.datagrams.Add(1)
			switch s := r.script.Load(); {
			case s.guest != nil:
				r.hosts(u, from, b[:n], s.guest)
			case s.udp != nil:
				for _, d := range s.udp(b[:n]) {
					if n, err := u.WriteTo(d, from); err == nil {
						r.gone.Add(int64(n))
					}
				}
			}
		}
	})
	w.t.Cleanup(func() { _ = l.Close(); _ = u.Close(); r.cut(); r.wg.Wait() })
	return r
}

func (r *rogue) keep(c net.Conn, on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if delete(r.conns, c); on {
		r.conns[c] = true
	}
}

// cut closes every connection there is.
func (r *rogue) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		_ = c.Close()
	}
}

// plays has a script followed from now on, on new connections.
func (r *rogue) plays(s play) {
	r.cut()
	r.script.Store(&s)
	r.requests.Store(0)
	r.connects.Store(0)
	r.datagrams.Store(0)
	r.gone.Store(0)
}

func (r *rogue) serve(raw net.Conn) {
	s := r.script.Load()
	if s.raw != nil && s.raw(raw) {
		return
	}
	c := &counted{Conn: tls.Server(raw, &tls.Config{Certificates: []tls.Certificate{r.cert}}), n: &r.gone}
	in := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, _ := io.ReadAll(io.LimitReader(req.Body, 1<<20))
		r.requests.Add(1)
		if req.Method == http.MethodConnect {
			r.tunnel(c, in, s)
			return
		}
		doc := string(body)
		if s.login != nil && s.login(c, doc) {
			continue
		}
		answer := talkOpen + talkForm + fmt.Sprintf(talkAnswer, "password", "Password:") + talkClose
		if strings.Contains(doc, `type="auth-reply"`) {
			answer = talkSuccess
		}
		say(c, answer)
	}
}

func (r *rogue) tunnel(c net.Conn, in *bufio.Reader, s *play) {
	n := int(r.connects.Add(1))
	if s.connect != nil && s.connect(c, n) {
		return
	}
	headers := s.headers
	if headers == nil {
		headers = sound
	}
	if _, err := io.WriteString(c, "HTTP/1.1 200 CONNECTED\r\n"+strings.Join(headers, "\r\n")+"\r\n\r\n"); err != nil {
		return
	}
	if s.tunnel != nil {
		s.tunnel(c, n)
	}
	converse(c, in)
}

// converse does what an honest gateway does: it answers DPD, and pings of anybody.
func converse(c io.Writer, in io.Reader) {
	head := make([]byte, cstp.HeaderLen)
	for {
		if _, err := io.ReadFull(in, head); err != nil {
			return
		}
		kind, n, err := cstp.ParseHeader(head)
		if err != nil {
			return
		}
		p := make([]byte, n)
		if _, err := io.ReadFull(in, p); err != nil {
			return
		}
		switch {
		case kind == cstp.TypeDPDReq:
			_, err = c.Write(cstp.AppendFrame(nil, cstp.TypeDPDResp, p))
		case kind == cstp.TypeData && echo(p):
			_, err = c.Write(cstp.AppendFrame(nil, cstp.TypeData, p))
		}
		if err != nil {
			return
		}
	}
}

// echo makes the answer of a ping without IP options, in place; false when it is none.
func echo(p []byte) bool {
	if len(p) < 28 || p[0] != 0x45 || p[9] != 1 || p[20] != 8 {
		return false
	}
	for i := range 4 {
		p[12+i], p[16+i] = p[16+i], p[12+i]
	}
	p[20] = 0
	sum := uint32(binary.BigEndian.Uint16(p[22:])) + 0x0800
	binary.BigEndian.PutUint16(p[22:], uint16(sum+sum>>16))
	return true
}

// counted counts what was written.
type counted struct {
	net.Conn
	n *atomic.Int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.n.Add(int64(n))
	return n, err
}

// say answers with a document.
func say(c io.Writer, doc string) bool {
	_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%s", len(doc), doc)
	return true
}

// pour says head once and then unit again and again, size bytes in all, as long as anybody takes it.
func pour(c io.Writer, head, unit string, size int64) bool {
	left := size
	chunk := strings.Repeat(unit, 1+(64<<10)/len(unit))
	for _, err := io.WriteString(c, head); err == nil && left > 0; left -= int64(len(chunk)) {
		_, err = io.WriteString(c, chunk)
	}
	return true
}

// drip says text at once and then unit with a pause before each.
func drip(c io.Writer, text, unit string, pause time.Duration) bool {
	for _, err := io.WriteString(c, text); err == nil; _, err = io.WriteString(c, unit) {
		time.Sleep(pause)
	}
	return true
}

// rssBound is what the agent's resident memory may reach whatever a gateway does: twice of what it is at rest in a session, about 30 MiB. Its arenas are made
// once per session and do not grow.
const rssBound = 64 << 20

// ledger is the table of what each case cost.
type ledger struct {
	lines []string
}

// peak is the most memory the process has had since the last call.
func (a *agentProcess) peak() int {
	a.w.t.Helper()
	dir := fmt.Sprintf("/proc/%d/", a.cmd.Process.Pid)
	status, err := os.ReadFile(dir + "status")
	if err == nil {
		err = os.WriteFile(dir+"clear_refs", []byte("5"), 0)
	}
	if err != nil {
		a.w.t.Fatal(err)
	}
	for l := range strings.Lines(string(status)) {
		if f := strings.Fields(l); len(f) == 3 && f[0] == "VmHWM:" {
			kib, err := strconv.Atoi(f[1])
			if err != nil {
				a.w.t.Fatal(err)
			}
			return kib << 10
		}
	}
	a.w.t.Fatal("no VmHWM")
	return 0
}

// close takes down what a case cost and holds it to the bound.
func (l *ledger) close(t *testing.T, a *agentProcess, r *rogue, began time.Time) {
	t.Helper()
	rss := a.peak()
	l.lines = append(l.lines, fmt.Sprintf("%-44s %10.1f %8.1f %8.2f", t.Name()[strings.IndexByte(t.Name(), '/')+1:], float64(r.gone.Load())/(1<<20), float64(rss)/(1<<20), time.Since(began).Seconds()))
	if rss > rssBound {
		t.Errorf("%d MiB resident, more than %d", rss>>20, rssBound>>20)
	}
}

// print logs the table.
func (l *ledger) print(t *testing.T) {
	t.Logf("%-44s %10s %8s %8s\n%s", "bound of the peak: 64 MiB", "taken MiB", "peak MiB", "s", strings.Join(l.lines, "\n"))
}

// nothingLeft expects the host as it was and an undo journal that lists nothing.
func (w *world) nothingLeft(when string) {
	w.t.Helper()
	w.unchanged(when)
	for _, dir := range []string{w.runtimeDir(), w.stateDir()} {
		b, err := os.ReadFile(filepath.Join(dir, "undo"))
		if os.IsNotExist(err) {
			continue
		}
		last := map[string]int{}
		for line := range strings.Lines(string(b)) {
			var slot struct {
				Slot    string
				Entries []json.RawMessage
			}
			if err == nil && len(line) > 9 {
				err = json.Unmarshal([]byte(line[9:]), &slot)
			}
			last[slot.Slot] = len(slot.Entries)
		}
		for slot, n := range last {
			if n > 0 || err != nil {
				w.t.Errorf("%s the undo journal in %s has %d entries for %q, %v:\n%s", when, dir, n, slot, err, b)
			}
		}
	}
}

// dial connects to the rogue.
func (w *world) dial(host, timeout string) result {
	w.t.Helper()
	return w.cli("pw\n", "connect", host, "--user", account, "--password-stdin", "--ca", w.pki.ca, "--accept-banner", "--no-input", "--timeout", timeout)
}

// pings reports whether something inside answers one of two pings.
func (w *world) pings() bool {
	for range 2 {
		if w.client.Command("ping", "-c", "1", "-W", "2", "10.77.0.1").Run() == nil {
			return true
		}
	}
	return false
}

// ends disconnects, unless the session is over already, and expects nothing to be left.
func (w *world) ends() {
	w.t.Helper()
	if s := w.state(); s.State != "disconnected" {
		if r := w.cli("", "disconnect"); r.exit != 0 && r.exit != 1 {
			w.t.Errorf("disconnect: %+v", r)
		}
	}
	w.waitState(5*time.Second, "disconnected", func(s ipc.State) bool { return s.State == "disconnected" })
	w.nothingLeft("after the session")
	for _, args := range [][]string{{"state"}, {"timeline"}, {"stats"}} {
		noTerminal(w.t, w.cli("", args...))
	}
}
