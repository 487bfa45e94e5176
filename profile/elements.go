package profile

const (
	tnd     = "AutomaticVPNPolicy"
	always  = tnd + "/AlwaysOn"
	failing = always + "/ConnectFailurePolicy"
	portal  = failing + "/AllowCaptivePortalRemediation"
	ogs     = "EnableAutomaticServerSelection"
	pinning = "CertificatePinning"
	suspend = "AutoReconnect/AutoReconnectBehavior"
	backups = "BackupServerList"
)

// What elements wait for, or why they are left out.
const (
	waitTrusted = "trusted network detection"
	waitAlways  = "always-on"
	waitPortal  = "the sign-in itself"
	waitStores  = "the system's certificate stores; a certificate is given with --cert, --pkcs12"
	waitWindows = "tunnels on Windows"
	waitSystems = "tunnels on Windows and macOS"
	waitLogon   = "knowing who sits at the console"
	waitProxy   = "proxies: none is used, as with IgnoreProxy"
	waitOGS     = "choosing the fastest gateway"
	noMobile    = "for mobile systems, where we do not run"
	waitScripts = "scripts, run as the user; until then follow `holdfast timeline --follow --json`"
	waitTokens  = "software tokens; until then the code is typed"
	waitEnrol   = "enrolment by SCEP"
)

