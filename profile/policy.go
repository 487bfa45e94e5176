package profile

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

const (
	// PolicyFile is the name of a machine's local policy.
	PolicyFile  = "AnyConnectLocalPolicy.xml"
	policyRoot  = "AnyConnectLocalPolicy"
	updates     = "UpdatePolicy"
	maxServers  = 256 // of AuthorizedServerList
	noStores    = "certificates come from files that the user names and from the system's roots; no other store is searched"
	noDownloads = "of what a gateway offers only a profile would be taken"
	fromList    = "false: a profile is taken from the listed servers alone; elsewhere the login goes on without"
)

// Policy is what the administrator of this machine forbids, whatever a profile says. A nil Policy forbids nothing.
type Policy struct {
	File string // its name, or its path where it is not ours

	values  map[string]value
	servers []string // of AuthorizedServerList, lower case
}

// policyElements are those of a local policy.
var policyElements = []Element{
	{Path: "BypassDownloader", Default: "false", Status: Honoured, Note: "true: no profile is taken from a gateway, the login goes on without"},
	{Path: "BypassDefaultLocalization", Default: "false", Status: Ignored, Note: "no translation comes from a gateway"},
	{Path: "FipsMode", Default: "false", Status: Honoured, Note: "true: every connect is refused (POL-013), for our cryptography is not validated"},
	{Path: "RestrictPreferenceCaching", Type: Enum, Allowed: []string{"false", "Credentials", "Thumbprints", "CredentialsAndThumbprints", "All"}, Default: "false",
		Status: Honoured, Note: "Credentials: no user name is remembered; Thumbprints: no key of a gateway that a user accepted; All: neither, nor host and group"},
	{Path: "RestrictTunnelProtocols", Type: Enum, Allowed: []string{"false", "TLS", "IPSec"}, Default: "false", Status: Honoured,
		Note: "a connect by that protocol is refused (POL-010)"},
	{Path: "RestrictWebLaunch", Default: "false", Status: Ignored, Note: "a browser cannot start us"},
	{Path: "StrictCertificateTrust", Default: "false", Status: Honoured, Note: "--pin and --ca are refused (POL-011); nobody is ever asked to trust a gateway"},
	{Path: "RestrictServerCertStore", Default: "false", Status: Honoured, Note: "--ca is refused (POL-011)"},
	{Path: "OCSPRevocation", Default: "false", Note: "checking for revoked certificates"},
	{Path: "EnableCRLCheck", Default: "false", Note: "checking for revoked certificates"},
	{Path: "ExcludeFirefoxNSSCertStore", Default: "false", Status: Ignored, Note: noStores},
	{Path: "ExcludePemFileCertStore", Default: "false", Status: Ignored, Note: noStores},
	{Path: "ExcludeMacNativeCertStore", Default: "false", Status: Ignored, Note: noStores},
	{Path: "ExcludeWinNativeCertStore", Default: "false", Status: Ignored, Note: noStores},
	{Path: "RestrictScriptWebDeploy", Default: "false", Status: Ignored, Note: noDownloads},
	{Path: "RestrictHelpWebDeploy", Default: "false", Status: Ignored, Note: noDownloads},
	{Path: "RestrictResourceWebDeploy", Default: "false", Status: Ignored, Note: noDownloads},
	{Path: "RestrictLocalizationWebDeploy", Default: "false", Status: Ignored, Note: noDownloads},
	{Path: updates, Type: Group, Status: Honoured},
	{Path: updates + "/AllowSoftwareUpdatesFromAnyServer", Default: "true", Status: Ignored, Note: noDownloads},
	{Path: updates + "/AllowComplianceModuleUpdatesFromAnyServer", Default: "true", Status: Ignored, Note: noDownloads},
	{Path: updates + "/AllowVPNProfileUpdatesFromAnyServer", Default: "true", Status: Honoured, Note: fromList},
	{Path: updates + "/AllowManagementVPNProfileUpdatesFromAnyServer", Default: "true", Status: Ignored, Note: noDownloads},
	{Path: updates + "/AllowISEProfileUpdatesFromAnyServer", Default: "true", Status: Ignored, Note: noDownloads},
	{Path: updates + "/AllowServiceProfileUpdatesFromAnyServer", Default: "true", Status: Ignored, Note: noDownloads},
	{Path: updates + "/AllowScriptUpdatesFromAnyServer", Default: "true", Status: Ignored, Note: noDownloads},
	{Path: updates + "/AllowHelpUpdatesFromAnyServer", Default: "true", Status: Ignored, Note: noDownloads},
	{Path: updates + "/AllowResourceUpdatesFromAnyServer", Default: "true", Status: Ignored, Note: noDownloads},
	{Path: updates + "/AllowLocalizationUpdatesFromAnyServer", Default: "true", Status: Ignored, Note: noDownloads},
	{Path: updates + "/AuthorizedServerList", Type: Group, Status: Honoured, Note: fromList},
	{Path: updates + "/AuthorizedServerList/ServerName", Type: Text, Many: true, Status: Honoured, Note: fromList},
}

var policyByPath = index(policyElements)

