package interop

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// attempt is one raw request and what came back.
type attempt struct {
	Method, Path, Body string
	Chunked            bool // the body has no end but the server's patience
	Status             int  // 0: no HTTP
	Answer             string
}

// attack is the child that makes requests past the command line: it reads attempts from standard input and writes them back with their answers.
func attack(socket string) int {
	in := json.NewDecoder(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for {
		var a attempt
		if err := in.Decode(&a); err != nil {
			return 0
		}
		a.Status, a.Answer = a.try(socket)
		a.Body = ""
		if out.Encode(a) != nil {
			return 1
		}
	}
}

// try makes the request on a connection of its own. Of a stream it takes the first line. The body is not closed: that would wait for the end of the stream.
func (a attempt) try(socket string) (int, string) {
	c, err := net.Dial("unix", socket)
	if err != nil {
		return 0, err.Error()
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(15 * time.Second))
	head := a.Method + " " + a.Path + " HTTP/1.1\r\nHost: a\r\n"
	if a.Chunked {
		_, _ = io.WriteString(c, head+"Transfer-Encoding: chunked\r\n\r\n")
		for chunk := "10000\r\n" + strings.Repeat(" ", 1<<16) + "\r\n"; err == nil; {
			_, err = io.WriteString(c, chunk)
		}
	} else {
		_, _ = io.WriteString(c, fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(a.Body), a.Body))
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, err.Error()
	}
	if strings.HasSuffix(a.Path, "/events") {
		line, _ := bufio.NewReader(resp.Body).ReadString('\n')
		return resp.StatusCode, line
	}
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, string(b)
}

// flood is the child that takes all the connections it can get and uses them slowly, until its standard input ends. It says how many it has opened.
func flood(socket string) int {
	var wg sync.WaitGroup
	for i := range 2000 {
		wg.Go(func() {
			c, err := net.Dial("unix", socket)
			if err != nil {
				return
			}
			defer c.Close()
			switch i % 3 {
			case 0: // says nothing
				_, _ = c.Read(make([]byte, 1))
			case 1: // a header that never ends
				for _, err := io.WriteString(c, "GET /v1/state HTTP/1.1\r\n"); err == nil; _, err = io.WriteString(c, "X: y\r\n") {
					time.Sleep(100 * time.Millisecond)
				}
			case 2: // a body that never comes
				_, _ = io.WriteString(c, "POST /v1/connect HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n{")
				_, _ = io.Copy(io.Discard, c)
			}
		})
		if i == 500 {
			fmt.Println("flooding")
		}
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// people are real users: bea and carl are members of the group, eve is not.
type people struct {
	w      *world
	binary string // the test binary where they may run it
}

func (w *world) people() people {
	w.t.Helper()
	w.client.Run(w.t, "sh", "-c", "groupadd -f holdfast && useradd -M -G holdfast bea && useradd -M -G holdfast carl && useradd -M eve")
	for d := w.dir; d != "/" && filepath.Base(d) != "tmp"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			w.t.Fatal(err)
		}
	}
	p := people{w: w, binary: filepath.Join(w.dir, "attack")}
	b, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(p.binary, b, 0o755)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.before = testenv.Dump(w.t, w.client) // with the users
	return p
}

