package interop

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// noiseTime is how long TestNoise makes noise.
var noiseTime = flag.Duration("noise.time", 10*time.Second, "how long TestNoise makes noise")

// din is what a host full of containers does all day, none of which concerns the way to the gateway. Each call is one change of the kernel's tables.
func din() []func() error {
	cidr := func(s string) *net.IPNet {
		ip, n, err := net.ParseCIDR(s)
		if err != nil {
			panic(err)
		}
		n.IP = ip
		return n
	}
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "docker7"}}
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "veth7a"}, PeerName: "veth7b"}
	address := &netlink.Addr{IPNet: cidr("172.31.7.1/24")}
	more := &netlink.Addr{IPNet: cidr("2001:db8:7777::1/64"), Flags: unix.IFA_F_NODAD}
	rule := netlink.NewRule()
	rule.Priority, rule.Table, rule.Mark = 31007, 7007, 7
	on := func(f func(netlink.Link) error) func() error {
		return func() error {
			l, err := netlink.LinkByName("docker7")
			if err != nil {
				return err
			}
			return f(l)
		}
	}
	route := func(change func(*netlink.Route) error, dst string, table int) func() error {
		return on(func(l netlink.Link) error {
			return change(&netlink.Route{LinkIndex: l.Attrs().Index, Dst: cidr(dst), Table: table, Scope: unix.RT_SCOPE_LINK})
		})
	}
	steps := []func() error{
		func() error { return netlink.LinkAdd(bridge) },
		on(netlink.LinkSetUp),
		on(func(l netlink.Link) error { return netlink.AddrAdd(l, address) }),
		on(func(l netlink.Link) error { return netlink.AddrAdd(l, more) }),
		func() error { return netlink.LinkAdd(veth) },
		on(func(l netlink.Link) error { return netlink.LinkSetMaster(veth, l) }),
		func() error { return netlink.LinkSetUp(veth) },
		func() error {
			peer, err := netlink.LinkByName("veth7b")
			if err != nil {
				return err
			}
			return netlink.LinkSetUp(peer)
		},
		func() error { return netlink.RuleAdd(rule) },
	}
	for i := range 8 {
		steps = append(steps, route(netlink.RouteAdd, fmt.Sprintf("198.18.%d.0/24", i), unix.RT_TABLE_MAIN), route(netlink.RouteAdd, fmt.Sprintf("198.19.%d.0/24", i), 7007))
	}
	for i := range 8 {
		steps = append(steps, route(netlink.RouteDel, fmt.Sprintf("198.18.%d.0/24", i), unix.RT_TABLE_MAIN), route(netlink.RouteDel, fmt.Sprintf("198.19.%d.0/24", i), 7007))
	}
	return append(steps,
		func() error { return netlink.RuleDel(rule) },
		func() error { return netlink.LinkDel(veth) },
		on(func(l netlink.Link) error { return netlink.AddrDel(l, address) }),
		on(netlink.LinkSetDown),
		on(netlink.LinkDel),
	)
}

// noise is the child that makes a hundred changes a second.
func noise(args []string) int {
	d, err := time.ParseDuration(args[0])
	if err != nil {
		return 2
	}
	fmt.Println("ready")
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	steps, made := din(), 0
	for end := time.Now().Add(d); time.Now().Before(end) || made%len(steps) != 0; made++ {
		<-tick.C
		if err := steps[made%len(steps)](); err != nil && !errors.Is(err, unix.EEXIST) {
			fmt.Fprintf(os.Stderr, "step %d: %v\n", made%len(steps), err)
			return 1
		}
	}
	fmt.Println(made, "changes")
	return 0
}

// ticks is the processor time that a process has used, in hundredths of a second (proc(5), stat).
func (a *agentProcess) ticks() int {
	a.w.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", a.cmd.Process.Pid))
	if err != nil {
		a.w.t.Fatal(err)
	}
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+2:]))
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return user + system
}

// TestNoise: containers come and go beside a session, a hundred changes a second. None of it is asked of the gateway, and it costs little.
func TestNoise(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, pskOnly)
	a := w.startAgent()
	w.connect("vpn4.lab.example")
	was := w.travels("dtls", 5*time.Second)
	entries := strings.Count(w.cli("", "timeline").out, "\n")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := w.client.Command(self, "role", "noise", noiseTime.String())
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	used, began := a.ticks(), time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &said)
	}
	took := time.Since(began)
	share := float64(a.ticks()-used) / took.Seconds() // of a processor, in percent
	is := w.state()
	timeline := strings.Split(strings.TrimSpace(w.cli("", "timeline").out), "\n")
	t.Logf("%v in %v: %.2f %% of a processor, %d lines of the timeline", strings.Fields(said.String())[1:], took.Round(time.Millisecond), share, len(timeline)-entries)
	if is.State != "connected" || is.Reconnects.Session+is.Reconnects.Tunnel > 0 || !slices.Equal(is.Addresses, was.Addresses) {
		t.Errorf("%+v, %+v", is, is.Reconnects)
	}
	for _, line := range timeline[min(entries, len(timeline)):] {
		if strings.Contains(line, "probe") || strings.Contains(line, "start-reach") {
			t.Errorf("asked: %s", line)
		}
	}
	// A second's worth of ticks is coarse, and the machine is busy with other tests: the short run only finds what is out of all proportion.
	most := 4.0
	if *noiseTime >= time.Minute {
		most = 2
	}
	if made, _ := strconv.Atoi(strings.Fields(said.String())[1]); share > most || float64(made) < 50*took.Seconds() {
		t.Errorf("more than %v %% of a processor, or no noise", most)
	}
	w.reachesInside()
	w.waitState(time.Second, "as before", func(s ipc.State) bool { return s.State == "connected" })
	a.stop()
}
