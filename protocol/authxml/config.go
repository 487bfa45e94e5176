package authxml

import (
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Config is what a gateway hands over with a login: the config element of a complete document, which may also come in X-CSTP-Post-Auth-XML. Packages, scripts and
// customisation that stand there too are not read: we run nothing that a gateway sends.
type Config struct {
	Profile *ProfileFile // nil when the gateway has none for this login
	// Domains whose traffic goes into the tunnel, or beside it, whatever their addresses are: a list with commas, as it came.
	DynamicInclude, DynamicExclude string
}

// ProfileFile names the client profile that the gateway wants the client to have.
type ProfileFile struct {
	URI      string // as it came: a path on this gateway, not for display, and never the name of a file
	HashType string // lower case; sha1 in use
	Hash     string // hex, lower case
}

// maxURI bounds the address of a profile.
const maxURI = 2048

// parseConfig reads the config element.
func parseConfig(n *node) Config {
	var c Config
	if n == nil {
		return c
	}
	for _, v := range n.children {
		switch {
		case v.name == "vpn-profile-manifest" && c.Profile == nil:
			c.Profile = parseManifest(v.child("vpn"))
		case v.name == "opaque" && v.get("is-for") == "vpn-client":
			attrs := v.child("custom-attr")
			if attrs == nil {
				continue
			}
			c.DynamicInclude = attrs.child("dynamic-split-include-domains").trimmed()
			c.DynamicExclude = attrs.child("dynamic-split-exclude-domains").trimmed()
		}
	}
	return c
}

// parseManifest finds the profile of the user's tunnel among the files of a manifest; those for other services are not ours.
func parseManifest(n *node) *ProfileFile {
	if n == nil {
		return nil
	}
	for _, f := range n.children {
		service := f.get("service-type")
		if f.name != "file" || f.get("type") != "profile" || service != "" && service != "user" {
			continue
		}
		p := &ProfileFile{URI: f.child("uri").trimmed()}
		if h := f.child("hash"); h != nil {
			p.HashType, p.Hash = strings.ToLower(fault.Clean(h.get("type"))), strings.ToLower(fault.Clean(h.trimmed()))
		}
		if p.URI != "" && len(p.URI) <= maxURI {
			return p
		}
	}
	return nil
}

// append writes the config element, or nothing when there is nothing to hand over.
func (c *Config) append(w *writer) {
	if c.Profile == nil && c.DynamicInclude == "" && c.DynamicExclude == "" {
		return
	}
	w.open("config", "client", "vpn", "type", "private")
	if c.DynamicInclude != "" || c.DynamicExclude != "" {
		w.open("opaque", "is-for", "vpn-client")
		w.open("custom-attr")
		w.element("dynamic-split-include-domains", c.DynamicInclude)
		w.element("dynamic-split-exclude-domains", c.DynamicExclude)
		w.close("custom-attr")
		w.close("opaque")
	}
	if p := c.Profile; p != nil {
		w.open("vpn-profile-manifest")
		w.open("vpn", "rev", "1.0")
		w.open("file", "type", "profile", "service-type", "user")
		w.element("uri", p.URI)
		w.element("hash", strings.ToUpper(p.Hash), "type", p.HashType)
		w.close("file")
		w.close("vpn")
		w.close("vpn-profile-manifest")
	}
	w.close("config")
}