// try has a user make the requests.
func (p people) try(user string, list ...attempt) []attempt {
	p.w.t.Helper()
	cmd := p.w.client.Command("runuser", "-u", user, "--", p.binary, "role", "attack", filepath.Join(p.w.runtimeDir(), "agent.sock"))
	var in, out bytes.Buffer
	for _, a := range list {
		if err := json.NewEncoder(&in).Encode(a); err != nil {
			p.w.t.Fatal(err)
		}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, os.Stderr
	if err := cmd.Run(); err != nil {
		p.w.t.Fatal(err)
	}
	var got []attempt
	for dec := json.NewDecoder(&out); dec.More(); {
		var a attempt
		if err := dec.Decode(&a); err != nil {
			p.w.t.Fatal(err)
		}
		got = append(got, a)
	}
	if len(got) != len(list) {
		p.w.t.Fatalf("%s: %d of %d requests", user, len(got), len(list))
	}
	return got
}

// shell has a user run a line of shell and returns what it printed.
func (p people) shell(user, line string) string {
	p.w.t.Helper()
	out, _ := p.w.client.Command("runuser", "-u", user, "--", "sh", "-c", line).CombinedOutput()
	return string(out)
}

func post(path, body string) attempt { return attempt{Method: "POST", Path: path, Body: body} }
func get(path string) attempt        { return attempt{Method: "GET", Path: path} }

// TestAttackers: what other users try past the command line, against a question that is open and against a session.
func TestAttackers(t *testing.T) {
	t.Parallel()
	testenv.Require(t, "uid")
	w := newWorld(t)
	if w == nil {
		return
	}
	p := w.people()
	w.startOcserv(t, ocserv{lines: splitRoutes})
	a := w.startAgent()
	pem, err := os.ReadFile(w.pki.ca)
	if err != nil {
		t.Fatal(err)
	}
	quoted, err := json.Marshal(string(pem))
	if err != nil {
		t.Fatal(err)
	}
	connect := post("/v1/connect", `{"target":"vpn.lab.example","group":"staff","user":"`+account+`","ca_pem":`+string(quoted)+`,"timeout_ms":60000}`)

	if got := p.try("eve", get("/v1/state"), connect, post("/v1/disconnect", "")); got[0].Status+got[1].Status+got[2].Status != 0 || !strings.Contains(got[0].Answer, "permission denied") {
		t.Errorf("who is no member: %+v", got)
	}
	if got := p.try("bea", connect); got[0].Status != 202 {
		t.Fatalf("bea: %+v", got)
	}
	asked := w.waitState(10*time.Second, "asked", func(s ipc.State) bool { return s.Prompt != nil })
	w.attacks(p, "while a question is open")
	if s := w.state(); s.Prompt == nil || s.Prompt.ID != asked.Prompt.ID {
		t.Fatalf("the question is gone: %+v", s)
	}
	if got := p.try("bea", post("/v1/prompts/"+asked.Prompt.ID, `{"fields":{"password":"`+password+`"}}`)); got[0].Status != 204 {
		t.Fatalf("bea answers: %+v", got)
	}
	w.waitState(10*time.Second, "connected", func(s ipc.State) bool { return s.State == "connected" })
	w.attacks(p, "while a session is up")
	w.files(p, a)
	w.floods(p, a)
	if s := w.state(); s.State != "connected" || len(s.Addresses) == 0 {
		t.Errorf("after all that: %+v", s)
	}
	if got := p.try("bea", post("/v1/disconnect", "")); got[0].Status != 204 {
		t.Errorf("bea disconnects: %+v", got)
	}
	w.waitState(10*time.Second, "disconnected", func(s ipc.State) bool { return s.State == "disconnected" })
	if got := p.try("carl", get("/v1/timeline"), post("/v1/connect", "{}")); strings.TrimSpace(got[0].Answer) != "" || got[1].Status != 400 {
		t.Errorf("what carl finds afterwards, of bea's past and target: %+v", got)
	}
	if strings.Contains(a.log.String(), password) {
		t.Error("the password is in the log")
	}
	a.stop()
}

// attacks is what carl, a member who does not own the session, tries: everything is refused, and what he may read tells nothing.
func (w *world) attacks(p people, when string) {
	w.t.Helper()
	guesses := []attempt{post("/v1/disconnect", ""), get("/v1/timeline"), get("/v1/stats"), post("/v1/connect", `{"target":"vpn.lab.example"}`), post("/v1/connect", "{}")}
	for i := range 20 {
		guesses = append(guesses, post(fmt.Sprintf("/v1/prompts/p%d", i), `{"fields":{"password":"carl's"}}`), post(fmt.Sprintf("/v1/prompts/p%d", i), `{"cancel":true}`))
	}
	for _, g := range p.try("carl", guesses...) {
		if g.Status != 403 || !strings.Contains(g.Answer, "POL-001") {
			w.t.Errorf("%s: %s %s: %d %s", when, g.Method, g.Path, g.Status, g.Answer)
		}
	}
	for _, g := range p.try("carl", post("/v1/profiles", `{"name":"evil.xml","content":"PEFueUNvbm5lY3RQcm9maWxlLz4="}`), post("/v1/profiles", `{"name":"../evil.xml"}`),
		post("/v1/preferences", `{"set":{"LocalLanAccess":"true"},"global":true}`)) {
		if g.Status != 403 || !strings.Contains(g.Answer, "POL-003") {
			w.t.Errorf("%s: %s %s: %d %s", when, g.Method, g.Path, g.Status, g.Answer)
		}
	}
	s := w.state()
	for _, g := range p.try("carl", get("/v1/state"), get("/v1/events"), get("/v1/hosts"), get("/v1/version"), get("/v1/preferences")) {
		leaks := append([]string{account, "lab.example", "prompt", "198.51.100", "Staff"}, s.Addresses...)
		for _, l := range leaks {
			if g.Status != 200 || strings.Contains(g.Answer, l) {
				w.t.Errorf("%s: %s tells %q: %d %s", when, g.Path, l, g.Status, g.Answer)
			}
		}
	}
}

// files is what users can do to the agent's files.
func (w *world) files(p people, a *agentProcess) {
	w.t.Helper()
	run, state := w.runtimeDir(), w.stateDir()
	for _, user := range []string{"bea", "carl", "eve"} {
		line := fmt.Sprintf("for c in 'touch %[1]s/x' 'ln -s /etc/shadow %[1]s/y' 'rm -f %[1]s/agent.sock' 'mv %[1]s/agent.sock %[1]s/z' 'cat %[1]s/undo' 'cat %[1]s/lock' 'ls %[1]s' "+
			"'ls %[2]s' 'cat %[2]s/last.json' 'cat %[2]s/undo' 'cat /run/holdfast-net-*' 'mv %[2]s %[2]s2' 'cat /proc/%[3]d/environ' 'head -c1 /proc/%[3]d/mem'; do $c >/dev/null 2>&1 && echo \"$c\"; done",
			run, state, a.cmd.Process.Pid)
		if out := p.shell(user, line); out != "" {
			w.t.Errorf("%s can:\n%s", user, out)
		}
	}
	for _, dir := range []string{run, state} {
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				w.t.Error(err)
				return nil
			}
			info, err := d.Info()
			want := map[string]fs.FileMode{run: 0o711, state: 0o700, filepath.Join(run, "agent.sock"): 0o660}[path]
			if want == 0 {
				want = 0o600
			}
			if err != nil || info.Mode().Perm() != want {
				w.t.Errorf("%s: %v, %v; want %o", path, info.Mode(), err, want)
			}
			return nil
		})
	}
}