// PolicyElements returns the table of a local policy. The caller may keep the slice.
func PolicyElements() []Element { return append([]Element(nil), policyElements...) }

// ParsePolicy reads a local policy. It is stricter than Parse: a value that cannot be read is an error, so that a typing error does not lift a restriction. Unknown
// elements are warnings. The error is a *fault.Error PROF-005.
func ParsePolicy(data []byte) (*Policy, []Warning, error) {
	var warn warnings
	p, err := parsePolicy(data, &warn)
	if err != nil {
		return nil, warn.all(), fault.Newf(fault.ProfPolicy, err, "%s", fault.As(invalid(err)).Detail)
	}
	return p, warn.all(), nil
}

func parsePolicy(data []byte, warn *warnings) (*Policy, error) {
	doc, err := readDocument(data, policyRoot, warn)
	if err != nil {
		return nil, err
	}
	p := &Policy{File: PolicyFile, values: map[string]value{}}
	return p, p.read(doc.root, "", warn)
}

// errPolicyValue is a value in a local policy that cannot be read.
var errPolicyValue = errors.New("not a value of this element")

func (p *Policy) read(parent *node, at string, warn *warnings) error {
	for _, n := range parent.kids {
		path := join(at, n.name)
		e, known := policyByPath[path]
		text := fault.Clean(n.text)
		switch {
		case !known:
			warn.addUnknown(n, path)
		case e.Type == Group:
			if err := p.read(n, path, warn); err != nil {
				return err
			}
		case e.Many:
			if len(p.servers) < maxServers && text != "" {
				p.servers = append(p.servers, strings.ToLower(text))
			}
		case text != "":
			canonical, ok := e.canonical(text)
			if !ok {
				return fmt.Errorf("line %d: %s: %q is %w (%s)", n.line, path, text, errPolicyValue, e.Values())
			}
			p.values[path] = value{text: canonical, given: true}
		}
	}
	return nil
}

// text is the value of an element of the policy, its default without a policy.
func (p *Policy) text(path string) string {
	if p != nil {
		if v, ok := p.values[path]; ok {
			return v.text
		}
	}
	return policyByPath[path].Default
}

func (p *Policy) is(path string) bool { return p.text(path) == "true" }

// Fips reports FipsMode.
func (p *Policy) Fips() bool { return p.is("FipsMode") }

// StrictTrust reports whether no user may make a gateway trusted, by a pin or a CA.
func (p *Policy) StrictTrust() bool { return p.is("StrictCertificateTrust") }

// SystemRootsOnly reports whether no user may add a CA.
func (p *Policy) SystemRootsOnly() bool { return p.StrictTrust() || p.is("RestrictServerCertStore") }

// Forbids reports whether tunnels of that protocol are forbidden.
func (p *Policy) Forbids(protocol Protocol) bool {
	switch p.text("RestrictTunnelProtocols") {
	case "TLS":
		return protocol == SSL
	case "IPSec":
		return protocol == IPsec
	}
	return false
}

// RemembersUser reports whether the name of a user may be written to disk after a login.
func (p *Policy) RemembersUser() bool {
	switch p.text("RestrictPreferenceCaching") {
	case "false", "Thumbprints":
		return true
	}
	return false
}

// RemembersKeys reports whether the keys of gateways that a user accepted may be.
func (p *Policy) RemembersKeys() bool {
	switch p.text("RestrictPreferenceCaching") {
	case "false", "Credentials":
		return true
	}
	return false
}

// RemembersTarget reports whether host and group may be.
func (p *Policy) RemembersTarget() bool { return p.text("RestrictPreferenceCaching") != "All" }

// TakesProfile reports whether a profile may be taken from that gateway after a login, and why not.
func (p *Policy) TakesProfile(host string) (ok bool, why string) {
	if p.is("BypassDownloader") {
		return false, "BypassDownloader"
	}
	if p.is(updates + "/AllowVPNProfileUpdatesFromAnyServer") {
		return true, ""
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, pattern := range p.servers {
		if ok, err := path.Match(pattern, host); ok && err == nil {
			return true, ""
		}
	}
	return false, updates
}

// into lets the policy have the last word on a row.
func (p *Policy) into(r *Row, e Element) {
	var forced string
	switch {
	case e.Path == blockUntrusted && p.StrictTrust():
		forced = "true"
	case e.Path == "AutoUpdate" && p.is("BypassDownloader"):
		forced = "false"
	default:
		return
	}
	r.Value, r.Origin, r.Locked, r.Why = forced, OriginPolicy, true, WhyPolicy
}

// rows lists the policy's own elements.
func (p *Policy) rows() []Row {
	if p == nil {
		return nil
	}
	var rows []Row
	for _, e := range policyElements {
		r := Row{Name: e.Name(), Value: e.Default, Origin: OriginDefault, Locked: true, Why: WhyPolicy, Status: e.Status}
		switch v, given := p.values[e.Path]; {
		case e.Many && len(p.servers) > 0:
			r.Value, r.Origin = strings.Join(p.servers, ","), OriginPolicy
		case e.Type == Group, e.Many:
			continue
		case given:
			r.Value, r.Origin = v.text, OriginPolicy
		}
		rows = append(rows, r)
	}
	return rows
}
