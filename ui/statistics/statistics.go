package statistics

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Section is a heading and its rows, or a table of routes.
type Section struct {
	Key    string // lower case, one word
	Name   string // in English
	Rows   []Row
	Routes []string // CIDR; the section is a table where Rows is nil
}

// Row is one line of a Section.
type Row struct {
	Key   string // unique among the rows of all sections
	Name  string // in English
	Value Value
}

// Of lays the numbers out; now is the time that is left counted to.
func Of(st ipc.Stats, now time.Time) []Section {
	s := st.State
	var c ipc.Counters
	if s.Counters != nil {
		c = *s.Counters
	}
	four, six := byFamily(s.Addresses)
	include4, include6 := byFamily(s.SplitInclude)
	exclude4, exclude6 := byFamily(s.SplitExclude)
	if all(s) {
		include4, include6 = allOf(four, "0.0.0.0/0"), allOf(six, "::/0")
	}
	return []Section{
		{Key: "connection", Name: "Connection Information", Rows: []Row{
			{"state", "Connection State", state(s.State)},
			{"mode4", "Tunnel Mode (IPv4)", mode(s, four, include4)},
			{"mode6", "Tunnel Mode (IPv6)", mode(s, six, include6)},
			{"dynamicExclusion", "Dynamic Tunnel Exclusion", word(None)},
			{"dynamicInclusion", "Dynamic Tunnel Inclusion", word(None)},
			{"duration", "Duration", text(clock(st.DurationS))},
			{"left", "Session Disconnect", remaining(s.Session, now)},
			{"management", "Management Connection State", word(NotAvailable)},
		}},
		{Key: "address", Name: "Address Information", Rows: []Row{
			{"client4", "Client Address (IPv4)", address(four)},
			{"client6", "Client Address (IPv6)", address(six)},
			{"server", "Server Address", host(s.Gateway)},
		}},
		{Key: "bytes", Name: "Bytes", Rows: []Row{{"bytesSent", "Bytes Sent", number(c.TxBytes)}, {"bytesReceived", "Bytes Received", number(c.RxBytes)}}},
		{Key: "frames", Name: "Frames", Rows: []Row{{"packetsSent", "Packets Sent", number(c.TxPackets)}, {"packetsReceived", "Packets Received", number(c.RxPackets)}}},
		{Key: "control", Name: "Control Frames", Rows: []Row{
			{"controlSent", "Control Packets Sent", number(st.Control.Tx)}, {"controlReceived", "Control Packets Received", number(st.Control.Rx)},
		}},
		{Key: "client", Name: "Client Management", Rows: []Row{
			{"domain", "Administrative Domain", word(Undefined)}, {"profile", "Profile Name", known(s.Profile)},
		}},
		{Key: "transport", Name: "Transport Information", Rows: []Row{
			{"protocol", "Protocol", known(strings.ToUpper(s.Transport))},
			{"cipher", "Cipher", known(s.Cipher)},
			{"compression", "Compression", word(None)},
			{"proxy", "Proxy Address", word(NoProxy)},
		}},
		{Key: "features", Name: "Feature Configuration", Rows: []Row{
			{"fips", "FIPS Mode", word(Disabled)}, {"tnd", "Trusted Network Detection", word(Disabled)}, {"alwaysOn", "Always On", word(Disabled)},
		}},
		{Key: "mobility", Name: "Secure Mobility Solution", Rows: []Row{
			{"networkStatus", "Network Status", word(NotAvailable)}, {"appliance", "Appliance", word(NotAvailable)}, {"sms", "SMS Status", word(NotAvailable)},
		}},
		{Key: "secured4", Name: "Secured Routes (IPv4)", Routes: include4},
		{Key: "secured6", Name: "Secured Routes (IPv6)", Routes: include6},
		{Key: "open4", Name: "Non-Secured Routes (IPv4)", Routes: exclude4},
		{Key: "open6", Name: "Non-Secured Routes (IPv6)", Routes: exclude6},
	}
}

// all reports whether everything goes by the tunnel that is not excluded.
func all(s ipc.State) bool { return s.TunnelAll != nil && *s.TunnelAll }

// byFamily parts CIDR lists; what is no prefix is left out.
func byFamily(list []string) (four, six []string) {
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		switch {
		case err != nil:
		case p.Addr().Is4():
			four = append(four, s)
		default:
			six = append(six, s)
		}
	}
	return four, six
}

func allOf(addresses []string, everything string) []string {
	if len(addresses) == 0 {
		return nil
	}
	return []string{everything}
}

// mode says where a family's packets go. A family without an inside address is dropped in tunnel-all, and not touched when the tunnel takes networks only.
func mode(s ipc.State, addresses, include []string) Value {
	switch {
	case all(s) && len(addresses) == 0:
		return word(DropAll)
	case all(s) && len(s.SplitExclude) > 0:
		return word(SplitExclude)
	case all(s):
		return word(TunnelAll)
	case len(include) > 0:
		return word(SplitTunnel)
	}
	return word(BypassAll)
}

func address(list []string) Value {
	if len(list) == 0 {
		return word(NotAvailable)
	}
	a, _, _ := strings.Cut(list[0], "/")
	return text(a)
}

func host(addrPort string) Value {
	if ap, err := netip.ParseAddrPort(addrPort); err == nil {
		return text(ap.Addr().String())
	}
	return known(addrPort)
}

// known is what others wrote, cleaned of what is no text for one line.
func known(s string) Value {
	if s = fault.Clean(s); s == "" {
		return word(NotAvailable)
	}
	return text(s)
}

func text(s string) Value { return Value{Text: s} }

func word(w Word) Value { return Value{Word: w} }

func number(n uint64) Value { return Value{Text: strconv.FormatUint(n, 10)} }
