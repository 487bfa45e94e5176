package bench

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/interop/lab"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

const gatewayAddr = "192.0.2.1"

// bed is the two hosts of doc.go.
type bed struct {
	*lab.Lab
	client, gateway *testenv.NS
}

// newBed makes the hosts and starts the sink.
func newBed(b *testing.B) *bed {
	l := &bed{Lab: lab.New(b, gatewayAddr), client: testenv.Self(b), gateway: testenv.NewNS(b, "gateway")}
	testenv.Veth(b, l.client, "wan0", l.gateway, "net0")
	l.IP(l.client, "addr add 192.0.2.2/24 dev wan0")
	l.IP(l.gateway, "addr add "+gatewayAddr+"/24 dev net0", "addr add 10.99.0.1/32 dev lo", "addr add 10.98.0.1/32 dev lo", "addr add 10.97.0.1/32 dev lo", "addr add 10.96.0.1/32 dev lo")
	l.Ready(l.gateway.Command(l.Self, "role", "sink", "all"), "ready")
	return l
}

// startAgent runs an agent.
func (l *bed) startAgent() *lab.Agent { return l.StartAgent(l.client, "agent") }

// openconnect connects openconnect to a port of the gateway and returns once it said the text.
func (l *bed) openconnect(port, says string, more ...string) *lab.Process {
	l.Helper()
	return l.StartOpenconnect(l.client, lab.Openconnect{Gateway: gatewayAddr + ":" + port, Interface: "oc0", Route: "10.98.0.0/16", Says: says, More: more})
}

// startOcserv runs one on a port.
func (l *bed) startOcserv(port, network string, dtls bool) *lab.Gateway {
	l.Helper()
	return l.StartOcserv(l.gateway, lab.Ocserv{Name: "ocserv" + port, Port: port, Network: network, DTLS: dtls, DPD: time.Minute})
}

// flow runs one flow from the client and returns what it moved.
func (l *bed) flow(direction, addr string, long time.Duration) result {
	l.Helper()
	out := l.client.Run(l, l.Self, "role", "flow", direction, addr, strconv.FormatInt(long.Milliseconds(), 10))
	var n, ns int64
	if _, err := fmt.Sscan(out, &n, &ns); err != nil || n == 0 {
		l.Fatalf("flow: %v: %s", err, out)
	}
	return result{n, time.Duration(ns)}
}
