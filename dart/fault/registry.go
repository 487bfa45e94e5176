package fault

import (
	"maps"
	"slices"
)

// Entry is what the registry knows of a code. Exit is the CLI's exit code.
type Entry struct {
	Kind     Kind
	Exit     int
	Sentence string
	Hint     string
}

// The codes. AGENT: the way to the agent. AUTH: login. TLS: trust. NET: reaching the gateway. GW: what the gateway says.
// TUN: the tunnel. HOST: changes to this machine. POL: permission and policy. USE: usage. PROF: profiles. INT: ourselves.
const (
	AgentUnreachable Code = "AGENT-001"
	AgentRefused     Code = "AGENT-002"
	AgentProtocol    Code = "AGENT-003"
	AgentSilent      Code = "AGENT-004"
	AgentOlder       Code = "AGENT-005"
	AgentNewer       Code = "AGENT-006"

	AuthRefused     Code = "AUTH-001"
	AuthInput       Code = "AUTH-002"
	AuthCancelled   Code = "AUTH-003"
	AuthGroup       Code = "AUTH-004"
	AuthUnsupported Code = "AUTH-005"
	AuthRounds      Code = "AUTH-006"
	AuthPromptGone  Code = "AUTH-007"
	AuthNobody      Code = "AUTH-008"
	AuthCertNeeded  Code = "AUTH-009"
	AuthCertRefused Code = "AUTH-010"
	AuthCertFile    Code = "AUTH-011"
	AuthCertKey     Code = "AUTH-012"
	AuthPassphrase  Code = "AUTH-013"
	AuthUnsigned    Code = "AUTH-014"
	AuthResponse    Code = "AUTH-015"
	AuthBrowser     Code = "AUTH-016"
	AuthPort        Code = "AUTH-017"

	TLSUntrusted Code = "TLS-001"
	TLSName      Code = "TLS-002"
	TLSExpired   Code = "TLS-003"
	TLSPin       Code = "TLS-004"
	TLSHandshake Code = "TLS-005"
	TLSChanged   Code = "TLS-006"
	TLSRefused   Code = "TLS-007"
	TLSOther     Code = "TLS-008"

	NetNoName      Code = "NET-001"
	NetNoRoute     Code = "NET-002"
	NetRefused     Code = "NET-003"
	NetSilent      Code = "NET-004"
	NetLost        Code = "NET-005"
	NetTimeout     Code = "NET-006"
	NetPortal      Code = "NET-007"
	NetAllBackups  Code = "NET-008"
	NetNotVPN      Code = "NET-009"
	NetTooMuch     Code = "NET-010"
	NetMalformed   Code = "NET-011"
	NetRedirect    Code = "NET-012"
	NetNoPath      Code = "NET-013"
	NetHTTPRefused Code = "NET-014"
	NetSize        Code = "NET-015"

	GwUnavailable Code = "GW-001"
	GwSession     Code = "GW-002"
	GwSettings    Code = "GW-003"
	GwEnded       Code = "GW-004"
	GwTime        Code = "GW-005"
	GwFrame       Code = "GW-006"
	GwTimeout     Code = "GW-007"
	GwIdle        Code = "GW-008"
	GwEnding      Code = "GW-009"

	TunSilent Code = "TUN-001"
	TunGone   Code = "TUN-002"

	HostTun    Code = "HOST-001"
	HostRoute  Code = "HOST-002"
	HostDNS    Code = "HOST-003"
	HostUndo   Code = "HOST-004"
	HostLocked Code = "HOST-005"
	HostDir    Code = "HOST-006"
	HostOther  Code = "HOST-007"
	HostSlow   Code = "HOST-008"
	HostClock  Code = "HOST-009"
	HostFixed  Code = "HOST-010"

	HostService   Code = "HOST-011"
	HostPackaged  Code = "HOST-012"
	HostNoService Code = "HOST-013"
	HostFilter    Code = "HOST-014"

	PolNotOwner  Code = "POL-001"
	PolGroup     Code = "POL-002"
	PolRoot      Code = "POL-003"
	PolBanner    Code = "POL-004"
	PolAlways    Code = "POL-005"
	PolConnected Code = "POL-006"
	PolBusy      Code = "POL-007"
	PolBrowser   Code = "POL-008"
	PolManual    Code = "POL-009"
	PolTunnel    Code = "POL-010"
	PolTrust     Code = "POL-011"
	PolLocked    Code = "POL-012"
	PolFips      Code = "POL-013"

	UseBad          Code = "USE-001"
	UseTarget       Code = "USE-002"
	UseNotConnected Code = "USE-003"
	UseWait         Code = "USE-004"
	UseInterrupted  Code = "USE-005"
	UseNotYet       Code = "USE-006"
	UseVerb         Code = "USE-007"
	UseRequest      Code = "USE-008"
	UseRecord       Code = "USE-009"
	UseReplay       Code = "USE-010"

	ProfInvalid Code = "PROF-001"
	ProfHost    Code = "PROF-002"
	ProfFetch   Code = "PROF-003"
	ProfHash    Code = "PROF-004"
	ProfPolicy  Code = "PROF-005"
	ProfThere   Code = "PROF-006"

	Internal Code = "INT-001"
)

