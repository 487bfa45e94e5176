package tray

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"github.com/holdfast-vpn/holdfast/agent"
	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/fake"
	"github.com/holdfast-vpn/holdfast/profile"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
	"github.com/holdfast-vpn/holdfast/protocol/netstack"
	"github.com/holdfast-vpn/holdfast/protocol/simnet"
	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
	"github.com/holdfast-vpn/holdfast/ui/tray/desk"
	"github.com/holdfast-vpn/holdfast/ui/view"
)

const gatewayName = "vpn.example.com"

// machine is a person's machine in memory: an agent, a gateway and the network between them are the real ones but for the packets' way, and the application draws with Fyne's driver for tests.
type machine struct {
	*testing.T
	tray   *Tray
	main   chan func() // what the main thread, which is the test, has to do
	uplink *simnet.Link
	host   *fake.Machine
}

// newMachine makes it, for as long as the test runs.
func newMachine(t *testing.T) *machine {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", "")
	m := &machine{T: t, main: make(chan func(), 1024), host: fake.New(fake.Options{
		Network: plugged, Device: func(mtu int) (platform.Device, error) { return netstack.New(mtu) },
	})}
	network := simnet.New(1)
	site, laptop := network.Host("gateway", netip.MustParseAddr("198.51.100.1")), network.Host("laptop")
	network.Name(gatewayName, netip.MustParseAddr("198.51.100.1"))
	m.uplink = laptop.Uplink("eth0", plugged.Uplinks[0].Local[0])
	endGateway := m.gateway(site)
	client, endAgent := m.agent(laptop)
	t.Cleanup(func() {
		endAgent()
		endGateway()
		if err := network.Close(); err != nil {
			t.Error(err)
		}
	})
	words, app := locale.For(locale.English), test.NewTempApp(t)
	app.Settings().SetTheme(view.NewTheme(words.Language()))
	var err error
	m.tray, err = New(Options{
		App: app, Client: client, Words: words, Logf: t.Logf, Dir: t.TempDir(),
		do: func(f func()) { m.main <- f }, awake: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	m.tray.start()
	t.Cleanup(m.tray.stop)
	return m
}

// plugged is the machine with its cable.
var plugged = platform.NetSnapshot{Uplinks: []platform.Uplink{{Index: 1, Name: "eth0", Local: []netip.Addr{netip.MustParseAddr("192.0.2.10")}, NextHop: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}}}

// plug puts the cable in, or out.
func (m *machine) plug(in bool) {
	if in {
		m.uplink.Up()
		m.host.SetNetwork(plugged)
		return
	}
	m.uplink.Down()
	m.host.SetNetwork(platform.NetSnapshot{})
}

// gateway starts one that nobody vouches for, which asks for a password and then for a code.
func (m *machine) gateway(site *simnet.Host) (end func()) {
	ident, err := gateway.SelfSigned(gatewayName)
	if err != nil {
		m.Fatal(err)
	}
	g, err := gateway.New(gateway.Config{
		Certificate: ident.Certificate,
		Users:       []gateway.User{{Name: "alice", Password: redact.NewString("correct horse"), Challenge: "Enter the code from your phone.", Check: gateway.Fixed(redact.NewString("424242"))}},
		Pools:       []netip.Prefix{netip.MustParsePrefix("10.11.0.0/24")},
		Settings:    protocol.Settings{MTU: 1400, DPD: 30 * time.Second, Keepalive: 20 * time.Second, DisconnectedTimeout: 30 * time.Minute, SplitInclude: []netip.Prefix{netip.MustParsePrefix("10.99.0.0/16")}},
		Inside:      gateway.NewEcho(netip.MustParseAddr("10.99.0.2")),
	})
	if err != nil {
		m.Fatal(err)
	}
	l, err := site.Listen(443)
	if err != nil {
		m.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = g.Serve(l) })
	return func() {
		if err := g.Close(); err != nil {
			m.Error(err)
		}
		serving.Wait()
	}
}

// agent starts one, with a profile of one host.
func (m *machine) agent(laptop *simnet.Host) (client *ipc.Client, end func()) {
	p, _, err := profile.ParseFile("corporate.xml", []byte(`<AnyConnectProfile><ServerList><HostEntry><HostName>Office</HostName><HostAddress>`+gatewayName+`</HostAddress></HostEntry></ServerList></AnyConnectProfile>`))
	if err != nil {
		m.Fatal(err)
	}
	log, hub := slog.New(slog.NewTextHandler(io.Discard, nil)), ipc.NewHub()
	a, err := agent.New(agent.Config{
		Host: m.host.Host(), Dialer: laptop.Dialer(), Hub: hub, StateDir: m.TempDir(), Seed: 1, Log: log,
		Connect:  func(d protocol.Dialer) protocol.Connector { return &cstp.Connector{Dialer: d, Log: log} },
		Profiles: func() *profile.Store { return &profile.Store{Profiles: []*profile.Profile{p}} },
		Version:  ipc.Version{Version: "test"},
	})
	if err != nil {
		m.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	at := &agentAt{}
	s := &served{conns: make(chan net.Conn), done: make(chan struct{})}
	at.server = s
	var running sync.WaitGroup
	running.Go(func() { _ = a.Run(ctx) })
	running.Go(func() { _ = ipc.NewServer(a, hub, log).Serve(ctx, s) })
	return ipc.NewClientOver(at.dial), func() {
		cancel()
		running.Wait()
	}
}

// await is the main thread: it does what there is to do until the screen is as the test wants it.
func (m *machine) await(what string, holds func(model.Screen) bool) model.Screen {
	m.Helper()
	late := time.NewTimer(desk.Patience)
	defer late.Stop()
	for {
		if s := m.tray.model.Screen(time.Now()); holds(s) {
			return s
		}
		select {
		case f := <-m.main:
			f()
		case <-late.C:
			s := m.tray.model.Screen(time.Now())
			m.Fatalf("there is not %s, but %q, %q, asked %+v", what, s.Window.Headline, s.Window.Line, s.Prompt)
		}
	}
}
