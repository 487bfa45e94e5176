package profile

import (
	"strconv"
	"strings"
)

// Type is the type of an element's text.
type Type uint8

const (
	Bool  Type = iota
	Enum       // one of Element.Allowed
	Int        // Element.Min to Element.Max
	Text       // free text, lists included
	Group      // only its children count
)

// Status says whether this version acts on an element.
type Status uint8

const (
	NotYet   Status = iota // understood and kept, without effect
	Honoured               // in force
)

// String is the word `profile show` prints.
func (s Status) String() string {
	if s == Honoured {
		return "honoured"
	}
	return "not yet"
}

// Element describes one element of ClientInitialization.
type Element struct {
	Path             string // below ClientInitialization, parts joined by a slash; the last part is unique in the table
	Type             Type
	Allowed          []string // of an Enum
	Min, Max         int      // of an Int
	Default          string   // in a profile that does not have the element
	UserControllable bool     // default of the attribute; false also where the schema has no attribute
	Status           Status
	opaque           bool // children are kept and not looked at
}

// Name is the element's own name.
func (e Element) Name() string { return e.Path[strings.LastIndexByte(e.Path, '/')+1:] }

// canonical returns the text as the schema writes it, and false where it is no value of this element.
func (e Element) canonical(text string) (string, bool) {
	switch e.Type {
	case Bool:
		switch strings.ToLower(text) {
		case "true", "1", "yes":
			return "true", true
		case "false", "0", "no":
			return "false", true
		}
		return "", false
	case Enum:
		packed := strings.ReplaceAll(text, " ", "") // "IPv4, IPv6"
		for _, a := range e.Allowed {
			if strings.EqualFold(a, packed) {
				return a, true
			}
		}
		return "", false
	case Int:
		n, err := strconv.Atoi(text)
		return strconv.Itoa(n), err == nil && n >= e.Min && n <= e.Max
	}
	return text, true
}

// Elements returns the table of what stands in ClientInitialization, in the order of the schema. Names, types and defaults are those of the public schema and of
// profiles in the field. The caller may keep the slice.
func Elements() []Element { return append([]Element(nil), elements...) }

const (
	tnd     = "AutomaticVPNPolicy"
	always  = tnd + "/AlwaysOn"
	failing = always + "/ConnectFailurePolicy"
)

