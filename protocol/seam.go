package protocol

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
	"github.com/holdfast-vpn/holdfast/protocol/strap"
)

// Path is one way to the gateway: the uplink, the address we use on it and the next hop. The zero Path means "as the system routes".
type Path struct {
	IfIndex int
	Name    string
	Local   netip.Addr
	NextHop netip.Addr
	MTU     int // the longest packet that it carries, in bytes with all headers, where that is known to be less than the system thinks; 0 otherwise
}

// Dialer opens outer connections: bound to the path's uplink, marked so that they never enter the tunnel, resolved by the uplink's own DNS.
// Errors are *fault.Error (NET-…).
type Dialer interface {
	// Lookup returns the addresses of host, in the order they should be tried. /etc/hosts comes first. A literal address is returned as it is.
	Lookup(ctx context.Context, host string) ([]netip.Addr, error)
	// DialTCP connects to one address. via is the zero Path for "any".
	DialTCP(ctx context.Context, to netip.AddrPort, via Path) (net.Conn, error)
}

// DatagramDialer is what a Dialer is, too, on a network that has datagrams. Where it is none there is no DTLS.
type DatagramDialer interface {
	// DialUDP returns a socket connected to one address, under the rules of DialTCP. It sends nothing.
	DialUDP(ctx context.Context, to netip.AddrPort, via Path) (net.Conn, error)
}

// PathResolver is what a Dialer is, too, when it can ask name servers through one path.
type PathResolver interface {
	// LookupVia is Lookup with the questions sent by this path.
	LookupVia(ctx context.Context, host string, via Path) ([]netip.Addr, error)
}

// Trust says whom to believe (contract: --ca, --pin). Pins win over chain, name and dates; CA adds to the system roots; Require is asked besides all of them.
type Trust struct {
	CAPEM    []byte
	Pins     [][32]byte // SHA-256 over the leaf's SubjectPublicKeyInfo
	Accepted *[32]byte  // the same, of the key that the user accepted for this gateway where the chain, the name or the date does not hold. Nil for none
	Require  [][64]byte // a profile's CertificatePinList, SHA-512 over SubjectPublicKeyInfo: the verified chain must have one of these keys. Nil asks for none
}

// Target is what the user asked for, resolved to one gateway.
type Target struct {
	Name     string // as shown to the user: the profile's HostName or what was typed
	Host     string // DNS name or address literal, no port
	Port     uint16
	Group    string // --group: an option's value, label or number; "" for the gateway's default
	Path     string // group path, "/" when none
	User     string // --user; "" asks
	Last     Last   // what questions begin with
	Trust    Trust
	Identity *Identity    // the client certificate; nil without one
	Hostname string       // what we call ourselves in X-CSTP-Hostname
	Fixed    []netip.Addr // addresses to use instead of a lookup: those of the first resolution
	Families Families     // of the addresses that a lookup finds
}

// Last is what the user gave this gateway the last time: the label or value of a group, the name of a user. Nothing is answered with it unasked.
type Last struct{ Group, User string }

// SessionRef is the right to come back: it is live, holds the token and never leaves the process unsealed.
type SessionRef struct {
	Target  Target
	Token   redact.Secret
	Gateway netip.AddrPort // that worked
	LeafKey [32]byte       // SHA-256 of the SubjectPublicKeyInfo seen at login; a reconnect must see it again, or a chain that verifies as at login
	MTU     int            // the longest packet that was found to fit while it lived, where that was less than negotiated; 0 not found
	DynDNS  bool           // the gateway wants its name resolved again when the session comes back
	Prior   []netip.Prefix // inside addresses of the last tunnel, told to the gateway on CONNECT
	Key     strap.Key      // announced at login: it signs each CONNECT; empty where none was
}

// Connector makes tunnels of one protocol.
type Connector interface {
	// Open authenticates and negotiates. It may ask the user through p, any number of times.
	Open(ctx context.Context, t Target, p Prompter) (Tunnel, error)
	// Reach makes a verified connection to the session's gateway and commits nothing: any number may race.
	Reach(ctx context.Context, s SessionRef, via Path) (Reached, error)
	// Resume presents the token on it. It is a commit: after it the session's older tunnel is gone. No user interaction.
	Resume(ctx context.Context, s SessionRef, r Reached) (Tunnel, error)
}

