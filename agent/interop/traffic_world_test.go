package interop

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// How a program sends: as the system routes, or by a choice of its own.
const (
	plainly = iota
	bound   // SO_BINDTODEVICE, as any user may
	unicast // IP_UNICAST_IF, as systemd-resolved does
	sourced // from the uplink's own address
)

// talk is one kind of traffic of the machine. Port tells it on the uplink; one to port 53 is a question for Name.
type talk struct {
	Name string
	To   string
	How  int
}

// talks is everything that the chatter says, ten times a second.
var talks = []talk{
	{"IPv4", "203.0.113.200:40001", plainly},
	{"IPv4, bound", "203.0.113.200:40002", bound},
	{"IPv4, by interface", "203.0.113.200:40003", unicast},
	{"IPv4, old address", "203.0.113.200:40004", sourced},
	{"IPv6", "[2001:db8:ffff::1]:40005", plainly},
	{"IPv6, bound", "[2001:db8:ffff::1]:40006", bound},
	{"IPv6, by interface", "[2001:db8:ffff::1]:40007", unicast},
	{"IPv6, old address", "[2001:db8:ffff::1]:40008", sourced},
	{"DNS", "192.0.2.1:53", plainly},
	{"DNS, bound", "192.0.2.1:53", bound},
	{"DNS, IPv6", "[2001:db8:1::1]:53", plainly},
	{"DNS, IPv6, bound", "[2001:db8:1::1]:53", bound},
	{"DNS, public", "198.51.100.2:53", plainly},
	{"DNS, as resolv.conf says", "", plainly},
	{"local", "192.168.7.1:40009", plainly},
	{"local, public address", "192.0.2.77:40010", bound},
	{"local, IPv6", "[2001:db8:1::77]:40011", bound},
	{"multicast", "224.0.0.251:40012", bound},
	{"broadcast", "255.255.255.255:40013", bound},
	{"inside", "10.99.0.2:40014", plainly},
	{"inside, bound", "10.99.0.2:40015", bound},
	{"excluded", "203.0.113.201:40016", plainly},
	{"excluded, bound", "203.0.113.201:40017", bound},
}

// chatter is the child that says all of it until it is ended.
func chatter() int {
	fmt.Println("ready")
	for {
		for i, t := range talks {
			if t.To == "" {
				go func() {
					ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
					defer cancel()
					_, _ = (&net.Resolver{PreferGo: true}).LookupHost(ctx, question(i))
				}()
				continue
			}
			utter(i, t)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// question is the name that a talk of DNS asks for.
func question(i int) string { return fmt.Sprintf("talk%d.example.", i) }

// utter sends one datagram. What the system says to it is for the capture to see.
func utter(i int, t talk) {
	to := netip.MustParseAddrPort(t.To)
	d := net.Dialer{Timeout: time.Second, Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { choose(int(fd), t.How, to.Addr().Is6()) })
	}}
	if t.How == sourced {
		d.LocalAddr = &net.UDPAddr{IP: net.ParseIP("192.0.2.2")}
		if to.Addr().Is6() {
			d.LocalAddr = &net.UDPAddr{IP: net.ParseIP("2001:db8:1::2")}
		}
	}
	c, err := d.Dial("udp", t.To)
	if err != nil {
		return
	}
	payload := []byte(t.Name)
	if to.Port() == 53 {
		payload, _ = new(dns.Msg).SetQuestion(question(i), dns.TypeA).Pack()
	}
	_, _ = c.Write(payload)
	time.AfterFunc(time.Second, func() { _ = c.Close() }) // an answer that nobody waits for makes the system complain to its sender
}

func choose(fd, how int, v6 bool) {
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1)
	switch how {
	case bound:
		_ = unix.BindToDevice(fd, "wan0")
	case unicast:
		ifi, err := net.InterfaceByName("wan0")
		if err != nil {
			return
		}
		index := int(binary.NativeEndian.Uint32(binary.BigEndian.AppendUint32(nil, uint32(ifi.Index)))) // the kernel wants network order
		if v6 {
			_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_UNICAST_IF, index)
			return
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_UNICAST_IF, index)
	}
}

// watchUplink is the child that writes a line into FILE for every packet that comes in on INTERFACE.
func watchUplink(args []string) int {
	out, err := os.Create(args[1])
	if err != nil {
		return 1
	}
	ifi, err := net.InterfaceByName(args[0])
	if err != nil {
		return 1
	}
	all := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, int(all))
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: ifi.Index})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("ready")
	b := make([]byte, 65536)
	for {
		n, from, err := unix.Recvfrom(fd, b, 0)
		if err != nil {
			return 1
		}
		if l, ok := from.(*unix.SockaddrLinklayer); ok && l.Pkttype == unix.PACKET_OUTGOING {
			continue
		}
		fmt.Fprintln(out, describe(b[:n]))
	}
}