var elements = []Element{
	{Path: "UseStartBeforeLogon", Default: "false", UserControllable: true},
	{Path: "AutomaticCertSelection", Default: "true", UserControllable: true},
	{Path: "ShowPreConnectMessage", Default: "false"},
	{Path: "CertificateStore", Type: Enum, Allowed: []string{"All", "Machine", "User"}, Default: "All"},
	{Path: "CertificateStoreMac", Type: Enum, Allowed: []string{"All", "System", "Login"}, Default: "All"},
	{Path: "CertificateStoreLinux", Type: Enum, Allowed: []string{"All", "Machine", "User"}, Default: "All"},
	{Path: "CertificateStoreOverride", Default: "false"},
	{Path: "ProxySettings", Type: Enum, Allowed: []string{"Native", "IgnoreProxy", "Override"}, Default: "Native", UserControllable: true},
	{Path: "ProxySettings/PublicProxyServerAddress", Type: Text, UserControllable: true},
	{Path: "AllowLocalProxyConnections", Default: "true"},
	{Path: "AuthenticationTimeout", Type: Int, Min: 10, Max: 120, Default: "30"},
	{Path: "AutoConnectOnStart", Default: "false", UserControllable: true},
	{Path: "MinimizeOnConnect", Default: "true", UserControllable: true},
	{Path: "LocalLanAccess", Default: "false", UserControllable: true},
	{Path: "DisableCaptivePortalDetection", Default: "false", UserControllable: true},
	{Path: "ClearSmartcardPin", Default: "true", UserControllable: true},
	{Path: "IPProtocolSupport", Type: Enum, Allowed: []string{"IPv4", "IPv6", "IPv4,IPv6", "IPv6,IPv4"}, Default: "IPv4,IPv6"},
	{Path: "AutoReconnect", Default: "true", Status: Honoured},
	{Path: "AutoReconnect/AutoReconnectBehavior", Type: Enum, Allowed: []string{disconnectOnSuspend, reconnectAfterResume},
		Default: disconnectOnSuspend, Status: Honoured},
	{Path: "SuspendOnConnectedStandby", Default: "false"},
	{Path: "AutoUpdate", Default: "true"},
	{Path: "RSASecurIDIntegration", Type: Enum, Allowed: []string{"Automatic", "SoftwareToken", "HardwareToken"}, Default: "Automatic"},
	{Path: "SafeWordSofTokenIntegration", Default: "false"},
	{Path: "WindowsLogonEnforcement", Type: Enum, Allowed: []string{"SingleLogon", "SingleLocalLogon", "SingleLogonNoRemote"}, Default: "SingleLocalLogon"},
	{Path: "WindowsVPNEstablishment", Type: Enum, Allowed: []string{"LocalUsersOnly", "AllowRemoteUsers"}, Default: "LocalUsersOnly"},
	{Path: "LinuxLogonEnforcement", Type: Enum, Allowed: []string{"SingleLogon", "SingleLocalLogon"}, Default: "SingleLocalLogon"},
	{Path: "LinuxVPNEstablishment", Type: Enum, Allowed: []string{"LocalUsersOnly", "AllowRemoteUsers"}, Default: "LocalUsersOnly"},
	{Path: "RetainVpnOnLogoff", Default: "false"},
	{Path: "RetainVpnOnLogoff/UserEnforcement", Type: Enum, Allowed: []string{"SameUserOnly", "AnyUser"}, Default: "SameUserOnly"},
	{Path: tnd, Default: "false"},
	{Path: tnd + "/TrustedDNSDomains", Type: Text},
	{Path: tnd + "/TrustedDNSServers", Type: Text},
	{Path: tnd + "/TrustedHttpsServerList", Type: Group, opaque: true},
	{Path: tnd + "/TrustedNetworkPolicy", Type: Enum, Allowed: []string{"Connect", "Pause", "Disconnect", "DoNothing"}, Default: "Disconnect"},
	{Path: tnd + "/UntrustedNetworkPolicy", Type: Enum, Allowed: []string{"Connect", "DoNothing"}, Default: "Connect"},
	{Path: always, Default: "false"},
	{Path: failing, Type: Enum, Allowed: []string{"Open", "Closed"}, Default: "Closed"},
	{Path: failing + "/AllowCaptivePortalRemediation", Default: "false"},
	{Path: failing + "/AllowCaptivePortalRemediation/CaptivePortalRemediationTimeout", Type: Int, Max: 100, Default: "5"},
	{Path: failing + "/ApplyLastVPNLocalResourceRules", Default: "false"},
	{Path: always + "/AllowVPNDisconnect", Default: "true"},
	{Path: always + "/AllowedHosts", Type: Text},
	{Path: "PPPExclusion", Type: Enum, Allowed: []string{"Automatic", "Disable", "Override"}, Default: "Automatic"},
	{Path: "PPPExclusion/PPPExclusionServerIP", Type: Text},
	{Path: "EnableScripting", Default: "false"},
	{Path: "EnableScripting/TerminateScriptOnNextEvent", Default: "false"},
	{Path: "EnableScripting/EnablePostSBLOnConnectScript", Default: "true"},
	{Path: "CertificatePinning", Default: "false"},
	{Path: "CertificatePinning/CertificatePinList", Type: Group, opaque: true},
	{Path: "CertificateMatch", Type: Group, opaque: true},
	{Path: "BackupServerList", Type: Group, Status: Honoured, opaque: true},
	{Path: "MobilePolicy", Type: Group, opaque: true},
	{Path: "DeviceLockRequired", Type: Group, opaque: true},
	{Path: "CertificateEnrollment", Type: Group, opaque: true},
	{Path: "EnableAutomaticServerSelection", Default: "false", UserControllable: true},
	{Path: "EnableAutomaticServerSelection/AutoServerSelectionImprovement", Type: Int, Min: 10, Max: 100, Default: "20"},
	{Path: "EnableAutomaticServerSelection/AutoServerSelectionSuspendTime", Type: Int, Min: 1, Max: 100, Default: "4"},
	{Path: "AllowIPsecOverSSL", Default: "false"},
	{Path: "ServiceDisable", Default: "false"},
	{Path: "AllowManualHostInput", Default: "true"},
	{Path: "CaptivePortalRemediationBrowserFailover", Default: "false"},
}

var byPath = func() map[string]Element {
	m := make(map[string]Element, len(elements))
	for _, e := range elements {
		m[e.Path] = e
	}
	return m
}()

// hostElements are the children of HostEntry that the schema knows and this package does not read itself.
var hostElements = map[string]bool{
	"LoadBalancingServerList": true, "AutomaticSCEPHost": true, "CAURL": true, "MobileHostEntryInfo": true, "CertificatePinList": true,
}

// repeats are the elements that may stand several times under one parent.
var repeats = map[string]bool{
	"HostEntry": true, "HostAddress": true, "Pin": true, "TrustedHttpsServer": true, "MatchKey": true, "ExtendedMatchKey": true,
	"CustomExtendedMatchKey": true, "DistinguishedNameDefinition": true, "OnDemandDNSMatch": true, "Domain_DC": true,
}
