package cstp

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
)

// Bounds on what a gateway may set.
const (
	minMTU      = 576
	maxMTU      = 1500
	maxRoutes   = 4096
	maxServers  = 3 // DNS and NBNS servers per family: more are ignored, as every resolver would
	maxNames    = 512
	maxBanner   = 4096 // runes
	maxDuration = 10 * 365 * 24 * time.Hour
)

// Settings reads the headers of an accepted CONNECT. A value without which there is no sound tunnel (address, MTU, a route) is an error when it is
// missing or malformed; what only helps (a search domain, a server, a timer) is left out when it is malformed. Error: *fault.Error GW-003 that names the header.
func (r *Response) Settings() (*protocol.Settings, error) {
	p := settingsParser{s: &protocol.Settings{}}
	for _, f := range r.Fields {
		name, ok := cutPrefixFold(f.Name, "X-CSTP-")
		if !ok {
			continue
		}
		if err := p.field(strings.ToLower(name), f.Value); err != nil {
			return nil, fault.Newf(fault.GwSettings, err, "%s", f.Name)
		}
		if !secret(name) {
			p.s.Raw = append(p.s.Raw, protocol.Header{Name: f.Name, Value: cleanText(f.Value, 1024)})
		}
	}
	if err := p.finish(); err != nil {
		return nil, fault.Newf(fault.GwSettings, err, "%s", err.Error())
	}
	return p.s, nil
}

