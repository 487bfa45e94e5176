package outage

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-vpn/holdfast/agent/interop/lab"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

const (
	gatewayAddr = "198.51.100.1"
	insideAddr  = "10.99.0.2"
	// The metrics of a default route.
	better, usual, worse = 100, 300, 600
	// Routers see packets as a wire has them, and not several in one.
	unsegmented = "link set gso_max_segs 1 dev "
)

// uplink is one of the client's two.
type uplink struct {
	link, local, hop string
	router           *testenv.NS
}

// world is the network of one lane.
type world struct {
	*lab.Lab
	name                         string // of its hosts
	id                           uint16 // of its echo requests
	client, net, gateway, inside *testenv.NS
	wifi, wired                  *uplink
	server, plain                *lab.Gateway    // the second has no DTLS
	logind                       *testenv.Logind // of the machine; nil: there is none
}

// newWorld makes the hosts of a lane and starts ocserv.
func newWorld(tb testing.TB, number int) *world {
	name := "lane" + strconv.Itoa(number)
	ns := func(host string) *testenv.NS { return testenv.NewNS(tb, name+"-"+host) }
	w := &world{Lab: lab.New(tb, gatewayAddr), name: name, id: 0x4860 + uint16(number), client: ns("client"), net: ns("net"), gateway: ns("gateway"), inside: ns("inside")}
	w.wifi = &uplink{link: "wifi0", local: "192.0.2.2", hop: "192.0.2.1", router: ns("wifi")}
	w.wired = &uplink{link: "wired0", local: "203.0.113.2", hop: "203.0.113.1", router: ns("wired")}
	var ports []string
	for i, u := range []*uplink{w.wifi, w.wired} {
		testenv.Veth(tb, w.client, u.link, u.router, "lan0")
		testenv.Veth(tb, u.router, "net0", w.net, u.link)
		ports = append(ports, u.link)
		w.IP(w.client, unsegmented+u.link)
		w.IP(u.router, "addr add "+u.hop+"/24 dev lan0", "addr add 198.51.100."+strconv.Itoa(11+i)+"/24 dev net0")
		u.router.Sysctl(tb, "ipv4.ip_forward", "1")
		// A new mapping has another port. Of a TCP connection that nobody knows no packet passes: not even one that the gateway would answer by a reset.
		u.router.Run(tb, "nft", "add table ip nat; add chain ip nat post { type nat hook postrouting priority 100; }; add rule ip nat post oifname net0 masquerade fully-random; "+
			"add chain ip nat pass { type filter hook forward priority 0; }; add rule ip nat pass ct state invalid drop")
		u.router.Sysctl(tb, "netfilter.nf_conntrack_tcp_loose", "0")
	}
	testenv.Veth(tb, w.gateway, "net0", w.net, "gateway0")
	testenv.Bridge(tb, w.net, "br0", append(ports, "gateway0")...)
	testenv.Veth(tb, w.gateway, "in0", w.inside, "in0")
	w.IP(w.gateway, unsegmented+"net0", "addr add "+gatewayAddr+"/24 dev net0", "addr add 10.99.0.1/16 dev in0")
	w.IP(w.inside, "addr add "+insideAddr+"/16 dev in0", "route add default via 10.99.0.1")
	w.gateway.Sysctl(tb, "ipv4.ip_forward", "1")
	w.server = w.StartOcserv(w.gateway, lab.Ocserv{Name: name + "-443", Port: "443", Network: "10.11.0.0/24", DTLS: true, DPD: 30 * time.Second})
	w.plain = w.StartOcserv(w.gateway, lab.Ocserv{Name: name + "-4443", Port: "4443", Network: "10.12.0.0/24", DPD: 30 * time.Second})
	w.Cleanup(func() {
		w.server.Stop(syscall.SIGTERM)
		w.plain.Stop(syscall.SIGTERM)
	})
	return w
}

// plug gives the client an uplink: link, address and a default route, which is better the smaller its metric.
func (w *world) plug(u *uplink, metric int) {
	w.Helper()
	w.IP(w.client, "link set "+u.link+" up", "addr replace "+u.local+"/24 dev "+u.link, fmt.Sprintf("route add default via %s dev %s metric %d", u.hop, u.link, metric))
}

// unplug takes it away, as a network manager does.
func (w *world) unplug(u *uplink) {
	w.Helper()
	w.IP(w.client, "addr flush dev "+u.link, "link set "+u.link+" down")
}

// cable pulls or plugs what is between client and router.
func (w *world) cable(u *uplink, how string) {
	w.Helper()
	w.IP(u.router, "link set lan0 "+how)
}

// sever has a router drop what rule matches of what it forwards, both ways and without a word; mend ends all that.
func (w *world) sever(u *uplink, rules ...string) {
	w.Helper()
	script := "add table ip severed; add chain ip severed pass { type filter hook forward priority -5; }"
	for _, r := range rules {
		script += "; add rule ip severed pass " + r
	}
	u.router.Run(w, "nft", script)
}

func (w *world) mend(u *uplink) {
	w.Helper()
	u.router.Run(w, "nft", "add table ip severed; delete table ip severed")
}

// forgetMappings has an uplink's router forget whose packets it translates.
func (w *world) forgetMappings(u *uplink) {
	w.Helper()
	if err := u.router.Do(func() error { return netlink.ConntrackTableFlush(netlink.ConntrackTable) }); err != nil {
		w.Fatal(err)
	}
}

// restore makes the network what it is at the start of a run, with one uplink.
func (w *world) restore(first *uplink) {
	w.Helper()
	for _, u := range []*uplink{w.wifi, w.wired} {
		w.mend(u)
		w.cable(u, "up")
		w.unplug(u)
	}
	// What a run before has taught of path MTUs, and of connections.
	for _, n := range []*testenv.NS{w.client, w.gateway, w.inside} {
		w.IP(n, "route flush cache", "tcp_metrics flush all")
	}
	w.plug(first, usual)
	w.await("a way to the gateway", 5*time.Second, func() bool {
		return w.client.Command("ping", "-c", "1", "-W", "1", gatewayAddr).Run() == nil
	})
}

// await waits for something that belongs to the setting of a run.
func (w *world) await(what string, within time.Duration, ok func() bool) {
	w.Helper()
	for end := time.Now().Add(within); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("%s: no %s after %s", w.name, what, within)
		}
	}
}

// address is that of a device in the client, "" for none.
func (w *world) address(device string) string {
	out, _ := w.client.Command("ip", "-o", "-4", "addr", "show", "dev", device).Output()
	if f := strings.Fields(string(out)); len(f) > 3 {
		return f[3]
	}
	return ""
}
