package netmon

import (
	"encoding/binary"
	"net/netip"
)

// What follows reads the tables of Windows' IP Helper (netioapi.h) as they lie in memory, on 64 bits: the number of rows, padding to 8 bytes, the rows. It has no build tag, so that its tests run
// on any system.
const (
	mibTable = 8 // bytes before the first row

	forwardRow = 104 // MIB_IPFORWARD_ROW2
	forwardIf  = 8   // InterfaceIndex
	forwardTo  = 12  // DestinationPrefix.Prefix
	forwardLen = 40  // DestinationPrefix.PrefixLength
	forwardHop = 44  // NextHop
	forwardM   = 84  // Metric
	forwardLo  = 92  // Loopback

	unicastRow = 80 // MIB_UNICASTIPADDRESS_ROW
	unicastIf  = 40 // InterfaceIndex
	unicastDAD = 64 // DadState

	// NL_DAD_STATE
	dadDeprecated = 3
	dadPreferred  = 4

	winInet  = 2
	winInet6 = 23
)

// rows is how many rows of a size there are, as many as the table says and b holds.
func rows(b []byte, size int) int {
	if len(b) < mibTable {
		return 0
	}
	return int(min(uint64(binary.LittleEndian.Uint32(b)), uint64((len(b)-mibTable)/size)))
}

// readForward reads a MIB_IPFORWARD_TABLE2. The metrics of the interfaces, by family, come on top of those of the routes. What leads only to this machine or to many is left out.
func readForward(b []byte, metric func(index int, four bool) int) []routeRow {
	var out []routeRow
	for i := range rows(b, forwardRow) {
		row := b[mibTable+i*forwardRow:][:forwardRow]
		to, ok := readInet(row[forwardTo:])
		length := int(row[forwardLen])
		if !ok || length > to.BitLen() || row[forwardLo] != 0 || to.IsMulticast() || to.IsLoopback() {
			continue
		}
		r := routeRow{index: int(binary.LittleEndian.Uint32(row[forwardIf:])), to: netip.PrefixFrom(to, length).Masked()}
		if hop, ok := readInet(row[forwardHop:]); ok && !hop.IsUnspecified() {
			r.via = hop
		}
		if !r.via.IsValid() && length == to.BitLen() {
			continue // an address of this machine, or a broadcast
		}
		r.metric = int(min(binary.LittleEndian.Uint32(row[forwardM:]), 1<<30)) + metric(r.index, to.Is4())
		out = append(out, r)
	}
	return out
}

// readUnicast reads a MIB_UNICASTIPADDRESS_TABLE. Addresses that are not ready are left out.
func readUnicast(b []byte) []addressRow {
	var out []addressRow
	for i := range rows(b, unicastRow) {
		row := b[mibTable+i*unicastRow:][:unicastRow]
		a, ok := readInet(row)
		dad := binary.LittleEndian.Uint32(row[unicastDAD:])
		if !ok || dad != dadPreferred && dad != dadDeprecated {
			continue
		}
		out = append(out, addressRow{index: int(binary.LittleEndian.Uint32(row[unicastIf:])), addr: a, old: dad == dadDeprecated})
	}
	return out
}

// readInet reads a SOCKADDR_INET: 28 bytes with a family first.
func readInet(b []byte) (netip.Addr, bool) {
	if len(b) < 28 {
		return netip.Addr{}, false
	}
	switch binary.LittleEndian.Uint16(b) {
	case winInet:
		return netip.AddrFrom4([4]byte(b[4:8])), true
	case winInet6:
		return netip.AddrFrom16([16]byte(b[8:24])).Unmap(), true
	}
	return netip.Addr{}, false
}
