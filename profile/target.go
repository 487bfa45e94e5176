package profile

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Target is one gateway to dial: nothing but TLS goes there.
type Target struct {
	Host string // lower-case DNS name or address literal without brackets
	Port uint16 // 443 unless given
	Path string // group path with its leading slash, percent-encoded as on the wire; "/" when none
}

const defaultPort = 443

// HostPort is the address as net.Dial wants it.
func (t Target) HostPort() string { return net.JoinHostPort(t.Host, strconv.Itoa(int(t.Port))) }

// String is the shortest form that ParseTarget reads back to the same Target.
func (t Target) String() string {
	s := t.Host
	if strings.Contains(s, ":") {
		s = "[" + s + "]"
	}
	if t.Port != defaultPort {
		s += ":" + strconv.Itoa(int(t.Port))
	}
	if t.Path != "/" {
		s += t.Path
	}
	return s
}

// ParseTarget reads host[:port][/group] or https://host[:port][/group]. An IPv6 address stands in brackets. Other schemes, user names, queries, fragments, control
// characters and ports outside 1 to 65535 are refused. The error is a *fault.Error USE-002; its detail never repeats what might be a password.
func ParseTarget(s string) (Target, error) {
	rest := strings.TrimSpace(s)
	if len(rest) > 2048 {
		return Target{}, bad("it is too long")
	}
	for _, r := range rest {
		if r < 0x20 || r == 0x7f {
			return Target{}, bad("it has a control character")
		}
	}
	if scheme, after, ok := strings.Cut(rest, "://"); ok {
		if !strings.EqualFold(scheme, "https") {
			return Target{}, bad("only https is spoken")
		}
		rest = after
	}
	if strings.ContainsAny(rest, "?#") {
		return Target{}, bad("a query or fragment has no place in it")
	}
	authority, path := rest, "/"
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	if strings.Contains(authority, "@") {
		return Target{}, bad("no user name or password goes into it; use --user")
	}
	t, err := parseAuthority(authority)
	if err != nil {
		return Target{}, err
	}
	t.Path, err = cleanPath(path)
	return t, err
}

func parseAuthority(s string) (Target, error) {
	host, port := s, ""
	literal6 := strings.HasPrefix(s, "[")
	if literal6 {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return Target{}, bad("a bracket is not closed")
		}
		host, port = s[1:end], s[end+1:]
		if port != "" && port[0] != ':' {
			return Target{}, bad("only :port may follow the bracket")
		}
	} else if i := strings.IndexByte(s, ':'); i >= 0 {
		if strings.Count(s, ":") > 1 {
			return Target{}, bad("write an IPv6 address in brackets: [2001:db8::1]")
		}
		host, port = s[:i], s[i:]
	}
	t := Target{Port: defaultPort}
	if port != "" {
		n, err := strconv.ParseUint(port[1:], 10, 16)
		if err != nil || n == 0 {
			return Target{}, bad("the port must be between 1 and 65535")
		}
		t.Port = uint16(n)
	}
	var err error
	t.Host, err = cleanHost(host, literal6)
	return t, err
}

// cleanHost checks a DNS name (RFC 1123 §2.1, with the underscore that private zones use) or an address literal.
func cleanHost(host string, literal6 bool) (string, error) {
	ip, err := netip.ParseAddr(host)
	switch {
	case literal6 && (err != nil || !ip.Is6() || ip.Zone() != ""):
		return "", bad("the brackets must hold an IPv6 address without a zone")
	case err == nil && (ip.IsUnspecified() || ip.IsMulticast()):
		return "", bad("nobody can be reached at this address")
	case err == nil:
		return ip.Unmap().String(), nil
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "" {
		return "", bad("the host name is missing")
	}
	if len(host) > 253 {
		return "", bad("the host name is too long")
	}
	labels := strings.Split(host, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return "", bad("the host name has an empty, overlong or badly hyphenated part")
		}
		for _, r := range l {
			if r >= 0x80 {
				return "", bad("write an international name in its ASCII form (xn--...)")
			}
			if !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
				return "", bad("the host name has a character that names do not have")
			}
		}
	}
	if numeric(labels[len(labels)-1]) { // resolvers read such names as odd spellings of an IPv4 address
		return "", bad("it looks like an IPv4 address and is none")
	}
	return host, nil
}

func numeric(label string) bool {
	if _, err := strconv.ParseUint(label, 10, 64); err == nil {
		return true
	}
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		_, err := strconv.ParseUint(hex, 16, 64)
		return err == nil || hex == ""
	}
	return false
}

// cleanPath returns the path as it goes on the wire (RFC 3986 §3.3): what is no path character is percent-encoded, an escape stays as it is.
func cleanPath(path string) (string, error) {
	if len(path) > 1024 {
		return "", bad("the group is too long")
	}
	path = strings.TrimRight(path, "/")
	if path == "" {
		return "/", nil
	}
	for _, seg := range strings.Split(path[1:], "/") {
		if seg == "" || seg == "." || seg == ".." {
			return "", bad("the group has an empty or dotted part")
		}
	}
	const digits = "0123456789ABCDEF"
	out := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch {
		case c == '%' && i+2 < len(path) && isHex(path[i+1]) && isHex(path[i+2]):
			if v, _ := strconv.ParseUint(path[i+1:i+3], 16, 8); v < 0x20 || v == 0x7f {
				return "", bad("the group has a control character")
			}
			out = append(out, c)
		case c < 0x20 || c == 0x7f || c == '?' || c == '#' || c == '\\':
			return "", bad("the group has a character that it may not have")
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~!$&'()*+,;=:@/", c) >= 0:
			out = append(out, c)
		default:
			out = append(out, '%', digits[c>>4], digits[c&15])
		}
	}
	return string(out), nil
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func bad(why string) error { return fault.Newf(fault.UseTarget, nil, "%s", why) }
