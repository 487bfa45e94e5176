package login

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// maxURL bounds an address that a gateway sends us to.
const maxURL = 2048

// errAddress: an address that may not be followed. It quotes nothing.
var errAddress = errors.New("login: not an https address that can be used")

// origin is a gateway and a place on it: what a redirect or a form's action can change.
type origin struct {
	host string // DNS name or address literal, no brackets
	port uint16
	path string // with the query; begins with a slash
}

// same reports whether both are one server.
func (o origin) same(p origin) bool { return strings.EqualFold(o.host, p.host) && o.port == p.port }

// authority is host[:port] as the Host header and URLs spell it.
func (o origin) authority() string {
	host := o.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if o.port != defaultPort {
		host += ":" + strconv.Itoa(int(o.port))
	}
	return host
}

// resolve reads what a gateway sent, an https URL, an absolute path or a relative one, as seen from o.
func (o origin) resolve(ref string) (origin, error) {
	if len(ref) > maxURL {
		return origin{}, errAddress
	}
	u, err := url.Parse(ref)
	if err != nil { // quotes the address, which may hold a token
		return origin{}, errAddress
	}
	base, err := url.ParseRequestURI(o.path) // a path that begins with two slashes is still a path
	if err != nil {
		return origin{}, errAddress
	}
	base.Scheme, base.Host = "https", o.authority()
	u = base.ResolveReference(u)
	if u.Scheme != "https" || u.User != nil || u.Opaque != "" {
		return origin{}, errAddress
	}
	out := origin{host: strings.ToLower(u.Hostname()), port: defaultPort, path: u.RequestURI()}
	if p := u.Port(); p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return origin{}, errAddress
		}
		out.port = uint16(n)
	}
	if !validHost(out.host) || !printable(out.path) {
		return origin{}, errAddress
	}
	return out, nil
}

// validHost accepts a DNS name in ASCII (RFC 1123, and the underscore that some have) or an address literal without a zone: what a user may type as a target, and
// nothing else. Names that end in a number are odd spellings of IPv4 addresses to some resolvers.
func validHost(h string) bool {
	if a, err := netip.ParseAddr(h); err == nil {
		return a.Zone() == "" && !a.Unmap().IsUnspecified() && !a.Unmap().IsMulticast()
	}
	if h == "" || len(h) > 253 {
		return false
	}
	last := ""
	for label := range strings.SplitSeq(strings.TrimSuffix(h, "."), ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		last = label
		for i := range len(label) {
			c := label[i]
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return !numeric(last)
}

// numeric reports whether a label is a decimal number, or one in the way of C.
func numeric(label string) bool {
	digits, base := label, 10
	if rest, ok := strings.CutPrefix(label, "0x"); ok {
		digits, base = rest, 16
	}
	_, err := strconv.ParseUint(digits, base, 64)
	return err == nil || digits == ""
}

// printable reports whether s is ASCII without space or control characters: safe inside one line of a request.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