// describe names a frame: the talk that it is, or what else. What keeps an uplink one is "upkeep".
func describe(frame []byte) string {
	if len(frame) < 14 {
		return "runt"
	}
	p := frame[14:]
	switch binary.BigEndian.Uint16(frame[12:]) {
	case unix.ETH_P_ARP:
		return "upkeep"
	case unix.ETH_P_IP:
		if len(p) < 20 {
			return "runt"
		}
		dst, _ := netip.AddrFromSlice(p[16:20])
		return payload(p[9], dst, p[int(p[0]&15)*4:])
	case unix.ETH_P_IPV6:
		if len(p) < 40 {
			return "runt"
		}
		dst, _ := netip.AddrFromSlice(p[24:40])
		next, body := p[6], p[40:]
		if next == 0 && len(body) >= 8 { // hop-by-hop options, before MLD
			next, body = body[0], body[(int(body[1])+1)*8:]
		}
		return payload(next, dst, body)
	}
	return fmt.Sprintf("ethertype %x", frame[12:14])
}

func payload(proto byte, dst netip.Addr, p []byte) string {
	switch {
	case proto == unix.IPPROTO_ICMPV6 && len(p) > 0 && (p[0] >= 130 && p[0] <= 137 || p[0] == 143), proto == unix.IPPROTO_IGMP:
		return "upkeep"
	case len(p) < 4:
		return fmt.Sprintf("protocol %d to %s", proto, dst)
	}
	to := netip.AddrPortFrom(dst, binary.BigEndian.Uint16(p[2:]))
	if slices.Contains([]string{"198.51.100.1:443", "198.51.100.1:80", "[2001:db8:100::1]:443", "[2001:db8:100::1]:80"}, to.String()) {
		return "gateway"
	}
	if to.Port() == 53 && proto == unix.IPPROTO_UDP && len(p) > 8 {
		return asked(p[8:])
	}
	for _, t := range talks {
		if t.To == to.String() && proto == unix.IPPROTO_UDP {
			return t.Name
		}
	}
	return fmt.Sprintf("protocol %d to %s", proto, to)
}

// asked names a question.
func asked(b []byte) string {
	m := new(dns.Msg)
	if m.Unpack(b) != nil || len(m.Question) != 1 {
		return "no question"
	}
	name := m.Question[0].Name
	for i, t := range talks {
		if name == question(i) {
			return t.Name
		}
	}
	if name == "vpn4.lab.example." {
		return "name of the gateway"
	}
	return "question for " + name
}

// uplinkWatch is a capture that goes on.
type uplinkWatch struct {
	w    *world
	file string
	read int
}

// watch starts a capture of what comes out of the client at n's interface.
func (w *world) watch(n *testenv.NS, iface string) *uplinkWatch {
	w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	u := &uplinkWatch{w: w, file: filepath.Join(w.dir, "capture-"+iface+fmt.Sprint(time.Now().UnixNano()))}
	w.startReady(n.Command(self, "role", "watch", iface, u.file), "ready")
	return u
}

// since lists the kinds of traffic that were seen since it was last called, in order and once.
func (u *uplinkWatch) since() []string {
	u.w.t.Helper()
	b, err := os.ReadFile(u.file)
	if err != nil {
		u.w.t.Fatal(err)
	}
	end := bytes.LastIndexByte(b, '\n') + 1
	seen := strings.Split(strings.TrimSpace(string(b[u.read:end])), "\n")
	u.read = end
	seen = slices.DeleteFunc(seen, func(s string) bool { return s == "" })
	slices.Sort(seen)
	return slices.Compact(seen)
}

// expect waits until everything that must be seen was, a moment longer, and fails the test over anything that may not be.
func (u *uplinkWatch) expect(t *testing.T, phase string, may []string) {
	t.Helper()
	u.since() // what was sent while the phase began is the transition's
	var seen []string
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		seen = append(seen, u.since()...)
		if missing(may, seen) == "" || time.Now().After(end) {
			break
		}
	}
	time.Sleep(700 * time.Millisecond)
	u.judge(t, phase, may, append(seen, u.since()...))
}

// judge compares what was seen with what may be.
func (u *uplinkWatch) judge(t *testing.T, phase string, may, seen []string) {
	t.Helper()
	if m := missing(may, seen); m != "" {
		t.Errorf("%s: never seen on the uplink: %s", phase, m)
	}
	if x := missing(seen, append(may, "upkeep", "gateway", "name of the gateway")); x != "" {
		t.Errorf("%s: seen on the uplink: %s", phase, x)
	}
}

// missing lists what of want is not in have.
func missing(want, have []string) string {
	var out []string
	for _, w := range want {
		if !slices.Contains(have, w) && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return strings.Join(out, "; ")
}