// secret reports headers that must not be shown: the one known to carry a token, and names that sound like one.
func secret(name string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"post-auth-xml", "token", "cookie", "secret", "password"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// settingsParser gathers what only makes sense together.
type settingsParser struct {
	s               *protocol.Settings
	addr            netip.Addr // X-CSTP-Address
	mask            string
	addr6           netip.Prefix
	include         bool // one was given, even if nothing of it was kept
	lease, max, end time.Duration
}

var errFormat = errors.New("malformed")

// field takes one header; name is lower case and without its prefix. Unknown names are fine.
func (p *settingsParser) field(name, v string) (err error) {
	s := p.s
	switch name {
	case "address":
		err = p.address(v)
	case "netmask":
		// Servers that know no Address-IP6 give the IPv6 address once more here, with its length.
		if strings.Contains(v, ":") {
			err = p.address6(v)
		} else {
			p.mask = v
		}
	case "address-ip6":
		err = p.address6(v)
	case "mtu":
		err = p.mtu(v)
	case "split-include", "split-include-ip6":
		p.include = true
		s.SplitInclude, err = route(s.SplitInclude, v)
	case "split-exclude", "split-exclude-ip6":
		if v == "0.0.0.0/255.255.255.255" || v == "0.0.0.0/32" || v == "::/128" {
			s.LocalLAN = true
		}
		s.SplitExclude, err = route(s.SplitExclude, v)
	case "content-encoding":
		err = errors.New("compression was not offered")
	case "dns", "dns-ip6":
		s.DNS = server(s.DNS, v)
	case "nbns":
		s.NBNS = server(s.NBNS, v)
	case "default-domain":
		s.Search = names(s.Search, v)
	case "split-dns":
		s.SplitDNS = names(s.SplitDNS, v)
	case "post-auth-xml":
		p.postAuth(v)
	case "banner":
		s.Banner = cleanText(v, maxBanner)
	case "server-name":
		s.Server = cleanText(v, 200)
	case "tunnel-all-dns":
		s.TunnelAllDNS = isTrue(v)
	case "client-bypass-protocol":
		s.BypassProtocol = isTrue(v)
	case "dyndns":
		s.DynDNS = isTrue(v)
	case "rekey-method":
		if v == "ssl" || v == "new-tunnel" {
			s.RekeyMethod = v
		}
	default:
		p.timer(name, v)
	}
	return err
}

// postAuth takes the document that an ASA sends once more with the tunnel: what is ours of it is the domains. It may hold the token, too: that of the login stays.
// One that cannot be read only loses us those domains.
func (p *settingsParser) postAuth(v string) {
	if doc, err := authxml.ParseResponse([]byte(v)); err == nil {
		addConfig(p.s, &doc.Config)
	}
}

// addConfig adds what came with the login to a tunnel's settings.
func addConfig(s *protocol.Settings, c *authxml.Config) {
	s.DynamicInclude = names(s.DynamicInclude, c.DynamicInclude)
	s.DynamicExclude = names(s.DynamicExclude, c.DynamicExclude)
}

// timer takes the headers that are seconds.
func (p *settingsParser) timer(name, v string) {
	s := p.s
	switch name {
	case "dpd":
		s.DPD = seconds(v)
	case "keepalive":
		s.Keepalive = seconds(v)
	case "idle-timeout":
		s.IdleTimeout = seconds(v)
	case "disconnected-timeout":
		s.DisconnectedTimeout = seconds(v)
	case "session-timeout":
		p.max = seconds(v)
	case "session-timeout-remaining":
		p.end = seconds(v)
	case "lease-duration":
		p.lease = seconds(v)
	case "session-timeout-alert-interval":
		s.TimeoutAlert = seconds(v)
	case "rekey-time":
		s.RekeyTime = seconds(v)
	}
}

// finish puts together what came apart, and says what is missing.
func (p *settingsParser) finish() error {
	s := p.s
	if p.addr.IsValid() {
		bits := 32
		if p.mask != "" {
			var ok bool
			if bits, ok = maskBits(p.mask); !ok {
				return errors.New("X-CSTP-Netmask")
			}
		}
		s.Addresses = append(s.Addresses, netip.PrefixFrom(p.addr, bits))
	}
	if p.addr6.IsValid() {
		s.Addresses = append(s.Addresses, p.addr6)
	}
	if len(s.Addresses) == 0 {
		return errors.New("no inside address")
	}
	if s.MTU == 0 {
		return errors.New("no X-CSTP-MTU")
	}
	s.TunnelAll = !p.include
	for _, d := range []time.Duration{p.lease, p.max, p.end} {
		if d > 0 && (s.SessionTimeout == 0 || d < s.SessionTimeout) {
			s.SessionTimeout = d
		}
	}
	if s.RekeyTime == 0 || s.RekeyMethod == "" {
		s.RekeyTime, s.RekeyMethod = 0, ""
	}
	return nil
}

// address takes X-CSTP-Address: the first IPv4 address counts; one with a colon is IPv6.
func (p *settingsParser) address(v string) error {
	if strings.Contains(v, ":") {
		return p.address6(v)
	}
	a, err := netip.ParseAddr(v)
	if err != nil || !usable(a) {
		return errFormat
	}
	if !p.addr.IsValid() {
		p.addr = a
	}
	return nil
}

// address6 takes "address/length"; without a length it is a single address. The first address counts; its length may come later.
func (p *settingsParser) address6(v string) error {
	if !strings.Contains(v, "/") {
		v += "/128"
	}
	a, err := netip.ParsePrefix(v)
	if err != nil || !a.Addr().Is6() || !usable(a.Addr()) {
		return errFormat
	}
	if !p.addr6.IsValid() || p.addr6.Addr() == a.Addr() && p.addr6.IsSingleIP() {
		p.addr6 = a
	}
	return nil
}

func (p *settingsParser) mtu(v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < minMTU {
		return fmt.Errorf("%w or below %d", errFormat, minMTU)
	}
	p.s.MTU = min(n, maxMTU)
	return nil
}

// route takes "net/mask" or "net/length", one or several of them separated by commas. Networks of this very machine, and what
// is no network (see LocalLAN), are left out.
func route(to []netip.Prefix, v string) ([]netip.Prefix, error) {
	for part := range strings.SplitSeq(v, ",") {
		r, ok := parseRoute(strings.TrimSpace(part))
		if !ok {
			return to, errFormat
		}
		if a := r.Addr(); a.IsLoopback() || a.IsUnspecified() && r.IsSingleIP() {
			continue
		}
		if len(to) == maxRoutes {
			return to, fmt.Errorf("more than %d routes", maxRoutes)
		}
		to = append(to, r)
	}
	return to, nil
}

// parseRoute reads "net/mask" (IPv4, dotted) or "net/length"; the result is masked.
func parseRoute(v string) (netip.Prefix, bool) {
	net, mask, ok := strings.Cut(v, "/")
	a, err := netip.ParseAddr(net)
	if err != nil || !ok || a.Zone() != "" || a.Is4In6() {
		return netip.Prefix{}, false
	}
	bits, ok := 0, false
	if a.Is4() && strings.Contains(mask, ".") {
		bits, ok = maskBits(mask)
	} else if n, err := strconv.ParseUint(mask, 10, 8); err == nil && int(n) <= a.BitLen() {
		bits, ok = int(n), true
	}
	if !ok {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, bits).Masked(), true
}

// maskBits is the length of a dotted mask, which must be contiguous.
func maskBits(mask string) (int, bool) {
	a, err := netip.ParseAddr(mask)
	if err != nil || !a.Is4() {
		return 0, false
	}
	m := a.As4()
	v := uint32(m[0])<<24 | uint32(m[1])<<16 | uint32(m[2])<<8 | uint32(m[3])
	bits := 0
	for ; v&(1<<31) != 0; v <<= 1 {
		bits++
	}
	return bits, v == 0
}

// usable reports whether a can be an inside address or a server's.
func usable(a netip.Addr) bool {
	return a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback() && !a.Is4In6() && a.Zone() == "" &&
		a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

func server(to []netip.Addr, v string) []netip.Addr {
	a, err := netip.ParseAddr(v)
	if err != nil || !usable(a) {
		return to
	}
	n := 0
	for _, have := range to {
		if have == a {
			return to
		}
		if have.Is4() == a.Is4() {
			n++
		}
	}
	if n == maxServers {
		return to
	}
	return append(to, a)
}

// names takes domain names separated by spaces or commas: lower case, without a dot at the ends, only what DNS host names may hold, each once.
func names(to []string, v string) []string {
	for _, n := range strings.FieldsFunc(v, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' }) {
		n = strings.ToLower(strings.Trim(n, "."))
		if len(to) < maxNames && validName(n) && !slices.Contains(to, n) {
			to = append(to, n)
		}
	}
	return to
}

// validName holds to RFC 1035 2.3.4 for lengths; of characters it takes letters, digits, '-' and, as in use, '_'.
func validName(n string) bool {
	if n == "" || len(n) > 253 {
		return false
	}
	for label := range strings.SplitSeq(n, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || !token(label) {
			return false
		}
	}
	return true
}

// seconds reads a time: "none", zero and nonsense are off, more than ten years are ten years.
func seconds(v string) time.Duration {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || n <= 0 {
		return 0
	}
	return time.Duration(min(n, int64(maxDuration/time.Second))) * time.Second
}

func isTrue(v string) bool { return strings.EqualFold(v, "true") }

// cleanText makes text for display: what controls a terminal, or cannot be seen, becomes a space; at most limit runes stay.
func cleanText(s string, limit int) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > limit {
			break
		}
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			r = ' '
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

func unexpectedEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