// elements is ClientInitialization.
var elements = []Element{
	{Path: "UseStartBeforeLogon", Default: "false", Control: User, Note: waitWindows},
	{Path: "AutomaticCertSelection", Default: "true", Control: User, Note: waitStores},
	{Path: "ShowPreConnectMessage", Default: "false", Note: "showing a message before the login"},
	{Path: "CertificateStore", Type: Enum, Allowed: []string{"All", "Machine", "User"}, Default: "All", Note: waitStores},
	{Path: "CertificateStoreMac", Type: Enum, Allowed: []string{"All", "System", "Login"}, Default: "All", Note: waitStores},
	{Path: "CertificateStoreLinux", Type: Enum, Allowed: []string{"All", "Machine", "User"}, Default: "All", Note: waitStores},
	{Path: "CertificateStoreOverride", Default: "false", Note: waitStores},
	{Path: "ProxySettings", Type: Enum, Allowed: []string{"Native", "IgnoreProxy", "Override"}, Default: "Native", Control: User, Note: waitProxy},
	{Path: "ProxySettings/PublicProxyServerAddress", Type: Text, Control: User, Note: waitProxy},
	{Path: "AllowLocalProxyConnections", Default: "true", Note: waitProxy},
	{Path: "AuthenticationTimeout", Type: Int, Min: 10, Max: 120, Default: "30", Status: Honoured,
		Note: "a connect without --timeout has as long, but 60 s at least; waiting for a person or a push is not counted"},
	{Path: "AutoConnectOnStart", Default: "false", Control: User, Status: Honoured, Note: "by the tray, once when it starts"},
	{Path: "MinimizeOnConnect", Default: "true", Control: User, Status: Honoured, Note: "by the tray, where it has an icon"},
	{Path: "LocalLanAccess", Default: "false", Control: User, Status: Honoured,
		Note: "where the gateway offers it (it excludes 0.0.0.0/32), the local network stays reachable; without any profile it is true"},
	{Path: "DisableCaptivePortalDetection", Default: "false", Control: User, Status: Honoured,
		Note: "no plain HTTP is asked of the gateway's address; what answers in its place still gets no token"},
	{Path: "ClearSmartcardPin", Default: "true", Control: User, Note: "smart cards"},
	{Path: "IPProtocolSupport", Type: Enum, Allowed: []string{"IPv4", "IPv6", "IPv4,IPv6", "IPv6,IPv4"}, Default: "IPv4,IPv6", Status: Honoured,
		Note: "which of the gateway's addresses are tried, and in which order; without any profile as they were resolved"},
	{Path: "AutoReconnect", Default: "true", Control: Administer, Status: Honoured},
	{Path: suspend, Type: Enum, Allowed: []string{disconnectOnSuspend, reconnectAfterResume}, Default: disconnectOnSuspend, Control: Administer, Status: Honoured,
		Note: "without any profile it is ReconnectAfterResume"},
	{Path: "SuspendOnConnectedStandby", Default: "false", Note: waitWindows},
	{Path: "AutoUpdate", Default: "true", Control: Administer, Status: Ignored, Note: "we never update ourselves: the package manager does"},
	{Path: "RSASecurIDIntegration", Type: Enum, Allowed: []string{"Automatic", "SoftwareToken", "HardwareToken"}, Default: "Automatic", Control: Administer,
		Note: waitTokens},
	{Path: "SafeWordSofTokenIntegration", Default: "false", Control: Administer, Note: waitTokens},
	{Path: "WindowsLogonEnforcement", Type: Enum, Allowed: []string{"SingleLogon", "SingleLocalLogon", "SingleLogonNoRemote"}, Default: "SingleLocalLogon",
		Note: waitWindows},
	{Path: "WindowsVPNEstablishment", Type: Enum, Allowed: []string{"LocalUsersOnly", "AllowRemoteUsers"}, Default: "LocalUsersOnly", Note: waitWindows},
	{Path: "LinuxLogonEnforcement", Type: Enum, Allowed: []string{"SingleLogon", "SingleLocalLogon"}, Default: "SingleLocalLogon", Note: waitLogon},
	{Path: "LinuxVPNEstablishment", Type: Enum, Allowed: []string{"LocalUsersOnly", "AllowRemoteUsers"}, Default: "LocalUsersOnly", Note: waitLogon},
	{Path: "RetainVpnOnLogoff", Default: "false", Note: waitSystems},
	{Path: "RetainVpnOnLogoff/UserEnforcement", Type: Enum, Allowed: []string{"SameUserOnly", "AnyUser"}, Default: "SameUserOnly", Note: waitSystems},
	{Path: tnd, Default: "false", Note: waitTrusted},
	{Path: tnd + "/TrustedDNSDomains", Type: Text, Note: waitTrusted},
	{Path: tnd + "/TrustedDNSServers", Type: Text, Note: waitTrusted},
	{Path: tnd + "/TrustedHttpsServerList", Type: Group, Note: waitTrusted},
	{Path: tnd + "/TrustedHttpsServerList/TrustedHttpsServer", Type: Group, Many: true, Note: waitTrusted},
	{Path: tnd + "/TrustedHttpsServerList/TrustedHttpsServer/Address", Type: Text, Note: waitTrusted},
	{Path: tnd + "/TrustedHttpsServerList/TrustedHttpsServer/Port", Type: Int, Min: 1, Max: 65535, Default: "443", Note: waitTrusted},
	{Path: tnd + "/TrustedHttpsServerList/TrustedHttpsServer/CertificateHash", Type: Text, Note: waitTrusted},
	{Path: tnd + "/TrustedNetworkPolicy", Type: Enum, Allowed: []string{"Connect", "Pause", "Disconnect", "DoNothing"}, Default: "Disconnect", Note: waitTrusted},
	{Path: tnd + "/UntrustedNetworkPolicy", Type: Enum, Allowed: []string{"Connect", "DoNothing"}, Default: "Connect", Note: waitTrusted},
	{Path: always, Default: "false", Note: waitAlways},
	{Path: failing, Type: Enum, Allowed: []string{"Open", "Closed"}, Default: "Closed", Note: waitAlways},
	{Path: portal, Default: "false", Note: waitAlways},
	{Path: portal + "/CaptivePortalRemediationTimeout", Type: Int, Max: 100, Default: "5", Note: waitAlways},
	{Path: failing + "/ApplyLastVPNLocalResourceRules", Default: "false", Note: waitAlways},
	{Path: always + "/AllowVPNDisconnect", Default: "true", Note: waitAlways},
	{Path: always + "/AllowedHosts", Type: Text, Note: waitAlways},
	{Path: "PPPExclusion", Type: Enum, Allowed: []string{"Automatic", "Disable", "Override"}, Default: "Automatic", Control: Administer, Note: waitSystems},
	{Path: "PPPExclusion/PPPExclusionServerIP", Type: Text, Control: Administer, Note: waitSystems},
	{Path: "EnableScripting", Default: "false", Control: Administer, Note: waitScripts},
	{Path: "EnableScripting/TerminateScriptOnNextEvent", Default: "false", Note: waitScripts},
	{Path: "EnableScripting/EnablePostSBLOnConnectScript", Default: "true", Note: waitScripts},
	{Path: pinning, Default: "false", Status: Honoured, Note: "the verified chain must have a pinned key, besides everything else; --pin does not replace that"},
	{Path: pinning + "/CertificatePinList", Type: Group, Status: Honoured, Note: "besides those of the host itself"},
	{Path: pinning + "/CertificatePinList/Pin", Type: Hash, Many: true, Status: Honoured, Note: "one that cannot be read matches no gateway", Attrs: pinAttrs},
	{Path: "CertificateMatch", Type: Group, Note: waitStores},
	{Path: "CertificateMatch/MatchOnlyCertsWithEKU", Default: "false", Note: waitStores},
	{Path: "CertificateMatch/MatchOnlyCertsWithKU", Default: "false", Note: waitStores},
	{Path: "CertificateMatch/KeyUsage", Type: Group, Note: waitStores},
	{Path: "CertificateMatch/KeyUsage/MatchKey", Type: Enum, Many: true, Note: waitStores, Allowed: []string{"Decipher_Only", "Encipher_Only", "CRL_Sign",
		"Key_Cert_Sign", "Key_Agreement", "Data_Encipherment", "Key_Encipherment", "Non_Repudiation", "Digital_Signature"}},
	{Path: "CertificateMatch/ExtendedKeyUsage", Type: Group, Note: waitStores},
	{Path: "CertificateMatch/ExtendedKeyUsage/ExtendedMatchKey", Type: Enum, Many: true, Note: waitStores, Allowed: []string{"ServerAuth", "ClientAuth", "CodeSign",
		"EmailProtect", "IPSecEndSystem", "IPSecTunnel", "IPSecUser", "TimeStamp", "OCSPSign", "DVCS", "IKEIntermediate"}},
	{Path: "CertificateMatch/ExtendedKeyUsage/CustomExtendedMatchKey", Type: Text, Many: true, Note: waitStores},
	{Path: "CertificateMatch/DistinguishedName", Type: Group, Note: waitStores},
	{Path: "CertificateMatch/DistinguishedName/DistinguishedNameDefinition", Type: Group, Many: true, Note: waitStores, Attrs: []Attr{
		{"Wildcard", Element{Type: Enum, Allowed: []string{"Disabled", "Enabled"}, Default: "Disabled"}},
		{"Operator", Element{Type: Enum, Allowed: []string{"Equal", "NotEqual"}, Default: "Equal"}},
		{"MatchCase", Element{Type: Enum, Allowed: []string{"Enabled", "Disabled"}, Default: "Enabled"}},
	}},
	{Path: "CertificateMatch/DistinguishedName/DistinguishedNameDefinition/Name", Type: Enum, Note: waitStores, Allowed: append(names(""), names("ISSUER-")...)},
	{Path: "CertificateMatch/DistinguishedName/DistinguishedNameDefinition/Pattern", Type: Text, Note: waitStores},
	{Path: backups, Type: Group, Status: Honoured, Note: "for hosts without a list of their own, in its order, once the host cannot be reached"},
	{Path: backups + "/HostAddress", Type: Text, Many: true, Status: Honoured},
	{Path: "MobilePolicy", Type: Group, Status: Ignored, Note: noMobile},
	{Path: "MobilePolicy/DeviceLockRequired", Type: Group, Status: Ignored, Note: noMobile, Attrs: []Attr{
		{"MaximumTimeoutMinutes", Element{Type: Int, Max: maxCount}},
		{"MinimumPasswordLength", Element{Type: Int, Max: maxCount}},
		{"PasswordComplexity", Element{Type: Enum, Allowed: []string{"alpha", "pin", "strong"}}},
	}},
	{Path: "DeviceLockRequired", Type: Group, Status: Ignored, Note: noMobile},
	{Path: "DeviceLockRequired/DeviceLockMaximumTimeoutMinutes", Type: Int, Max: maxCount, Status: Ignored, Note: noMobile},
	{Path: "DeviceLockRequired/DeviceLockMinimumPasswordLength", Type: Int, Max: maxCount, Status: Ignored, Note: noMobile},
	{Path: "DeviceLockRequired/DeviceLockPasswordComplexity", Type: Enum, Allowed: []string{"alpha", "pin", "strong"}, Status: Ignored, Note: noMobile},
	{Path: enrol, Type: Group, Note: waitEnrol},
	{Path: enrol + "/CertificateExpirationThreshold", Type: Int, Max: maxCount, Note: waitEnrol},
	{Path: enrol + "/AutomaticSCEPHost", Type: Text, Note: waitEnrol},
	{Path: enrol + "/CAURL", Type: Text, Note: waitEnrol, Attrs: caAttrs},
	{Path: enrol + "/CertificateImportStore", Type: Enum, Allowed: []string{"All", "Machine", "User"}, Default: "All", Note: waitEnrol},
	{Path: scep, Type: Group, Note: waitEnrol},
	{Path: scep + "/CADomain", Type: Text, Note: waitEnrol},
	{Path: scep + "/Name_CN", Type: Text, Note: waitEnrol},
	{Path: scep + "/Department_OU", Type: Text, Note: waitEnrol},
	{Path: scep + "/Company_O", Type: Text, Note: waitEnrol},
	{Path: scep + "/State_ST", Type: Text, Note: waitEnrol},
	{Path: scep + "/State_SP", Type: Text, Note: waitEnrol},
	{Path: scep + "/Country_C", Type: Text, Note: waitEnrol},
	{Path: scep + "/Email_EA", Type: Text, Note: waitEnrol},
	{Path: scep + "/Domain_DC", Type: Text, Many: true, Note: waitEnrol},
	{Path: scep + "/SurName_SN", Type: Text, Note: waitEnrol},
	{Path: scep + "/GivenName_GN", Type: Text, Note: waitEnrol},
	{Path: scep + "/UnstructName_N", Type: Text, Note: waitEnrol},
	{Path: scep + "/Initials_I", Type: Text, Note: waitEnrol},
	{Path: scep + "/Qualifier_GEN", Type: Text, Note: waitEnrol},
	{Path: scep + "/Qualifier_DN", Type: Text, Note: waitEnrol},
	{Path: scep + "/City_L", Type: Text, Note: waitEnrol},
	{Path: scep + "/Title_T", Type: Text, Note: waitEnrol},
	{Path: scep + "/KeySize", Type: Int, Max: maxCount, Note: waitEnrol},
	{Path: scep + "/DisplayGetCertButton", Default: "false", Note: waitEnrol},
	{Path: ogs, Default: "false", Control: User, Note: waitOGS},
	{Path: ogs + "/AutoServerSelectionImprovement", Type: Int, Min: 10, Max: 100, Default: "20", Note: waitOGS},
	{Path: ogs + "/AutoServerSelectionSuspendTime", Type: Int, Min: 1, Max: 100, Default: "4", Note: waitOGS},
	{Path: "AllowIPsecOverSSL", Default: "false", Status: Ignored, Note: "an internal switch of Cisco's client"},
	{Path: "ServiceDisable", Default: "false", Note: "hiding the tray"},
	{Path: "AllowManualHostInput", Default: "true", Status: Honoured, Note: "false in any installed profile: only hosts of profiles are connected to (POL-009)"},
	{Path: "CaptivePortalRemediationBrowserFailover", Default: "false", Note: waitPortal},
	{Path: blockUntrusted, Default: "true", Control: User, Status: Honoured,
		Note: "in preferences only, never in a profile; false: the user is asked to accept the key of a gateway whose certificate does not hold; true: it is refused, but for a key accepted before, --ca and --pin"},
}

