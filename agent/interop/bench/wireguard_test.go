package bench

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun"

	"github.com/holdfast-vpn/holdfast/agent/interop/lab"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// wireguard is one wireguard-go: interface, MTU; its configuration comes on standard input.
func wireguard(args []string) error {
	mtu, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	conf, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	t, err := tun.CreateTUN(args[0], mtu)
	if err != nil {
		return err
	}
	d := device.NewDevice(t, conn.NewDefaultBind(), device.NewLogger(device.LogLevelError, ""))
	if err := d.IpcSet(string(conf)); err != nil {
		return err
	}
	if err := d.Up(); err != nil {
		return err
	}
	fmt.Println("ready")
	<-d.Wait()
	return nil
}

// startWireguard makes a pair with one tunnel between them, and returns the client's end.
func (l *bed) startWireguard(mtu int) (client, server *lab.Process) {
	l.Helper()
	keys := make([]*ecdh.PrivateKey, 2)
	for i := range keys {
		k, err := ecdh.X25519().GenerateKey(rand.Reader)
		if err != nil {
			l.Fatal(err)
		}
		keys[i] = k
	}
	start := func(n *testenv.NS, own, peer *ecdh.PrivateKey, more ...string) *lab.Process {
		lines := append([]string{"private_key=" + hex.EncodeToString(own.Bytes()), "listen_port=51820", "public_key=" + hex.EncodeToString(peer.PublicKey().Bytes())}, more...)
		cmd := n.Command(l.Self, "role", "wireguard", "wg0", itoa(mtu))
		cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
		return l.Ready(cmd, "ready")
	}
	server = start(l.gateway, keys[0], keys[1], "allowed_ip=10.15.0.2/32")
	client = start(l.client, keys[1], keys[0], "endpoint="+gatewayAddr+":51820", "allowed_ip=10.96.0.0/16")
	l.IP(l.gateway, "link set wg0 up", "route add 10.15.0.0/24 dev wg0")
	l.IP(l.client, "addr add 10.15.0.2/32 dev wg0", "link set wg0 up", "route add 10.96.0.0/16 dev wg0")
	return client, server
}

// throughGateway measures the agent and the embedded gateway beside a pair of wireguard-go.
func throughGateway(l *bed, r *report) {
	far := l.startGateway()
	defer far.Stop(syscall.SIGTERM)
	agent := l.startAgent()
	defer agent.End()
	agent.Connect(gatewayAddr + ":" + gatewayPort)
	state := agent.Settled("dtls")
	theirs, other := l.startWireguard(state.MTU)
	defer other.Stop(syscall.SIGKILL)
	defer theirs.Stop(syscall.SIGKILL)
	progress("our gateway: %s, MTU %d both", state.Cipher, state.MTU)
	l.answers("10.96.0.1")
	l.answers("10.97.0.1")
	for _, d := range []direction{up, down} {
		r.add(l.compare(strings.ToUpper(state.Transport)+" pair "+d.name, d, side{"holdfast", agent.Process, "10.97.0.1"}, side{"wireguard-go", theirs, "10.96.0.1"}, targetGateway))
	}
	agent.Disconnect()
}