// Reached is a verified connection on which nothing has been committed. Whoever holds it closes it or hands it to Resume.
type Reached interface {
	Path() Path
	RTT() time.Duration
	Close() error
}

// Tunnel is an established tunnel. Its goroutines end with Close.
type Tunnel interface {
	Settings() *Settings // as they are now; what it points to does not change
	Session() SessionRef
	Carrier() Carrier
	// Notifications is closed by Close, after the last notification.
	Notifications() <-chan Notification
	// Probe asks the peer for a sign of life and returns when it came (any frame counts), or ctx's error.
	Probe(ctx context.Context) error
	Close(reason CloseReason) error
}

// Sleeper is what a Tunnel is, too, when it asks its gateway for signs of life by itself. From Sleep(true) on it sends nothing but packets and judges nothing, because the machine goes to sleep;
// Sleep(false) says that it woke, or that time was lost without a word before: every deadline begins anew.
type Sleeper interface {
	Sleep(asleep bool)
}

// Carrier moves packets. One goroutine reads and one writes; Close unblocks both.
type Carrier interface {
	// ReadBatch blocks for the first packet and fills b with what else is there.
	ReadBatch(b *packet.Batch) error
	// WriteBatch sends the whole batch; the caller reuses it after return.
	WriteBatch(b *packet.Batch) error
	Overhead() int
	Close() error
}

// Receiver is the half of a Carrier that brings packets.
type Receiver interface {
	ReadBatch(b *packet.Batch) error
}

// Doubled is what a Carrier is, too, when packets come to it by two ways at once. Beside is the second one, always the same: it is read by a goroutine of its own,
// waits while it has nothing, and ends with Close.
type Doubled interface {
	Beside() Receiver
}

// CloseReason is what we tell the gateway (protocol.md §2.4).
type CloseReason uint8

const (
	CloseQuiet     CloseReason = iota // say nothing: the path is dead or the session goes on elsewhere
	CloseUser                         // 0xb0: the session ends at the gateway
	CloseReconnect                    // 0x91: the session is kept
)

// NoteKind is what happened to a tunnel by itself.
type NoteKind uint8

const (
	// NoteDown: the carrier failed (read, write, DPD). Err is a *fault.Error.
	NoteDown NoteKind = iota + 1
	// NotePeerDead: DPD got no answer.
	NotePeerDead
	// NoteServerClosed: DISCONNECT or TERMINATE from the gateway; Reason is its first byte or 0, Text its cleaned text.
	NoteServerClosed
	// NoteRekey: the gateway wants a new tunnel by now.
	NoteRekey
	// NoteSilence: data was sent and nothing came back for max(100 ms, 4 SRTT); a DPD is under way.
	NoteSilence
	// NoteHeard: the silence ended.
	NoteHeard
	// NoteCarrier: packets travel by another transport; Text says which, and why. Addresses and routes are not touched.
	NoteCarrier
	// NoteMTU: Settings has another MTU; Text says which, and why. Nothing was negotiated, and nothing else in Settings is new.
	NoteMTU
	// NoteRenew: a new tunnel of the same session would be better, for a reason of our own that Text has; packets travel. It may be told again.
	NoteRenew
	// NoteKeys: packets travel by the same transport under new keys; Text says which.
	NoteKeys
	// NoteRetry: packets travel as before, and when the faster transport is tried next is news.
	NoteRetry
)

// Notification is one such event.
type Notification struct {
	Kind   NoteKind
	Reason byte
	Text   string
	Err    error
	Asked  time.Duration // NoteSilence: for how long a question has been out on every way in use, at the least
}

// Prompter asks the user. It blocks until the answer came, ctx ended, or the prompt was withdrawn; a refusal is a *fault.Error of kind Policy or NeedsUser.
type Prompter interface {
	Ask(ctx context.Context, f Form) (Answer, error)
}

// Watcher is what a Prompter is, too, when it wants to know how its login stands. Its methods are called by the goroutine that calls Ask, in order.
type Watcher interface {
	// Answered says, once, that the gateway has answered at all.
	Answered()
	// Waiting says that the gateway has had the user's answers for a while, and then that it goes on: in between a person may be looking for a phone.
	Waiting(on bool)
	// LoggedIn says, once, that the gateway knows who the user is: what is left is the tunnel.
	LoggedIn()
}

