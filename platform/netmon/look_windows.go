package netmon

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/holdfast-vpn/holdfast/platform"
)

// What is missing in x/sys/windows, of ipifcons.h and ifdef.h.
const (
	ifTypeLoopback = 24
	operUp         = 1
)

// adapter are the metrics of one.
type adapter struct{ four, six int }

// look asks for adapters, addresses and routes.
func look() (platform.NetSnapshot, error) {
	links, metrics, err := adapters()
	if err != nil {
		return platform.NetSnapshot{}, fmt.Errorf("netmon: %w", err)
	}
	addrs, e1 := unicast()
	routes, e2 := forward(func(index int, four bool) int {
		if m := metrics[index]; four {
			return m.four
		} else {
			return m.six
		}
	})
	if err := errors.Join(e1, e2); err != nil {
		return platform.NetSnapshot{}, fmt.Errorf("netmon: %w", err)
	}
	return pick(links, addrs, routes), nil
}

// adapters lists those that are up, by the index that IPv4 has for them, which is IPv6's too where both are there.
func adapters() (links []linkRow, metrics map[int]adapter, err error) {
	const flags = windows.GAA_FLAG_SKIP_UNICAST | windows.GAA_FLAG_SKIP_ANYCAST | windows.GAA_FLAG_SKIP_MULTICAST | windows.GAA_FLAG_SKIP_DNS_SERVER
	size := uint32(15 << 10) // what the documentation of GetAdaptersAddresses advises
	var b []byte
	for range dumps {
		b = make([]byte, size)
		err = windows.GetAdaptersAddresses(windows.AF_UNSPEC, flags, 0, (*windows.IpAdapterAddresses)(unsafe.Pointer(unsafe.SliceData(b))), &size)
		if !errors.Is(err, windows.ERROR_BUFFER_OVERFLOW) {
			break
		}
	}
	if err != nil {
		return nil, nil, err
	}
	metrics = map[int]adapter{}
	for a := (*windows.IpAdapterAddresses)(unsafe.Pointer(unsafe.SliceData(b))); a != nil; a = a.Next {
		index := int(a.IfIndex)
		if index == 0 {
			index = int(a.Ipv6IfIndex)
		}
		name := windows.UTF16PtrToString(a.FriendlyName)
		if a.OperStatus != operUp || a.IfType == ifTypeLoopback || name == device {
			continue
		}
		links = append(links, linkRow{index, name})
		metrics[index] = adapter{int(min(a.Ipv4Metric, 1<<30)), int(min(a.Ipv6Metric, 1<<30))}
	}
	return links, metrics, nil
}

// unicast lists the addresses of both families.
func unicast() ([]addressRow, error) {
	var t *windows.MibUnicastIpAddressTable
	if err := windows.GetUnicastIpAddressTable(windows.AF_UNSPEC, &t); err != nil {
		return nil, err
	}
	defer windows.FreeMibTable(unsafe.Pointer(t))
	return readUnicast(table(unsafe.Pointer(t), t.NumEntries, unicastRow)), nil
}

// forward lists the routes of both families.
func forward(metric func(index int, four bool) int) ([]routeRow, error) {
	var t *windows.MibIpForwardTable2
	if err := windows.GetIpForwardTable2(windows.AF_UNSPEC, &t); err != nil {
		return nil, err
	}
	defer windows.FreeMibTable(unsafe.Pointer(t))
	return readForward(table(unsafe.Pointer(t), t.NumEntries, forwardRow), metric), nil
}

// table is the memory of a table of so many rows.
func table(p unsafe.Pointer, rows uint32, size int) []byte {
	return unsafe.Slice((*byte)(p), mibTable+int(rows)*size)
}

// The decoders know the layout by heart; the compiler knows it too.
var (
	_ [forwardRow]byte = [unsafe.Sizeof(windows.MibIpForwardRow2{})]byte{}
	_ [unicastRow]byte = [unsafe.Sizeof(windows.MibUnicastIpAddressRow{})]byte{}
	_ [forwardIf]byte  = [unsafe.Offsetof(windows.MibIpForwardRow2{}.InterfaceIndex)]byte{}
	_ [forwardTo]byte  = [unsafe.Offsetof(windows.MibIpForwardRow2{}.DestinationPrefix)]byte{}
	_ [forwardHop]byte = [unsafe.Offsetof(windows.MibIpForwardRow2{}.NextHop)]byte{}
	_ [forwardM]byte   = [unsafe.Offsetof(windows.MibIpForwardRow2{}.Metric)]byte{}
	_ [forwardLo]byte  = [unsafe.Offsetof(windows.MibIpForwardRow2{}.Loopback)]byte{}
	_ [unicastIf]byte  = [unsafe.Offsetof(windows.MibUnicastIpAddressRow{}.InterfaceIndex)]byte{}
	_ [unicastDAD]byte = [unsafe.Offsetof(windows.MibUnicastIpAddressRow{}.DadState)]byte{}
	_ [mibTable]byte   = [unsafe.Offsetof(windows.MibIpForwardTable2{}.Table)]byte{}
	_ [mibTable]byte   = [unsafe.Offsetof(windows.MibUnicastIpAddressTable{}.Table)]byte{}
)
