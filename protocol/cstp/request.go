package cstp

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/strap"
)

// Path is what CONNECT asks for: a path, not an authority.
const Path = "/CSCOSSLC/tunnel"

// copyright is the value of X-CSTP-Protocol, which some gateways insist on: a constant of the protocol, like a magic number.
const copyright = "Copyright (c) 2004 Cisco Systems, Inc."

// ErrRequest says that a request is not a CONNECT for a tunnel.
var ErrRequest = errors.New("cstp: not a CONNECT request for a tunnel")

// Request is the CONNECT request.
type Request struct {
	Host      string // as the Host header has it: with the port unless it is 443
	UserAgent string
	Token     redact.Secret // the webvpn cookie
	Hostname  string        // what the client calls itself
	BaseMTU   int           // outer path MTU the client sees, 0 when unknown
	MTU       int           // wished tunnel MTU, 0 for none
	IPv6      bool          // X-CSTP-Full-IPv6-Capability
	Prior     []netip.Addr  // inside addresses of an earlier tunnel, told on a reconnect
	DTLS      bool          // X-DTLS-CipherSuite: PSK-NEGOTIATE
	Resume    ResumeOffer   // the other way into DTLS
	Proof     strap.Proof   // that the session is ours, by the key that the login announced
}

// Append appends the request as it goes on the wire, blank line included. It holds the token: wipe the result after it was sent.
func (r *Request) Append(b []byte) []byte {
	line := func(name, value string) {
		b = append(append(append(append(b, name...), ": "...), oneLine(value)...), "\r\n"...)
	}
	b = append(b, "CONNECT "+Path+" HTTP/1.1\r\n"...)
	line("Host", r.Host)
	line("User-Agent", r.UserAgent)
	b = append(append(append(b, "Cookie: webvpn="...), r.Token.Reveal()...), "\r\n"...)
	line("X-CSTP-Version", "1")
	line("X-CSTP-Hostname", r.Hostname)
	line("X-CSTP-Protocol", copyright)
	if r.Proof != (strap.Proof{}) {
		line(strap.HeaderVerify, r.Proof.Verify)
		line(strap.HeaderPubkey, r.Proof.Pubkey)
	}
	if r.BaseMTU > 0 {
		line("X-CSTP-Base-MTU", strconv.Itoa(r.BaseMTU))
	}
	if r.MTU > 0 {
		line("X-CSTP-MTU", strconv.Itoa(r.MTU))
	}
	if r.IPv6 {
		line("X-CSTP-Address-Type", "IPv6,IPv4")
		line("X-CSTP-Full-IPv6-Capability", "true")
	} else {
		line("X-CSTP-Address-Type", "IPv4")
	}
	for _, a := range r.Prior {
		line("X-CSTP-Address", a.String())
	}
	b = r.Resume.append(b, r.DTLS)
	return append(b, "\r\n"...)
}

// ParseRequest is the gateway's side: it reads what net/http parsed. Error: ErrRequest. A token that is missing is empty, a number out of range is 0.
func ParseRequest(q *http.Request) (*Request, error) {
	if q.Method != http.MethodConnect || q.URL == nil || q.URL.Path != Path {
		return nil, ErrRequest
	}
	r := &Request{Host: q.Host, UserAgent: q.UserAgent(), Hostname: fault.Clean(q.Header.Get("X-CSTP-Hostname"))}
	if c, err := q.Cookie("webvpn"); err == nil {
		r.Token = redact.NewString(c.Value)
	}
	r.BaseMTU = number(q.Header.Get("X-CSTP-Base-MTU"), 65535)
	r.MTU = number(q.Header.Get("X-CSTP-MTU"), 65535)
	r.IPv6 = strings.Contains(q.Header.Get("X-CSTP-Address-Type"), "IPv6") || strings.EqualFold(q.Header.Get("X-CSTP-Full-IPv6-Capability"), "true")
	r.DTLS = slices.Contains(strings.Split(q.Header.Get("X-DTLS-CipherSuite"), ":"), pskNegotiate)
	r.Resume = parseResumeOffer(q.Header)
	r.Proof = strap.Proof{Pubkey: q.Header.Get(strap.HeaderPubkey), Verify: q.Header.Get(strap.HeaderVerify)}
	for _, v := range q.Header.Values("X-CSTP-Address") {
		if a, err := netip.ParseAddr(strings.TrimSpace(v)); err == nil && a.Zone() == "" && len(r.Prior) < 2 {
			r.Prior = append(r.Prior, a)
		}
	}
	return r, nil
}

// number reads a decimal number of at most limit; anything else is 0.
func number(s string, limit int) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 0 || n > limit {
		return 0
	}
	return n
}

// oneLine takes line ends, and every other control character, out of a header's value: nothing a user or a host name holds may start a new header.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return -1
		}
		return r
	}, s)
}