var registry = map[Code]Entry{
	AgentUnreachable: {Fatal, 3, "the Holdfast agent is not reachable", "start it with: sudo holdfastd start, or in the foreground: sudo holdfastd run"},
	AgentRefused:     {Policy, 7, "this user may not talk to the Holdfast agent", "ask an administrator to run: sudo usermod -aG holdfast USER"},
	AgentProtocol:    {Fatal, 1, "the agent's answer could not be understood", "check that holdfast and holdfastd have the same version: holdfast version"},
	AgentSilent:      {Fatal, 3, "the Holdfast agent does not answer", "wait a moment; if it stays like this, restart it: sudo holdfastd restart (a session comes back)"},
	AgentOlder:       {Fatal, 1, "the agent that runs is older than this program", "restart it, so that what is installed runs: sudo holdfastd restart (a session comes back)"},
	AgentNewer:       {Fatal, 1, "the agent that runs is newer than this program", "close this program and start it again; if that does not help, install its new version"},

	AuthRefused:     {Fatal, 4, "the gateway refused the login", "check the user name, the password and the group, then try again"},
	AuthInput:       {NeedsUser, 10, "the gateway asks for something and there is nobody to answer", "run the command on a terminal, or give the answer with --answer, --password-stdin or --answers-stdin"},
	AuthCancelled:   {Policy, 1, "the login was cancelled", "run holdfast connect to try again"},
	AuthGroup:       {Fatal, 2, "the gateway does not offer this group", "choose one of the groups it lists"},
	AuthUnsupported: {Fatal, 1, "the gateway asks for a way of login that this version does not have", "see docs/compatibility.md for what is supported"},
	AuthRounds:      {Fatal, 4, "the gateway kept asking and the login was stopped", "ask the gateway's administrator; the log says what was asked"},
	AuthPromptGone:  {Policy, 1, "this question is no longer open", "run holdfast state to see what is pending"},
	AuthNobody:      {NeedsUser, 8, "nobody answered the gateway's question in time", "run holdfast connect again; a question waits five minutes"},
	AuthCertNeeded:  {Fatal, 4, "the gateway wants a client certificate", "give one with --cert FILE --key FILE, or with --pkcs12 FILE"},
	AuthCertRefused: {Fatal, 4, "the gateway refused the client certificate", "check that it is the right one for this gateway and not out of date"},
	AuthCertFile:    {Fatal, 2, "the client certificate or its key cannot be read", "--cert and --key take PEM, --pkcs12 takes a .p12 or .pfx file"},
	AuthCertKey:     {Fatal, 2, "the private key does not belong to the certificate", "give the key that the certificate was made for"},
	AuthPassphrase:  {Fatal, 4, "the passphrase of the private key is wrong", "try again"},
	AuthUnsigned:    {NeedsUser, 10, "the process that holds the private key did not sign", "run holdfast connect again with the certificate"},
	AuthResponse:    {Fatal, 4, "what the browser brought is not for this login", "sign in on the page that this login opened, and close the pages of older ones"},
	AuthBrowser:     {NeedsUser, 10, "no browser could be opened", "open the sign-in page's address in a browser on this machine"},
	AuthPort:        {Fatal, 1, "another program has the port that the browser brings the sign-in to", "close other VPN clients that are signing in on this machine, then try again"},

	TLSUntrusted: {Fatal, 6, "the gateway's certificate is not trusted", "if your administrator gave you a CA file, use --ca FILE; compare fingerprints before you trust a pin"},
	TLSName:      {Fatal, 6, "the gateway's certificate is for another name", "connect with the name that is in the certificate"},
	TLSExpired:   {Fatal, 6, "the gateway's certificate is out of date, or this machine's clock is wrong", "check the date of this machine, then ask the gateway's administrator"},
	TLSPin:       {Fatal, 6, "the gateway's key does not match the pin", "do not connect from this network until your administrator has confirmed the new key"},
	TLSHandshake: {Retryable, 5, "what answers is no TLS server", "check the host name and the port"},
	TLSChanged:   {Retryable, 6, "the gateway's certificate changed during the session", "this network may be interfering; the session waits for another path"},
	TLSRefused:   {Retryable, 5, "the gateway ended the TLS handshake", "it may ask for a client certificate, or know only versions of TLS that are too old"},
	TLSOther:     {Fatal, 6, "the gateway shows another key than the one that you accepted", "do not connect from this network until your administrator has confirmed the new key; then let go of the old one: holdfast trust --forget HOST"},

	NetNoName:      {Retryable, 5, "the gateway's name does not exist", "check the spelling and this machine's DNS"},
	NetNoRoute:     {Retryable, 5, "there is no route to the gateway", "check that this machine is on a network"},
	NetRefused:     {Retryable, 5, "the gateway refuses connections on this port", "check the port; the gateway may be restarting"},
	NetSilent:      {Retryable, 5, "the gateway does not answer", "check the network; a firewall may block the port"},
	NetLost:        {Retryable, 5, "the connection to the gateway was lost", "it is tried again by itself while a session lives"},
	NetTimeout:     {Retryable, 5, "the gateway was not reached in time", "check the network, or give more time with --timeout"},
	NetPortal:      {Retryable, 5, "this network wants you to sign in first", "open any web page in a browser and sign in there; a tunnel that was up comes back by itself"},
	NetAllBackups:  {Fatal, 5, "neither the gateway nor its backup servers could be reached", "check the network"},
	NetNotVPN:      {Retryable, 5, "what answers is not an AnyConnect gateway", "check the address; this may be another web server or a sign-in page"},
	NetTooMuch:     {Fatal, 5, "the gateway's answer is too long or never ends", "check the address; this is not how a gateway behaves"},
	NetMalformed:   {Fatal, 5, "the gateway's answer is malformed", "check the address; this is not how a gateway behaves"},
	NetRedirect:    {Fatal, 5, "the gateway sends us somewhere we may not go", "check the address with your administrator"},
	NetNoPath:      {Retryable, 5, "this machine has no usable network", "connect to a network; the session continues by itself"},
	NetHTTPRefused: {Fatal, 5, "the gateway refused the request", "check the address and the group path"},
	NetSize:        {Retryable, 5, "packets of full size do not get through", "something on the way drops large packets: try another network, or lower the MTU of this one"},

	GwUnavailable: {Retryable, 5, "the gateway cannot serve the session now", "try again later or ask its administrator"},
	GwSession:     {SessionLost, 4, "the gateway no longer knows the session", "log in again: holdfast connect"},
	GwSettings:    {Fatal, 1, "the gateway sent settings that cannot be used", "ask the gateway's administrator; the log names the setting"},
	GwEnded:       {SessionLost, 1, "the gateway ended the session", "log in again: holdfast connect"},
	GwTime:        {SessionLost, 1, "the session's time is over", "log in again: holdfast connect"},
	GwFrame:       {Retryable, 1, "the gateway sent something that is not CSTP", "it is tried again by itself; the agent's log says more"},
	GwTimeout:     {Retryable, 8, "the gateway answered but did not finish in time", "try again, or give more time with --timeout"},
	GwIdle:        {SessionLost, 1, "the gateway ended the session because nothing used it", "log in again: holdfast connect"},
	GwEnding:      {SessionLost, 1, "the session's time is nearly over", "save your work; when it is over, log in again: holdfast connect"},

	TunSilent: {Retryable, 5, "the tunnel went silent", "it is tried again by itself"},
	TunGone:   {Retryable, 1, "the tunnel device is gone", "run holdfast connect again"},

	HostTun:    {Fatal, 1, "the tunnel device could not be made", "check that /dev/net/tun exists and the agent runs as root"},
	HostRoute:  {Fatal, 1, "routes could not be set", "end the agent and start it again: its start undoes every change"},
	HostDNS:    {Fatal, 1, "DNS could not be set", "end the agent and start it again: its start undoes every change"},
	HostUndo:   {Fatal, 1, "some changes to this machine could not be undone", "the log names what is left; end the agent, then run: sudo holdfast rescue"},
	HostLocked: {Policy, 1, "an agent is running and owns the changes to this machine", "stop it first, or use holdfast disconnect"},
	HostDir:    {Fatal, 1, "the agent's directory is not safe to use", "it must belong to the agent's user and be writable by nobody else"},
	HostOther:  {Fatal, 1, "this system is not supported for real tunnels yet", "try it with: holdfast demo"},
	HostSlow:   {Fatal, 1, "the changes to this machine did not end in time", "the log names the step; end the agent, then run: sudo holdfast rescue"},
	HostClock:  {Fatal, 6, "this machine's clock seems wrong", "compare it with another clock, set it if it is wrong, and try again"},
	HostFixed:  {Fatal, 1, "this machine's resolv.conf cannot be changed", "let /etc/resolv.conf be written to (chattr -i, a writable mount), or let systemd-resolved or resolvconf have it"},

	HostService:   {Fatal, 1, "the service cannot be changed", "the system's log may say more: journalctl, or the event viewer"},
	HostPackaged:  {Policy, 1, "a package takes care of the service", "use systemctl for what holdfastd start, stop and restart do not do"},
	HostNoService: {Fatal, 1, "the service is not installed", "install it with: sudo holdfastd install"},
	HostFilter:    {Fatal, 1, "the packet filter could not be set", "the log says why; end the agent and start it again: its start undoes every change"},

	PolNotOwner:  {Policy, 7, "the session belongs to another user", "ask its owner or an administrator to disconnect it"},
	PolGroup:     {Policy, 7, "this user may not do that", "ask an administrator to run: sudo usermod -aG holdfast USER"},
	PolRoot:      {Policy, 7, "this needs root", "run it with sudo"},
	PolBanner:    {Policy, 7, "the banner was declined", "the gateway's owner asks you to accept it before you connect"},
	PolAlways:    {Policy, 7, "policy does not allow to disconnect", "ask your administrator"},
	PolConnected: {Policy, 1, "a session to another gateway is up", "end it first: holdfast disconnect"},
	PolBusy:      {Policy, 1, "too many clients talk to the agent", "close some of them and try again"},
	PolBrowser:   {Policy, 7, "a web page may not talk to the agent", "use holdfast or holdfast-tray"},
	PolManual:    {Policy, 7, "the profile allows its own hosts only", "list them with: holdfast hosts"},
	PolTunnel:    {Policy, 7, "this machine's local policy forbids this kind of tunnel", "ask your administrator"},
	PolTrust:     {Policy, 7, "this machine's local policy does not let a user trust a gateway", "connect without --pin and --ca; the gateway's administrator must mend its certificate"},
	PolLocked:    {Policy, 7, "this setting is not yours to change", "see who decides it with: holdfast preferences"},
	PolFips:      {Policy, 7, "this machine's local policy wants FIPS cryptography, which this version does not have", "ask your administrator"},

	UseBad:          {Fatal, 2, "the command line is not right", "add --help to see how the command is used"},
	UseTarget:       {Fatal, 2, "this is no target one can connect to", "give a host entry of a profile, host[:port][/group], or an https URL"},
	UseNotConnected: {Fatal, 9, "there is no session", "connect first: holdfast connect TARGET"},
	UseWait:         {Retryable, 8, "the state was not reached in time", "see why with: holdfast state --why"},
	UseInterrupted:  {Policy, 130, "interrupted", ""},
	UseNotYet:       {Fatal, 2, "this version does not have that yet", "see docs/compatibility.md"},
	UseVerb:         {Fatal, 2, "the agent does not know this request", "check that holdfast and holdfastd have the same version: holdfast version"},
	UseRequest:      {Fatal, 2, "the agent cannot use this request", "check that holdfast and holdfastd have the same version: holdfast version"},
	UseRecord:       {Fatal, 2, "this is no record of a session that this version can read", "save one with: holdfast timeline --save FILE"},
	UseReplay:       {Fatal, 1, "the replay goes another way than the record", "another version of Holdfast decided otherwise, or the file was changed"},

	ProfInvalid: {Fatal, 1, "the profile cannot be read", "check it with: holdfast profile check FILE"},
	ProfHost:    {Fatal, 2, "no profile has this host", "list them with: holdfast hosts"},
	ProfFetch:   {Retryable, 1, "the gateway's profile could not be fetched", "a login goes on only with the profile that the gateway has for it: try again, then ask its administrator"},
	ProfHash:    {Fatal, 1, "the profile that came is not the one the gateway announced", "do not connect from this network; ask the gateway's administrator if it happens elsewhere too"},
	ProfPolicy:  {Policy, 7, "this machine's local policy cannot be read", "an administrator must mend or remove the file; until then nothing is connected"},
	ProfThere:   {Policy, 1, "another profile of that name is installed", "replace it with --replace, or give the file another name"},

	Internal: {Fatal, 1, "something went wrong inside Holdfast", "please report it with the log"},
}

// Lookup returns the registry's entry, that of Internal for an unknown code.
func Lookup(c Code) Entry {
	if e, ok := registry[c]; ok {
		return e
	}
	return registry[Internal]
}

// Codes lists every code in order.
func Codes() []Code { return slices.Sorted(maps.Keys(registry)) }