const (
	enrol          = "CertificateEnrollment"
	scep           = enrol + "/CertificateSCEP"
	blockUntrusted = "BlockUntrustedServers"
	maxCount       = 1 << 20 // of numbers that the schema leaves open
)

var (
	pinAttrs = []Attr{{"Subject", Element{Type: Text}}, {"Issuer", Element{Type: Text}}}
	caAttrs  = []Attr{{"PromptForChallengePW", Element{Default: "false"}}, {"Thumbprint", Element{Type: Text}}}
)

// names are the parts of a distinguished name that can be matched.
func names(prefix string) []string {
	var list []string
	for _, n := range []string{"CN", "DC", "SN", "GN", "N", "I", "GENQ", "DNQ", "C", "L", "SP", "ST", "O", "OU", "T", "EA"} {
		list = append(list, prefix+n)
	}
	return list
}

const (
	inHost  = "HostEntry"
	primary = inHost + "/PrimaryProtocol"
	mobile  = inHost + "/MobileHostEntryInfo"
	waitIKE = "IPsec: such a host is refused with USE-006"
)

// hostElements is HostEntry.
var hostElements = []Element{
	{Path: inHost, Type: Group, Many: true, Status: Honoured, Note: "every host of every profile is listed"},
	{Path: inHost + "/HostName", Type: Text, Status: Honoured, Note: "the address as well, where there is no HostAddress"},
	{Path: inHost + "/HostAddress", Type: Text, Status: Honoured, Note: "with :port and /group, or an https URL"},
	{Path: inHost + "/UserGroup", Type: Text, Status: Honoured},
	{Path: inHost + "/BackupServerList", Type: Group, Status: Honoured, Note: "instead of the global list"},
	{Path: inHost + "/BackupServerList/HostAddress", Type: Text, Many: true, Status: Honoured},
	{Path: inHost + "/LoadBalancingServerList", Type: Group, Note: waitAlways + "; without it a redirect to any member is followed"},
	{Path: inHost + "/LoadBalancingServerList/HostAddress", Type: Text, Many: true, Note: waitAlways},
	{Path: inHost + "/AutomaticSCEPHost", Type: Text, Note: waitEnrol},
	{Path: inHost + "/CAURL", Type: Text, Note: waitEnrol, Attrs: caAttrs},
	{Path: mobile, Type: Group, Status: Ignored, Note: noMobile},
	{Path: mobile + "/NetworkRoaming", Default: "true", Status: Ignored, Note: noMobile},
	{Path: mobile + "/CertificatePolicy", Type: Enum, Allowed: []string{"Auto", "Manual", "None"}, Default: "Auto", Status: Ignored, Note: noMobile},
	{Path: mobile + "/ConnectOnDemand", Default: "false", Status: Ignored, Note: noMobile},
	{Path: mobile + "/AlwaysConnectDomainList", Type: Group, Status: Ignored, Note: noMobile},
	{Path: mobile + "/AlwaysConnectDomainList/OnDemandDNSMatch", Type: Text, Many: true, Status: Ignored, Note: noMobile},
	{Path: mobile + "/NeverConnectDomainList", Type: Group, Status: Ignored, Note: noMobile},
	{Path: mobile + "/NeverConnectDomainList/OnDemandDNSMatch", Type: Text, Many: true, Status: Ignored, Note: noMobile},
	{Path: mobile + "/ConnectIfNeededDomainList", Type: Group, Status: Ignored, Note: noMobile},
	{Path: mobile + "/ConnectIfNeededDomainList/OnDemandDNSMatch", Type: Text, Many: true, Status: Ignored, Note: noMobile},
	{Path: mobile + "/ActivateOnImport", Default: "false", Status: Ignored, Note: noMobile},
	{Path: primary, Type: Enum, Allowed: []string{"SSL", "IPsec"}, Default: "SSL", Status: Honoured, Note: "SSL; " + waitIKE},
	{Path: primary + "/StandardAuthenticationOnly", Default: "false", Note: waitIKE},
	{Path: primary + "/StandardAuthenticationOnly/AuthMethodDuringIKENegotiation", Type: Enum, Default: "EAP-GTC", Note: waitIKE,
		Allowed: []string{"EAP-MD5", "EAP-MSCHAPv2", "EAP-GTC", "EAP-AnyConnect", "IKE-RSA", "IKE-ECDSA"}},
	{Path: primary + "/StandardAuthenticationOnly/IKEIdentity", Type: Text, Note: waitIKE},
	{Path: inHost + "/CertificatePinList", Type: Group, Status: Honoured, Note: "in force where CertificatePinning is true"},
	{Path: inHost + "/CertificatePinList/Pin", Type: Hash, Many: true, Status: Honoured, Attrs: pinAttrs},
}
