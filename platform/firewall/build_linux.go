package firewall

import (
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/platform"
)

// builder adds rules to the chain, in order.
type builder struct {
	c     *nftables.Conn
	table *nftables.Table
	chain *nftables.Chain
	err   error
}

func (b *builder) rule(parts ...expr.Any) {
	b.c.AddRule(&nftables.Rule{Table: b.table, Chain: b.chain, Exprs: parts})
}

// essentials lets through what is inside, what is ours, and what an uplink needs to stay one.
func (b *builder) essentials(device string) {
	for _, name := range []string{device, "lo"} {
		b.rule(append(meta(expr.MetaKeyOIFNAME, interfaceName(name)), accept()...)...)
	}
	b.rule(append(meta(expr.MetaKeyMARK, binaryutil.NativeEndian.PutUint32(platform.Mark)), accept()...)...)
	for _, ports := range [][2]uint16{{68, 67}, {546, 547}} { // DHCP (RFC 2131 section 4.1), DHCPv6 (RFC 8415 section 7.2)
		parts := meta(expr.MetaKeyL4PROTO, []byte{unix.IPPROTO_UDP})
		parts = append(parts, transport(0, binaryutil.BigEndian.PutUint16(ports[0]))...)
		parts = append(parts, transport(2, binaryutil.BigEndian.PutUint16(ports[1]))...)
		b.rule(append(parts, accept()...)...)
	}
	b.rule(append(meta(expr.MetaKeyL4PROTO, []byte{unix.IPPROTO_IGMP}), accept()...)...)
	for _, types := range []expr.Any{ // MLD and neighbour discovery (RFC 2710, RFC 4861), MLDv2 (RFC 3810)
		&expr.Range{Op: expr.CmpOpEq, Register: 1, FromData: []byte{130}, ToData: []byte{137}},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{143}},
	} {
		parts := append(meta(expr.MetaKeyL4PROTO, []byte{unix.IPPROTO_ICMPV6}),
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 0, Len: 1}, types)
		b.rule(append(parts, accept()...)...)
	}
}

// names lets through questions for names (RFC 1035 section 4.2).
func (b *builder) names() {
	for _, proto := range []byte{unix.IPPROTO_UDP, unix.IPPROTO_TCP} {
		parts := append(meta(expr.MetaKeyL4PROTO, []byte{proto}), transport(2, binaryutil.BigEndian.PutUint16(53))...)
		b.rule(append(parts, accept()...)...)
	}
}

// to adds a rule for destinations in the spans, if there are any.
func (b *builder) to(spans []span, v6 bool, name string, verdict ...expr.Any) {
	if len(spans) == 0 {
		return
	}
	proto, kind, offset, length := byte(unix.NFPROTO_IPV4), nftables.TypeIPAddr, uint32(16), uint32(4) // of the destination (RFC 791 section 3.1)
	if v6 {
		proto, kind, offset, length, name = unix.NFPROTO_IPV6, nftables.TypeIP6Addr, 24, 16, name+"6" // RFC 8200 section 3
	} else {
		name += "4"
	}
	parts := meta(expr.MetaKeyNFPROTO, []byte{proto})
	if !spans[0].whole() {
		set := &nftables.Set{Name: name, Table: b.table, KeyType: kind, Interval: true}
		if err := b.c.AddSet(set, elements(spans)); err != nil && b.err == nil {
			b.err = err
		}
		parts = append(parts, &expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length},
			&expr.Lookup{SourceRegister: 1, SetName: set.Name, SetID: set.ID})
	}
	b.rule(append(parts, verdict...)...)
}

// elements are spans as an interval set has them: where one begins, and where the next address is outside again.
func elements(spans []span) []nftables.SetElement {
	var out []nftables.SetElement
	for _, s := range spans {
		out = append(out, nftables.SetElement{Key: key(s.first)})
		if next := s.last.Next(); next.IsValid() {
			out = append(out, nftables.SetElement{Key: key(next), IntervalEnd: true})
		}
	}
	return out
}

func key(a netip.Addr) []byte { return a.AsSlice() }

// meta compares a property of the packet.
func meta(k expr.MetaKey, data []byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: k, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: data}}
}

// transport compares two bytes of the transport header.
func transport(offset uint32, data []byte) []expr.Any {
	return []expr.Any{&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: offset, Len: 2}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: data}}
}

// interfaceName is a name as the kernel compares it: padded.
func interfaceName(name string) []byte {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return b
}

func accept() []expr.Any { return []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}} }

// reject tells the sender at once: silence would have it wait.
func reject() []expr.Any {
	return []expr.Any{&expr.Reject{Type: unix.NFT_REJECT_ICMPX_UNREACH, Code: unix.NFT_REJECT_ICMPX_ADMIN_PROHIBITED}}
}
