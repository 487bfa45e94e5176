package browser

import (
	"encoding/base64"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
)

const (
	maxURL      = 2048 // bytes of a page's address
	maxResponse = 4096 // bytes of a response in base64: an answer to a prompt can be no longer

	path = "/api/sso/" // where the response comes to, by the protocol
)

// hostOf is the host of an https address, in lower case and with its port where that is not 443, as ipc.Browser spells it. Anything that is no plain https address is AGENT-003.
func hostOf(address string) (string, error) {
	bad := fault.Newf(fault.AgentProtocol, nil, "the sign-in page is no https address")
	if len(address) > maxURL || !strings.HasPrefix(address, "https://") || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == '\\' }) {
		return "", bad
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Hostname() == "" {
		return "", bad // err quotes the address
	}
	if u.Port() == "443" {
		u.Host = strings.TrimSuffix(u.Host, ":443")
	}
	return strings.ToLower(u.Host), nil
}

// onward is where the browser may be sent after the sign-in: the return address, if it is on one of the hosts; "" if it may not.
func onward(address string, hosts ...string) string {
	at, err := hostOf(address)
	if err != nil {
		return ""
	}
	for _, h := range hosts {
		if h != "" && at == strings.ToLower(h) {
			return address
		}
	}
	return ""
}

// loopback reports whether a Host header names this listener: localhost or a loopback address, with its port.
func loopback(host string, port uint16) bool {
	name, ok := strings.CutSuffix(host, ":"+strconv.Itoa(int(port)))
	if !ok {
		return false
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"))
	return err == nil && a.IsLoopback()
}

// response takes the response out of a request's path, still escaped. What is no sealed message of version 1 is none; whether it can be opened only the agent knows.
func response(escaped string) (redact.Secret, bool) {
	rest, ok := strings.CutPrefix(escaped, path)
	if !ok || len(rest) > 3*maxResponse {
		return redact.Secret{}, false
	}
	text, err := url.PathUnescape(rest)
	if err != nil || len(text) > maxResponse {
		return redact.Secret{}, false
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) < 6 || b[0] != 0 || b[1] != 1 {
		return redact.Secret{}, false
	}
	return redact.NewString(text), true
}