// floods: one member takes what connections he can get. The others and root go on, and the agent's open files stay few.
func (w *world) floods(p people, a *agentProcess) {
	w.t.Helper()
	cmd := w.client.Command("runuser", "-u", "carl", "--", p.binary, "role", "flood", filepath.Join(w.runtimeDir(), "agent.sock"))
	in, err := cmd.StdinPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	w.startReady(cmd, "flooding")
	for range 5 {
		began := time.Now()
		if got := p.try("bea", get("/v1/state")); got[0].Status != 200 || !strings.Contains(got[0].Answer, `"addresses"`) {
			w.t.Errorf("the owner during a flood: %+v", got)
		}
		if s := w.state(); s.State != "connected" || time.Since(began) > 3*time.Second {
			w.t.Errorf("%s after %s during a flood", s.State, time.Since(began))
		}
		open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", a.cmd.Process.Pid))
		if err != nil || len(open) > 100 {
			w.t.Errorf("the agent has %d files open, %v", len(open), err)
		}
	}
	in.Close()
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// TestTargets: a member chooses whom the agent dials and nothing else. Nothing but TLS is sent, no file is read, and what answers is not shown.
func TestTargets(t *testing.T) {
	t.Parallel()
	testenv.Require(t, "uid")
	w := newWorld(t)
	if w == nil {
		return
	}
	p := w.people()
	a := w.startAgent()
	const inside = "inside-canary" // what a service says that only this machine can reach
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	heard := make(chan []byte, 64)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b := make([]byte, 4096)
			n, _ := c.Read(b)
			heard <- b[:n]
			_, _ = io.WriteString(c, inside+"\r\n")
			c.Close()
		}
	}()
	port := l.Addr().(*net.TCPAddr).Port
	at := func(format string) string { return fmt.Sprintf(format, port) }

	refused := []attempt{}
	for _, target := range []string{
		"file:///etc/shadow", "/etc/shadow", "../../etc/shadow", "unix:/run/agent.sock", "@/etc/shadow", at("http://127.0.0.1:%d/"), at("ftp://127.0.0.1:%d"), at("HTTPS:127.0.0.1:%d"),
		at("https://user@127.0.0.1:%d/"), at("https://127.0.0.1:%d/?x"), at("https://127.0.0.1:%d/#x"), at("127.1:%d"), at("2130706433:%d"), at("0x7f000001:%d"), at("0177.0.0.1:%d"),
		at("127.0.0.1.:%d"), at("0.0.0.0:%d"), at("[::]:%d"), at("[::1%%25lo]:%d"), "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1", "-oProxyCommand=id", "127.0.0.1:1/../x", `127.0.0.1:1/a\b`, "127.0.0.1:1/%0d%0aX",
	} {
		b, err := json.Marshal(map[string]string{"target": target})
		if err != nil {
			t.Fatal(err)
		}
		refused = append(refused, post("/v1/connect", string(b)))
	}
	for _, field := range []string{"ca", "ca_file", "cert", "key", "pkcs12", "profile", "script", "browser", "proxy", "state_dir", "log", "sni", "address", "csd-wrapper"} {
		refused = append(refused, post("/v1/connect", fmt.Sprintf(`{"target":"127.0.0.1:%d","%s":"/etc/shadow"}`, port, field)))
	}
	refused = append(refused, post("/v1/connect", at(`{"target":"127.0.0.1:%d","ca_pem":"/etc/shadow"}`)), post("/v1/connect", at(`{"target":"127.0.0.1:%d","ca_pem":"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}`)))
	for i, g := range p.try("bea", refused...) {
		if g.Status != 400 {
			t.Errorf("%s: %d %s", refused[i].Body, g.Status, g.Answer)
		}
	}
	big := p.try("bea", post("/v1/connect", strings.Repeat(" ", 2<<20)), attempt{Method: "POST", Path: "/v1/connect", Chunked: true})
	for _, g := range big {
		if g.Status != 413 && g.Status != 0 { // 0: the connection was closed under the body
			t.Errorf("a body without end: %+v", g)
		}
	}
	select {
	case b := <-heard:
		t.Errorf("a refused target was dialled and heard %q", b)
	default:
	}

	for _, target := range []string{at("127.0.0.1:%d"), at("[::ffff:127.0.0.1]:%d"), at("https://localhost:%d/group")} {
		if got := p.try("bea", post("/v1/connect", `{"target":"`+target+`","timeout_ms":4000}`)); got[0].Status != 202 {
			t.Errorf("%s: %+v", target, got)
			continue
		}
		w.waitState(10*time.Second, "over", func(s ipc.State) bool { return s.State == "disconnected" && s.Error != nil })
		for len(heard) > 0 {
			if b := <-heard; len(b) > 0 && b[0] != 0x16 { // a TLS handshake record (RFC 8446 section 5.1)
				t.Errorf("%s heard %q", target, b)
			}
		}
		for _, g := range p.try("bea", get("/v1/state"), get("/v1/timeline")) {
			if strings.Contains(g.Answer, inside) {
				t.Errorf("%s shows what answered: %s", g.Path, g.Answer)
			}
		}
	}
	if strings.Contains(a.log.String(), inside) {
		t.Error("the log shows what answered")
	}
	a.stop()
}
