package gateway

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
	"github.com/holdfast-vpn/holdfast/protocol/simnet"
)

var (
	gwAddr  = netip.MustParseAddr("198.51.100.1")
	inside4 = netip.MustParseAddr("10.99.0.2")
	inside6 = netip.MustParseAddr("fd00:99::2")
)

// rig is a gateway on a simulated network and a laptop to connect from.
type rig struct {
	t    testing.TB
	net  *simnet.Net
	host *simnet.Host
	pc   *simnet.Host
	id   *Identity
	gw   *Gateway

	dialTCP, dialUDP func(context.Context) (net.Conn, error)
	serving          sync.WaitGroup
}

// newRig starts a gateway whose configuration may be changed first. It works inside a bubble and outside.
func newRig(t *testing.T, change func(*Config)) *rig {
	t.Helper()
	return newRigOf(t, 1, change)
}

// newRigOf is newRig with a network whose luck comes of a seed.
func newRigOf(t *testing.T, seed uint64, change func(*Config)) *rig {
	t.Helper()
	r := &rig{t: t, net: simnet.New(seed)}
	r.host = r.net.Host("gateway", gwAddr)
	r.pc = r.net.Host("laptop", netip.MustParseAddr("192.0.2.9"))
	r.pc.Link(1).SetLatency(5 * time.Millisecond)
	at, dialer := netip.AddrPortFrom(gwAddr, 443), r.pc.Dialer()
	r.dialTCP = func(ctx context.Context) (net.Conn, error) { return dialer.DialTCP(ctx, at, protocol.Path{}) }
	r.dialUDP = func(ctx context.Context) (net.Conn, error) { return dialer.DialUDP(ctx, at, protocol.Path{}) }
	r.makeGateway(change)
	r.serve()
	return r
}

// newRealRig starts a gateway on sockets of the kernel's.
func newRealRig(t testing.TB, change func(*Config)) *rig {
	t.Helper()
	r := &rig{t: t, net: simnet.New(1)}
	r.makeGateway(change)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to := func(network, at string) func(context.Context) (net.Conn, error) {
		return func(ctx context.Context) (net.Conn, error) { return (&net.Dialer{}).DialContext(ctx, network, at) }
	}
	r.dialTCP, r.dialUDP = to("tcp", l.Addr().String()), to("udp", u.LocalAddr().String())
	r.listen(l, u)
	return r
}

// makeGateway makes it, and ends it with the test.
func (r *rig) makeGateway(change func(*Config)) {
	t := r.t
	t.Helper()
	var err error
	if r.id, err = SelfSigned("vpn.example.com", "198.51.100.1"); err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Certificate: r.id.Certificate,
		Users: []User{
			{Name: "alice", Password: redact.NewString("wonderland")},
			{Name: "bob", Password: redact.NewString("builder"), Groups: []string{"staff"}, Challenge: "What is the code?", Check: Fixed(redact.NewString("424242"))},
		},
		Groups: []Group{{Name: "staff", Label: "Staff network"}, {Name: "admins", Label: "Administrators"}},
		Pools:  []netip.Prefix{netip.MustParsePrefix("10.11.0.0/24"), netip.MustParsePrefix("fd00:11::/64")},
		Settings: protocol.Settings{
			Banner: "Be careful.", DNS: []netip.Addr{inside4}, Search: []string{"corp.example"},
			SplitInclude: []netip.Prefix{netip.MustParsePrefix("10.99.0.0/16"), netip.MustParsePrefix("fd00:99::/64")},
			DPD:          30 * time.Second, Keepalive: 20 * time.Second, DisconnectedTimeout: 2 * time.Minute,
		},
		Inside: NewEcho(inside4, inside6),
	}
	if change != nil {
		change(&cfg)
	}
	if r.gw, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.gw.Close(); err != nil {
			t.Errorf("closing the gateway: %v", err)
		}
		r.serving.Wait()
		_ = r.net.Close()
	})
}

// serve starts, or starts again, to listen, for streams and for datagrams.
func (r *rig) serve() {
	r.t.Helper()
	l, err := r.host.Listen(443)
	if err != nil {
		r.t.Fatal(err)
	}
	s, err := r.host.ListenPacket(443)
	if err != nil {
		r.t.Fatal(err)
	}
	r.listen(l, s)
}

// serveUDP starts, or starts again, to take datagrams.
func (r *rig) serveUDP() {
	r.t.Helper()
	s, err := r.host.ListenPacket(443)
	if err != nil {
		r.t.Fatal(err)
	}
	r.listen(nil, s)
}

// listen serves; a nil listener is none.
func (r *rig) listen(l net.Listener, s net.PacketConn) {
	check := func(err error) {
		if err != nil && !errors.Is(err, net.ErrClosed) {
			r.t.Errorf("serving: %v", err)
		}
	}
	if l != nil {
		r.serving.Go(func() { check(r.gw.Serve(l)) })
	}
	r.serving.Go(func() { check(r.gw.ServeDatagrams(s)) })
}

// client is a connection in the client's role, made of raw codecs.
type client struct {
	t    testing.TB
	raw  net.Conn
	cork *cstp.Cork
	tls  *tls.Conn
	r    *bufio.Reader
}

