package demo

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
)

// loopback dials this machine.
type loopback struct{ net.Dialer }

func (d *loopback) Lookup(context.Context, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

func (d *loopback) DialTCP(ctx context.Context, to netip.AddrPort, _ protocol.Path) (net.Conn, error) {
	return d.DialContext(ctx, "tcp", to.String())
}

// knower answers every question with the password.
type knower string

func (k knower) Ask(_ context.Context, f protocol.Form) (protocol.Answer, error) {
	a := protocol.Answer{Accept: true, Values: map[string]redact.Secret{}}
	for _, in := range f.Fields {
		a.Values[in.Name] = redact.NewString(map[string]string{"username": rehearsalUser}[in.Name])
		if in.Type == "password" {
			a.Values[in.Name] = redact.NewString(string(k))
		}
	}
	return a, nil
}

// rehearsal is a running Rehearse, with somebody at its keyboard.
type rehearsal struct {
	t     *testing.T
	keys  io.Writer
	lines chan string
}

// says waits for a line that begins so.
func (r *rehearsal) says(prefix string) string {
	r.t.Helper()
	late := time.After(10 * time.Second)
	for {
		select {
		case l := <-r.lines:
			if strings.HasPrefix(l, prefix) {
				return strings.TrimSpace(strings.TrimPrefix(l, prefix))
			}
		case <-late:
			r.t.Fatalf("no %q after 10 s", prefix)
		}
	}
}

func (r *rehearsal) types(line string) {
	r.t.Helper()
	if _, err := io.WriteString(r.keys, line+"\n"); err != nil {
		r.t.Fatal(err)
	}
}

func startRehearsal(t *testing.T) *rehearsal {
	t.Helper()
	in, keyboard := io.Pipe()
	screen, out := io.Pipe()
	r := &rehearsal{t: t, keys: keyboard, lines: make(chan string, 64)}
	ctx, cancel := context.WithCancel(context.Background())
	ended, read := make(chan error, 1), make(chan struct{})
	go func() { ended <- Rehearse(ctx, RehearseOptions{Listen: "127.0.0.1:0"}, in, out) }()
	go func() {
		defer close(read)
		for s := bufio.NewScanner(screen); s.Scan(); {
			r.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		_ = keyboard.Close()
		_ = out.Close()
		<-read
	})
	return r
}

// TestConsole: an administrator watches a session come and go, and ends it.
func TestConsole(t *testing.T) {
	r := startRehearsal(t)
	at, _, _ := strings.Cut(r.says("listening on "), ",")
	to := netip.MustParseAddrPort(at)
	password, pin := r.says("password"), r.says("pin")
	sum, err := hex.DecodeString(strings.TrimPrefix(pin, "sha256:"))
	if err != nil {
		t.Fatal(err)
	}
	r.types("sessions")
	r.says("0 sessions: 0 active, 0 inactive")
	c := &cstp.Connector{Dialer: &loopback{}}
	tun, err := c.Open(t.Context(), protocol.Target{Host: "127.0.0.1", Port: to.Port(), Path: "/", Trust: protocol.Trust{Pins: [][32]byte{[32]byte(sum)}}}, knower(password))
	if err != nil {
		t.Fatal(err)
	}
	var list []gateway.Session
	look := func() {
		t.Helper()
		r.types("sessions --json")
		if err := json.Unmarshal([]byte("["+r.says("[")), &list); err != nil {
			t.Fatal(err)
		}
	}
	if look(); len(list) != 1 || !list[0].Active || list[0].User != rehearsalUser || len(list[0].Tunnels) != 2 {
		t.Errorf("%+v", list)
	}
	r.types("drop")
	for end := time.Now().Add(5 * time.Second); list[0].Active && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		look()
	}
	r.types("sessions")
	r.says("1 session: 0 active, 1 inactive")
	r.says("  inactive   since ")
	_ = tun.Close(protocol.CloseQuiet)
	for line, want := range map[string]string{
		"sessions 4000000000": "there is no session", "sessions -1": "not understood", "kick": "not understood", "udp maybe": "not understood", "udp off": "", "udp on": "",
		"make coffee": "not understood", "help": "sessions [ID] [--json]", "": "",
	} {
		r.types(line)
		if want != "" {
			r.says(want)
		}
	}
	r.types("kick " + strings.Split(list[0].Tunnels[0].ID, ".")[0])
	r.types("sessions")
	r.says("0 sessions: 0 active, 0 inactive")
}
