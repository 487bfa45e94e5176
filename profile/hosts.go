package profile

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// hosts reads ServerList. Hosts without a usable address are passed over: templates have them.
func (p *Profile) hosts(list *node, warn *warnings) error {
	if list == nil {
		return nil
	}
	count := 0
	for _, n := range list.kids {
		if n.name != "HostEntry" {
			warn.addUnknown(n, "ServerList/"+n.name)
			p.detail(n, "", "ServerList/"+n.name, warn)
			continue
		}
		if count++; count > maxHosts {
			return fmt.Errorf("line %d: %w", n.line, ErrTooMany)
		}
		path := "ServerList/HostEntry"
		if count > 1 {
			path = fmt.Sprintf("%s[%d]", path, count)
		}
		if h, ok := p.host(n, path, warn); ok {
			p.Hosts = append(p.Hosts, h)
		}
	}
	return nil
}

func (p *Profile) host(n *node, path string, warn *warnings) (Host, bool) {
	h := Host{Protocol: SSL, Backups: p.backups}
	var address string
	var own []Target
	for _, k := range n.kids {
		at := path + "/" + k.name
		switch k.name {
		case "HostName":
			h.Name = fault.Clean(k.text)
		case "HostAddress":
			if address != "" {
				warn.add(k.line, at, "stands there twice; the last one counts")
			}
			address = fault.Clean(k.text)
		case "UserGroup":
			h.Group = strings.Trim(fault.Clean(k.text), "/")
		case "PrimaryProtocol":
			h.Protocol = protocolOf(k, at, warn)
			p.inside(k, primary, at, warn)
		case backups:
			own = serverList(k, at, warn)
		case "CertificatePinList":
			h.Pins = pinList(k)
			p.detail(k, inHost+"/"+k.name, at, warn)
		default:
			p.inside(&node{kids: []*node{k}}, inHost, path, warn)
		}
	}
	if p.values[pinning].text != "true" {
		h.Pins = nil
	} else if h.Pins = append(h.Pins, p.pins...); h.Pins == nil {
		warn.add(n.line, path, "CertificatePinning is on and no pin is given for this host")
	}
	if h.Name == "" && address == "" {
		warn.add(n.line, path, "neither a name nor an address; skipped")
		return Host{}, false
	}
	if address == "" {
		address = h.Name
	}
	t, err := parseAddress(address)
	if err != nil {
		warn.add(n.line, path, "%q is no address one can connect to (%s); skipped", address, fault.As(err).Detail)
		return Host{}, false
	}
	if h.Name == "" {
		h.Name = address
	}
	if h.Group != "" {
		t.Path, err = cleanPath("/" + h.Group)
		if err != nil {
			warn.add(n.line, path+"/UserGroup", "not usable (%s); the gateway's default group is used", fault.As(err).Detail)
			t.Path, h.Group = "/", ""
		}
	} else {
		h.Group = groupOf(t)
	}
	h.Target = t
	if len(own) > 0 {
		h.Backups = own
	}
	h.Backups = slices.DeleteFunc(slices.Clone(h.Backups), func(b Target) bool { return b.Host == t.Host && b.Port == t.Port })
	for i := range h.Backups { // a backup serves the same group unless it names its own
		if h.Backups[i].Path == "/" {
			h.Backups[i].Path = t.Path
		}
	}
	return h, true
}

// inside takes the details of an element whose own text is read elsewhere.
func (p *Profile) inside(n *node, schema, shown string, warn *warnings) {
	for _, k := range n.kids {
		below, at := join(schema, k.name), join(shown, k.name)
		if _, known := byPath[below]; !known {
			warn.addUnknown(k, at)
			below = ""
		}
		p.detail(k, below, at, warn)
	}
}

// pinList reads the Pin children of a list. One that cannot be read becomes the hash that no key has: nobody shall be let in for a typing error.
func pinList(n *node) [][64]byte {
	if n == nil {
		return nil
	}
	var list [][64]byte
	for _, k := range n.kids {
		if k.name == "Pin" && len(list) < maxPins {
			h, _ := sha512Of(k.text)
			list = append(list, h)
		}
	}
	return list
}

// groupOf is the target's path as a person writes it.
func groupOf(t Target) string {
	group := strings.Trim(t.Path, "/")
	if plain, err := url.PathUnescape(group); err == nil {
		return fault.Clean(plain)
	}
	return group
}

func protocolOf(n *node, path string, warn *warnings) Protocol {
	switch strings.ToLower(n.text) {
	case "ssl", "":
		return SSL
	case "ipsec":
		return IPsec
	}
	warn.add(n.line, path, "%q is neither SSL nor IPsec; it stays SSL", fault.Clean(n.text))
	return SSL
}

// serverList reads the HostAddress children of a list of servers.
func serverList(n *node, path string, warn *warnings) []Target {
	if n == nil {
		return nil
	}
	var list []Target
	for _, k := range n.kids {
		text := fault.Clean(k.text)
		switch {
		case k.name != "HostAddress":
			warn.addUnknown(k, path+"/"+k.name)
		case text == "":
		case len(list) == maxBackups:
			warn.add(k.line, path, "more than %d servers; the rest is not used", maxBackups)
			return list
		default:
			t, err := parseAddress(text)
			if err != nil {
				warn.add(k.line, path, "%q is no address one can connect to (%s); skipped", text, fault.As(err).Detail)
				continue
			}
			list = append(list, t)
		}
	}
	return list
}

// parseAddress is ParseTarget, and takes an IPv6 address without brackets as well: that is how the schema writes one.
func parseAddress(s string) (Target, error) {
	if ip, err := netip.ParseAddr(s); err == nil && ip.Is6() {
		s = "[" + s + "]"
	}
	return ParseTarget(s)
}
