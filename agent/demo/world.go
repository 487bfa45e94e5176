package demo

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/holdfast-vpn/holdfast/agent"
	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/profile"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
	"github.com/holdfast-vpn/holdfast/protocol/gateway/inside"
	"github.com/holdfast-vpn/holdfast/protocol/simnet"
)

// The demo's places, from the ranges that are kept for documentation.
const (
	gatewayName = "vpn.demo.example"
	webName     = "web.corp.example"
	user        = "alice"
	groupLabel  = "Staff network"
)

var (
	laptopAddr  = netip.MustParseAddr("192.0.2.10")
	routerAddr  = netip.MustParseAddr("192.0.2.1")
	publicAddr  = netip.MustParseAddr("203.0.113.7")
	gatewayAddr = netip.MustParseAddr("198.51.100.1")
	web4        = netip.MustParseAddr("10.99.0.2")
	web6        = netip.MustParseAddr("2001:db8:99::2")
	inside4     = netip.PrefixFrom(web4, 16)
	inside6     = netip.PrefixFrom(web6, 64)
	pools       = []netip.Prefix{netip.MustParsePrefix("10.11.0.0/24"), netip.MustParsePrefix("2001:db8:11::/64")}
)

// settings is what the demo's and the rehearsal's sessions get.
func settings() protocol.Settings {
	return protocol.Settings{
		MTU: 1400, DNS: []netip.Addr{web4}, Search: []string{"corp.example"}, DPD: 30 * time.Second, Keepalive: 20 * time.Second,
		SplitInclude:        []netip.Prefix{inside4.Masked(), inside6.Masked()},
		DisconnectedTimeout: 30 * time.Minute, IdleTimeout: 30 * time.Minute,
	}
}

// newInside makes the network behind the gateway.
func newInside() (*inside.Network, error) {
	return inside.New(inside.Config{Addresses: []netip.Prefix{inside4, inside6}, Zone: map[string][]netip.Addr{webName: {web4, web6}}})
}

// nowhere is the state directory of the demo's agent: below something that is no directory. What the agent would remember of its user is not written, and nothing
// is left behind however the demo ends.
var nowhere = filepath.Join(os.DevNull, "holdfast")

// oneWay is the time a segment takes over the Wi-Fi: 12 ms for a round trip with the internet's.
const oneWay = 6 * time.Millisecond

// world is everything the demo runs.
type world struct {
	net     *simnet.Net
	site    *simnet.Host // the gateway's
	gateway *gateway.Gateway
	ident   *gateway.Identity
	wifi    *simnet.Link // the laptop's
	nat     *simnet.NAT
	laptop  *laptop
	client  *ipc.Client

	password, code redact.Secret
	cancel         context.CancelFunc
	agents         sync.WaitGroup // the agent and its API
	gateways       sync.WaitGroup // the gateway's Serve
	mu             sync.Mutex
	errs           []error
}

// newWorld starts gateway, agent and API.
func newWorld(ctx context.Context, log *slog.Logger) (*world, error) {
	w := &world{net: simnet.New(1), password: redact.NewString("correct horse"), code: redact.NewString("424242")}
	ctx, w.cancel = context.WithCancel(ctx)
	err := w.startGateway(log)
	if err == nil {
		err = w.startAgent(ctx, log)
	}
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// startGateway makes the inside network and the gateway before it.
func (w *world) startGateway(log *slog.Logger) error {
	w.site = w.net.Host("gateway", gatewayAddr)
	w.net.Name(gatewayName, gatewayAddr)
	in, err := newInside()
	if err != nil {
		return err
	}
	if w.ident, err = gateway.SelfSigned(gatewayName); err != nil {
		return errors.Join(err, in.Close())
	}
	w.gateway, err = gateway.New(gateway.Config{
		Certificate: w.ident.Certificate,
		Users:       []gateway.User{{Name: user, Password: w.password, Challenge: "Enter the code from your phone.", Check: gateway.Fixed(w.code)}},
		Groups:      []gateway.Group{{Name: "staff", Label: groupLabel}, {Name: "guests", Label: "Guests"}},
		Pools:       pools, Settings: settings(), Inside: in, Log: log,
	})
	if err != nil {
		return err
	}
	return w.serveGateway()
}

// serveGateway opens the gateway's ports, at the start and after a restart.
func (w *world) serveGateway() error {
	l, err := w.site.Listen(443)
	if err != nil {
		return err
	}
	u, err := w.site.ListenPacket(443)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	w.gateways.Go(func() { w.note(w.gateway.Serve(l)) })
	w.gateways.Go(func() { w.note(w.gateway.ServeDatagrams(u)) })
	return nil
}

// startAgent makes the laptop, its agent and the API.
func (w *world) startAgent(ctx context.Context, log *slog.Logger) error {
	host := w.net.Host("laptop")
	wifi := host.Uplink("wifi0", laptopAddr)
	wifi.SetLatency(oneWay)
	w.wifi, w.nat = wifi, wifi.NAT(publicAddr)
	w.laptop = newLaptop(wifi)
	hub := ipc.NewHub()
	a, err := agent.New(agent.Config{
		Host: w.laptop.Host(), Dialer: host.Dialer(), Hub: hub, StateDir: nowhere, Seed: 1, Log: log,
		Connect:  func(d protocol.Dialer) protocol.Connector { return &cstp.Connector{Dialer: d, Log: log} },
		Profiles: func() *profile.Store { return &profile.Store{} },
		Version:  ipc.Version{Version: "demo"},
	})
	if err != nil {
		return err
	}
	l := newPipeListener()
	server := ipc.NewServer(a, hub, log)
	w.agents.Go(func() { w.note(a.Run(ctx)) })
	w.agents.Go(func() { w.note(server.Serve(ctx, l)) })
	w.client = ipc.NewClientOver(l.dial)
	return nil
}

// note keeps the error of a goroutine for close.
func (w *world) note(err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.errs = append(w.errs, err)
}

// close ends everything, the agent before the gateway it says goodbye to, and returns what went wrong meanwhile.
func (w *world) close() error {
	w.cancel()
	w.agents.Wait()
	var errs []error
	if w.gateway != nil {
		errs = append(errs, w.gateway.Close())
	}
	w.gateways.Wait()
	errs = append(errs, w.net.Close())
	return errors.Join(append(errs, w.errs...)...)
}