// ProfileKeeper is what a Prompter is, too, when it keeps the client profiles that gateways hand over with a login. Its methods are called by the goroutine that
// calls Ask, after the last question.
type ProfileKeeper interface {
	// TakesProfile reports whether a profile may be taken from a gateway at all; where not, the login goes on without.
	TakesProfile(from Target) bool
	// KeptProfile is the SHA-1 of the document that is kept for a gateway; false where there is none.
	KeptProfile(t Target) (sum [20]byte, ok bool)
	// KeepProfile keeps a document for a gateway in place of the one before. It comes from a stranger. An error ends the login.
	KeepProfile(t Target, doc []byte) error
}

// FormKind is the kind of a prompt (contract: socket API).
type FormKind string

const (
	FormForm    FormKind = "form"
	FormBanner  FormKind = "banner"
	FormBrowser FormKind = "browser" // its answer is the one field ResponseField
	FormTrust   FormKind = "trust"
)

// ResponseField is the name of the field that answers a Form of kind FormBrowser: what the browser brought, in base64.
const ResponseField = "response"

// Form is what the gateway asks, cleaned for display. Field names are the gateway's; one that comes again in a later form is NAME2, NAME3.
type Form struct {
	Kind    FormKind
	Title   string
	Message string
	Error   string // why the last answer was refused
	Fields  []Field
	Browser *Browser   // of FormBrowser
	Trust   *Untrusted // of FormTrust
	// Check judges an answer before it is taken: with an error the question stays open. Nil takes any. It may be called from any goroutine, and is quick.
	Check func(Answer) error
}

// Browser is a page at which the user signs in, in a browser of theirs, and the port of loopback that it brings the response to. Host and Gateway are the only
// hosts that it may be sent on to from there; both have their port where it is not 443.
type Browser struct {
	URL     string // https, printable ASCII
	Host    string // of URL
	Gateway string
	Port    uint16
}

// Field is one visible field.
type Field struct {
	Name    string
	Label   string
	Type    string // text, password, select
	Value   string // preset, never for a password
	Last    string // what this user gave the last time, where that is known: a person begins with it, a script does not
	Options []Option
}

// Option is one choice of a select.
type Option struct{ Value, Label string }

// Answer is the user's answer: Accept for a banner and for a key, Values by field name for a form.
type Answer struct {
	Accept bool
	Values map[string]redact.Secret
}

// Settings is what the gateway gave: a value, validated. Durations are zero when off.
type Settings struct {
	Addresses    []netip.Prefix // inside addresses with the network's length, at most one per family
	MTU          int
	DNS          []netip.Addr
	NBNS         []netip.Addr
	Search       []string // default domains
	SplitDNS     []string
	TunnelAllDNS bool
	SplitInclude []netip.Prefix
	SplitExclude []netip.Prefix
	TunnelAll    bool // no include was given
	// Domains whose traffic belongs into the tunnel, or outside, whatever their addresses are.
	DynamicInclude []string
	DynamicExclude []string
	BypassProtocol bool // X-CSTP-Client-Bypass-Protocol: the family without an inside address may go outside
	LocalLAN       bool // exclude 0.0.0.0/32
	Banner         string

	DPD, Keepalive      time.Duration
	IdleTimeout         time.Duration
	DisconnectedTimeout time.Duration
	SessionTimeout      time.Duration // smallest of lease, session timeout and what remains of it
	TimeoutAlert        time.Duration
	RekeyTime           time.Duration
	RekeyMethod         string // ssl, new-tunnel or ""
	DynDNS              bool

	Gateway netip.AddrPort
	Local   netip.Addr // ours on the way to it; not valid when the connection has none
	Server  string     // X-CSTP-Server-Name
	Cipher  string     // of the TLS connection
	Group   string     // the group's label that was used
	User    string
	Raw     []Header // every X-CSTP-* header as it came, less the secret ones, for `stats` and bundles
}

// Header is one response header.
type Header struct{ Name, Value string }
