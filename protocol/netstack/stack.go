package netstack

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

// nic is the number of the only interface.
const nic = 1

// queue is how many packets wait for Read before more are dropped.
const queue = 1024

// Stack is a network stack with one interface. Its methods may be called from any goroutine, Read and Write from one each.
type Stack struct {
	ep   *channel.Endpoint
	ip   *stack.Stack
	ctx  context.Context
	stop context.CancelFunc

	mu     sync.Mutex // guards addrs and orders changes of addresses and routes
	addrs  []netip.Prefix
	closed sync.Once
	device sync.WaitGroup // Reads and Writes under way
	gate   sync.RWMutex   // no new Read or Write once ctx is done
}

// New returns a stack with an MTU of 576 to 65535 bytes, no address, and everything of both families routed to its interface.
func New(mtu int) (*Stack, error) {
	if mtu < 576 || mtu > 65535 {
		return nil, fmt.Errorf("netstack: an MTU of %d is out of range", mtu)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Stack{
		ctx: ctx, stop: stop,
		ep: channel.New(queue, uint32(mtu), ""),
		ip: stack.New(stack.Options{
			NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocol},
			TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol, icmp.NewProtocol4, icmp.NewProtocol6},
			HandleLocal:        true,
		}),
	}
	// RACK (RFC 8985) and cubic are left out: on a busy machine, after a run of lost segments, streams with them stopped for good.
	sack, reno, noRACK := tcpip.TCPSACKEnabled(true), tcpip.CongestionControlOption("reno"), tcpip.TCPRecovery(0)
	for _, err := range []tcpip.Error{
		s.ip.SetTransportProtocolOption(tcp.ProtocolNumber, &sack),
		s.ip.SetTransportProtocolOption(tcp.ProtocolNumber, &reno),
		s.ip.SetTransportProtocolOption(tcp.ProtocolNumber, &noRACK),
		s.ip.CreateNIC(nic, s.ep),
	} {
		if err != nil {
			_ = s.Close()
			return nil, fmt.Errorf("netstack: %s", err)
		}
	}
	s.SetRoutes([]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")})
	return s, nil
}

// SetAddresses makes these the addresses of the interface: what is missing is added, what is not among them is removed.
func (s *Stack) SetAddresses(addrs []netip.Prefix) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	kept := s.addrs[:0:0]
	for _, a := range s.addrs {
		if slices.Contains(addrs, a) {
			kept = append(kept, a)
		} else if err := s.ip.RemoveAddress(nic, tcpip.AddrFromSlice(a.Addr().AsSlice())); err != nil {
			errs = append(errs, fmt.Errorf("netstack: removing %s: %s", a, err))
		}
	}
	for _, a := range addrs {
		if slices.Contains(kept, a) {
			continue
		}
		err := s.ip.AddProtocolAddress(nic, tcpip.ProtocolAddress{Protocol: family(a.Addr()), AddressWithPrefix: tcpip.AddressWithPrefix{
			Address: tcpip.AddrFromSlice(a.Addr().AsSlice()), PrefixLen: a.Bits(),
		}}, stack.AddressProperties{})
		if err != nil {
			errs = append(errs, fmt.Errorf("netstack: adding %s: %s", a, err))
			continue
		}
		kept = append(kept, a)
	}
	s.addrs = kept
	return errors.Join(errs...)
}

// SetRoutes makes these the destinations that can be reached through the interface; anything else is unreachable.
func (s *Stack) SetRoutes(to []netip.Prefix) {
	s.mu.Lock()
	defer s.mu.Unlock()
	table := make([]tcpip.Route, 0, len(to))
	for _, p := range to {
		table = append(table, tcpip.Route{NIC: nic, Destination: tcpip.AddressWithPrefix{
			Address: tcpip.AddrFromSlice(p.Masked().Addr().AsSlice()), PrefixLen: p.Bits(),
		}.Subnet()})
	}
	s.ip.SetRouteTable(table)
}

// SetMTU changes the interface's MTU, 576 to 65535. Connections that exist keep the segment size they have agreed on.
func (s *Stack) SetMTU(mtu int) error {
	if mtu < 576 || mtu > 65535 {
		return fmt.Errorf("netstack: an MTU of %d is out of range", mtu)
	}
	s.ep.SetMTU(uint32(mtu))
	return nil
}

// Close fails every socket, ends Read with os.ErrClosed and waits for all goroutines of the stack. It returns nil.
func (s *Stack) Close() error {
	s.closed.Do(func() {
		s.gate.Lock()
		s.stop()
		s.gate.Unlock()
		s.device.Wait()
		s.ip.Close()
		s.ep.Close()
		s.ip.Wait()
	})
	return nil
}

// enter reports whether a Read or Write may begin; leave with s.device.Done.
func (s *Stack) enter() error {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.ctx.Err() != nil {
		return os.ErrClosed
	}
	s.device.Add(1)
	return nil
}

// family is gVisor's number of the address's family.
func family(a netip.Addr) tcpip.NetworkProtocolNumber {
	if a.Is4() {
		return header.IPv4ProtocolNumber
	}
	return header.IPv6ProtocolNumber
}