// dial connects and verifies.
func (r *rig) dial() *client {
	r.t.Helper()
	c, err := r.tryDial()
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

func (r *rig) tryDial() (*client, error) {
	raw, err := r.dialTCP(r.t.Context())
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(r.id.CAPEM)
	c := &client{t: r.t, raw: raw, cork: cstp.Wrap(raw)}
	c.tls = tls.Client(c.cork, &tls.Config{RootCAs: pool, ServerName: "vpn.example.com", DynamicRecordSizingDisabled: true})
	if err := c.tls.Handshake(); err != nil {
		_ = raw.Close()
		return nil, err
	}
	c.r = bufio.NewReader(c.tls)
	r.t.Cleanup(func() { _ = raw.Close() })
	return c, nil
}

// post sends a document and returns the answer with its status.
func (c *client) post(path string, q *authxml.Request) (*authxml.Response, *http.Response) {
	c.t.Helper()
	body, err := q.Append(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: vpn.example.com\r\nX-Aggregate-Auth: 1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n", path, len(body))
	if _, err := c.tls.Write(append([]byte(head), body...)); err != nil {
		c.t.Fatal(err)
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	doc, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || len(doc) == 0 {
		return nil, resp
	}
	a, err := authxml.ParseResponse(doc)
	if err != nil {
		c.t.Fatalf("%v in %s", err, doc)
	}
	return a, resp
}

// answers builds an auth-reply from NAME=VALUE.
func answers(opaque []byte, group string, fields ...string) *authxml.Request {
	q := &authxml.Request{Type: authxml.TypeReply, Version: "1", DeviceID: "linux-64", Opaque: opaque, GroupSelect: group}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		q.Fields = append(q.Fields, authxml.Field{Name: name, Value: redact.NewString(value)})
	}
	return q
}

var hello = &authxml.Request{Type: authxml.TypeInit, Version: "1", DeviceID: "linux-64"}

// login logs alice in and returns the token.
func (r *rig) login() redact.Secret {
	r.t.Helper()
	c := r.dial()
	form, _ := c.post("/", hello)
	done, _ := c.post("/", answers(form.Opaque, "staff", "username=alice", "password=wonderland"))
	if done == nil || done.Type != authxml.TypeComplete {
		r.t.Fatalf("login answered %+v", done)
	}
	_ = c.tls.Close()
	return done.SessionToken
}

// connect asks for a tunnel and returns the head of the answer.
func (c *client) connect(token redact.Secret) *cstp.Response {
	c.t.Helper()
	q := &cstp.Request{Host: "vpn.example.com", UserAgent: "AnyConnect test", Token: token, Hostname: "laptop", BaseMTU: 1500, IPv6: true}
	return c.send(q)
}

// send sends a CONNECT and returns the head of the answer.
func (c *client) send(q *cstp.Request) *cstp.Response {
	c.t.Helper()
	if _, err := c.tls.Write(q.Append(nil)); err != nil {
		c.t.Fatal(err)
	}
	resp, err := cstp.ReadResponse(c.r)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp
}

// tunnel is an established one.
type testTunnel struct {
	*cstp.Stream
	t   testing.TB
	set *protocol.Settings
}

// up connects with a token.
func (r *rig) up(token redact.Secret) *testTunnel {
	r.t.Helper()
	c := r.dial()
	resp := c.connect(token)
	if resp.Status != http.StatusOK {
		r.t.Fatalf("CONNECT: %d %s", resp.Status, resp.Reason())
	}
	set, err := resp.Settings()
	if err != nil {
		r.t.Fatal(err)
	}
	tun := &testTunnel{cstp.NewStream(c.tls, c.cork, cstp.Residual(c.r)), r.t, set}
	r.t.Cleanup(func() { _ = tun.Abandon() })
	return tun
}

// ping builds an echo request from the tunnel's address of the family.
func (t *testTunnel) ping(to netip.Addr, seq uint16) []byte {
	proto, kind := byte(protoICMP), byte(8)
	if to.Is6() {
		proto, kind = protoICMPv6, 128
	}
	body := []byte{kind, 0, 0, 0, 0x12, 0x34, 0, 0, 'h', 'i'}
	binary.BigEndian.PutUint16(body[6:], seq)
	return build(t.local(to), to, proto, body)
}

func (t *testTunnel) local(to netip.Addr) netip.Addr {
	for _, a := range t.set.Addresses {
		if a.Addr().Is4() == to.Is4() {
			return a.Addr()
		}
	}
	t.t.Fatalf("no address of the family of %s", to)
	return netip.Addr{}
}

// send sends one packet.
func (t *testTunnel) send(p []byte) {
	t.t.Helper()
	b := packet.New(1, 2048)
	b.Append(p)
	if err := t.WriteBatch(b); err != nil {
		t.t.Fatal(err)
	}
}

// recv reads one packet.
func (t *testTunnel) recv() ([]byte, error) {
	b := packet.New(1, 2048)
	if err := t.ReadBatch(b); err != nil {
		return nil, err
	}
	return append([]byte(nil), b.Packet(0)...), nil
}

// works sends a ping of each family and waits for the answers.
func (t *testTunnel) works() {
	t.t.Helper()
	for i, to := range []netip.Addr{inside4, inside6} {
		t.send(t.ping(to, uint16(i)))
		p, err := t.recv()
		if err != nil {
			t.t.Fatal(err)
		}
		from, at, _ := endpoints(p)
		head := 20
		if to.Is6() {
			head = 40
		}
		if from != to || at != t.local(to) || p[head] != map[bool]byte{true: 0, false: 129}[to.Is4()] || string(p[len(p)-2:]) != "hi" {
			t.t.Fatalf("the ping to %s was answered by %x", to, p)
		}
	}
}
