package platform

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// Names of ours on a host (contract: the agent).
const (
	Interface    = "holdfast0"
	RouteTable   = 18502
	Mark         = 0x4846
	RouteProto   = 72
	RulePrioMark = 18501
	RulePrioAll  = 18502
)

// Device is a TUN device. Read and Write are shaped as those of golang.zx2c4.com/wireguard/tun: Write wants an offset of at least 10.
type Device interface {
	Read(bufs [][]byte, sizes []int, offset int) (int, error)
	Write(bufs [][]byte, offset int) (int, error)
	BatchSize() int
	Name() string
	Index() int
	Close() error
}

// Lasting is what a Device is, too, where it can outlive the process that made it. Leave has Close end this process's part alone; the next process's Open takes the
// device over, unless Host.Undo has removed it.
type Lasting interface{ Leave() }

// Keeper holds the device's descriptor beyond this process, where a service manager does that.
type Keeper interface {
	Take() int   // the descriptor that a former process left, once, for the caller to close; -1 where there is none
	Keep(fd int) // has a copy kept
	Drop()       // has what is kept forgotten
}

// Tun makes the device. There is one at a time; Open while one is open is an error.
type Tun interface {
	Open(ctx context.Context, mtu int) (Device, error)
}

// RouteConfig is what the router should hold: the device's addresses and MTU, and which traffic it gets. The zero value means nothing of ours.
type RouteConfig struct {
	Name      string
	Index     int
	MTU       int
	Addresses []netip.Prefix
	Include   []netip.Prefix // to the device; 0.0.0.0/0 and ::/0 for tunnel-all
	Exclude   []netip.Prefix // thrown back to the main table
	Unreach   []netip.Prefix // refused: the family without an inside address in tunnel-all
	LocalLAN  bool           // directly connected networks of the uplinks stay direct
}

// Empty reports whether nothing of ours is wanted.
func (c RouteConfig) Empty() bool { return c.Index == 0 }

// DNSConfig is what name resolution should look like while the session lives.
type DNSConfig struct {
	Name    string // interface
	Index   int
	Servers []netip.Addr
	Search  []string
	Split   []string
	All     bool
}

// Empty reports whether nothing of ours is wanted.
func (c DNSConfig) Empty() bool { return len(c.Servers) == 0 && len(c.Search) == 0 }

// FilterConfig is what the packet filter should hold: traffic that may leave by the device and by no other interface. The zero value means nothing of ours.
type FilterConfig struct {
	Device   string
	Caught   []netip.Prefix
	Direct   []netip.Prefix // less these
	LocalLAN bool           // and less the directly connected networks of the uplinks
	Names    bool           // and less questions for names, by whoever asks them
}

// Empty reports whether nothing of ours is wanted.
func (c FilterConfig) Empty() bool { return len(c.Caught) == 0 }

// Router sets addresses, routes and rules.
type Router interface {
	Set(ctx context.Context, c RouteConfig) error
}

// Mender is what a Router is, too, where it can say what others did to what is ours. Mend is Set, and tells what had to be changed, in words of the system's administrator; nothing where all was as it should be.
type Mender interface {
	Mend(ctx context.Context, c RouteConfig) ([]string, error)
}

// Resolver sets name resolution.
type Resolver interface {
	Set(ctx context.Context, c DNSConfig) error
	Backend() string
}

// Firewall sets the packet filter.
type Firewall interface {
	Set(ctx context.Context, c FilterConfig) error
}

// Uplink is one usable way out of the machine.
type Uplink struct {
	Index   int
	Name    string
	Local   []netip.Addr // global addresses
	NextHop []netip.Addr // default gateways, one per family at most
	// Routes is what the system would send over it, the widest first and MaxRoutes of them at most; nil where the system does not say. An uplink that exists only
	// for what is behind it, a bridge of containers, leads to no gateway elsewhere.
	Routes []Route
}

// MaxRoutes bounds Uplink.Routes.
const MaxRoutes = 256

// Route is one destination and who takes packets for it: Via is not valid when they go to the link itself.
type Route struct {
	To  netip.Prefix
	Via netip.Addr
}

// NetSnapshot is what the network looks like now, less everything of ours. Uplinks are in the order of the system's own preference.
type NetSnapshot struct {
	Uplinks []Uplink
	// Removals is another number than before when something of ours may have been removed meanwhile, by us or by others: a rule, a route, an address. It says no more
	// than that, and stays 0 where the system does not tell.
	Removals uint64
}

// Monitor watches the network. Changes carries one snapshot per 50 ms at most, the first at once; it is closed by Close.
type Monitor interface {
	Snapshot() NetSnapshot
	Changes() <-chan NetSnapshot
	Close() error
}

// Dialer opens outer connections: marked, bound to an uplink when one is given (ifIndex > 0), never through the tunnel.
type Dialer interface {
	// Lookup resolves with /etc/hosts, then the uplink's own DNS servers.
	Lookup(ctx context.Context, host string) ([]netip.Addr, error)
	DialTCP(ctx context.Context, to netip.AddrPort, ifIndex int, ifName string, local netip.Addr) (net.Conn, error)
	// DialUDP returns a socket that is connected to one address. It sends nothing.
	DialUDP(ctx context.Context, to netip.AddrPort, ifIndex int, ifName string, local netip.Addr) (net.Conn, error)
}

// LinkResolver is what a Dialer is, too, when it can ask name servers through one uplink.
type LinkResolver interface {
	// LookupOn is Lookup with the questions sent by the uplink of that name.
	LookupOn(ctx context.Context, host, ifName string) ([]netip.Addr, error)
}

// PowerEvent is one of the machine's sleep. With Sleep it is about to, and waits for Ready a few seconds at most; Ready may be called from any goroutine, and again.
// Without, it woke, or did not sleep after all.
type PowerEvent struct {
	Sleep bool
	Ready func() // nil without Sleep
}

// Power tells of sleep, where the system does. Events carries the newest event for a reader who is slow; it is closed by Close.
type Power interface {
	Events() <-chan PowerEvent
	Close() error
}

// Clock gives the two clocks of the machine: Mono stands still in sleep, Boot does not. Both count from an arbitrary start.
type Clock interface {
	Now() (mono, boot time.Duration)
}

// Host is everything the agent drives on a machine. Undo reverts every change of ours that is still in place and is idempotent.
type Host struct {
	Tun      Tun
	Router   Router
	Resolver Resolver
	Firewall Firewall
	Monitor  Monitor
	Power    Power
	Dialer   Dialer
	Clock    Clock
	Undo     func(ctx context.Context) error
	Close    func() error
}
