package ipc

import (
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/redact"
)

// State is `GET /v1/state` and `holdfast state --json`: stable keys, absent when unknown.
type State struct {
	State           string    `json:"state"`
	Since           time.Time `json:"since"`
	Target          string    `json:"target,omitempty"`
	Gateway         string    `json:"gateway,omitempty"`
	Protocol        string    `json:"protocol,omitempty"`
	User            string    `json:"user,omitempty"`
	Group           string    `json:"group,omitempty"`
	Profile         string    `json:"profile,omitempty"`
	CaptivePortal   *bool     `json:"captive_portal,omitempty"`
	Transport       string    `json:"transport,omitempty"`
	TransportReason string    `json:"transport_reason,omitempty"`
	// TransportCode is the reason as a word that does not change, one of the Transport… constants; TransportSince is when it began to hold, or packets to travel by the faster transport.
	// TransportRetryAt is when that is tried next: a time that has passed means that it is being tried, none that it is not tried again.
	TransportCode    string         `json:"transport_code,omitempty"`
	TransportSince   *time.Time     `json:"transport_since,omitempty"`
	TransportRetryAt *time.Time     `json:"transport_retry_at,omitempty"`
	VerifiedAt       *time.Time     `json:"verified_at,omitempty"`
	Probing          bool           `json:"probing,omitempty"`
	Cipher           string         `json:"cipher,omitempty"`
	Interface        string         `json:"interface,omitempty"`
	Addresses        []string       `json:"addresses,omitempty"`
	MTU              int            `json:"mtu,omitempty"`
	DNS              *DNS           `json:"dns,omitempty"`
	SplitInclude     []string       `json:"split_include,omitempty"`
	SplitExclude     []string       `json:"split_exclude,omitempty"`
	TunnelAll        *bool          `json:"tunnel_all,omitempty"`
	Banner           string         `json:"banner,omitempty"`
	Prompt           *Prompt        `json:"prompt,omitempty"`
	Session          *Session       `json:"session,omitempty"`
	Counters         *Counters      `json:"counters,omitempty"`
	Reconnects       *Reconnects    `json:"reconnects,omitempty"`
	LastReconnect    *LastReconnect `json:"last_reconnect,omitempty"`
	Error            *Error         `json:"error,omitempty"`
	// Impaired lists what root has broken on purpose, each with the time that is left.
	Impaired []string `json:"impaired,omitempty"`
	// Attempt is the id of the connect that this state belongs to, so that a client knows its own outcome.
	Attempt string `json:"attempt,omitempty"`
	// Step is how far a login is, one of the Step… constants; absent when none is under way.
	Step string `json:"step,omitempty"`
	// Waiting says that the gateway has the answers and may be waiting for the user elsewhere: on a phone, at a token.
	Waiting *Waiting `json:"waiting,omitempty"`
}

// The steps of a login, in their order: the words of State.Step.
const (
	StepReach  = "reach"  // the gateway has not answered yet
	StepLogin  = "login"  // it asks who the user is
	StepTunnel = "tunnel" // it knows, and the tunnel is being made
	StepApply  = "apply"  // this machine is being set up for the tunnel
)

// Why packets travel by the slower transport: the words of State.TransportCode.
const (
	TransportSetup       = "setup"        // the faster one is being set up
	TransportRekey       = "rekey"        // it gets new keys
	TransportUDPBlocked  = "udp-blocked"  // nothing comes back by UDP
	TransportUDPRefused  = "udp-refused"  // nobody listens on the gateway's UDP port
	TransportUDPStopped  = "udp-stopped"  // it worked, and then the gateway no longer answered there
	TransportUDPNarrow   = "udp-narrow"   // UDP carries no packets of a useful size
	TransportUDPUnstable = "udp-unstable" // UDP comes and goes
	TransportEnded       = "ended"        // the gateway ended DTLS
	TransportRefused     = "refused"      // the handshake of DTLS was refused
	TransportNoOffer     = "no-offer"     // the gateway offers no DTLS that can be used
	TransportDisabled    = "disabled"     // there is no DTLS on this side
	TransportFailed      = "failed"       // anything else
)

// TransportCodes lists the words of State.TransportCode.
func TransportCodes() []string {
	return []string{TransportSetup, TransportRekey, TransportUDPBlocked, TransportUDPRefused, TransportUDPStopped, TransportUDPNarrow, TransportUDPUnstable, TransportEnded,
		TransportRefused, TransportNoOffer, TransportDisabled, TransportFailed}
}

// Waiting is since when the gateway keeps a login waiting, and until when the agent lets it.
type Waiting struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
}

// DNS is what name resolution looks like.
type DNS struct {
	Servers []string `json:"servers,omitempty"`
	Search  []string `json:"search,omitempty"`
	Split   []string `json:"split,omitempty"`
	Backend string   `json:"backend,omitempty"`
}

// Session is the session's calendar.
type Session struct {
	Started              time.Time  `json:"started"`
	Expires              *time.Time `json:"expires,omitempty"`
	Ending               bool       `json:"ending,omitempty"` // its owner was told that this is near
	IdleTimeoutS         int64      `json:"idle_timeout_s,omitempty"`
	DisconnectedTimeoutS int64      `json:"disconnected_timeout_s,omitempty"`
	Resumable            bool       `json:"resumable"`
}

// Counters count inside packets.
type Counters struct {
	TxBytes   uint64 `json:"tx_bytes"`
	RxBytes   uint64 `json:"rx_bytes"`
	TxPackets uint64 `json:"tx_packets"`
	RxPackets uint64 `json:"rx_packets"`
	Drops     uint64 `json:"drops"`
}

// Reconnects counts by level.
type Reconnects struct {
	Tunnel  uint64 `json:"tunnel"`
	Session uint64 `json:"session"`
}

// LastReconnect says what the last reconnect was and cost.
type LastReconnect struct {
	Level      string    `json:"level"`
	Code       int       `json:"code"`
	Reason     string    `json:"reason"`
	DetectedMS int64     `json:"detected_ms"`
	OutageMS   int64     `json:"outage_ms"`
	At         time.Time `json:"at"`
}

// Error is a coded error. Exit is only in the CLI's JSON.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message,omitempty"`
	Hint    string `json:"hint,omitempty"`
	Exit    int    `json:"exit,omitempty"`
}

// ErrorBody is the body of a 4xx or 5xx.
type ErrorBody struct {
	Error Error `json:"error"`
}

// Prompt is a pending question for the owner.
type Prompt struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"` // form banner trust browser sign
	Title   string    `json:"title,omitempty"`
	Message string    `json:"message,omitempty"`
	Error   string    `json:"error,omitempty"`
	Fields  []Field   `json:"fields,omitempty"`
	Sign    *Sign     `json:"sign,omitempty"`    // of kind sign
	Browser *Browser  `json:"browser,omitempty"` // of kind browser
	Trust   *Trust    `json:"trust,omitempty"`   // of kind trust
	Until   time.Time `json:"until"`
}

// Browser is where a prompt of kind browser wants a person to sign in. The agent opens no browser and listens nowhere: whoever answers opens URL in the person's own browser, and
// listens on loopback for what comes back (ui/browser does both). Its answer is the one field of the prompt, ResponseField: what the browser brought, once. It is sealed to a key that
// only the agent has, for this login alone.
type Browser struct {
	// URL is the page: https, printable ASCII, at most 2048 bytes, no user name in it.
	URL string `json:"url"`
	// Host is the page's host, with its port where that is not 443: to be shown, so that a person knows where a password goes.
	Host string `json:"host"`
	// Gateway is the gateway's host in the same spelling. Host and Gateway are the only places that the browser may be sent on to afterwards.
	Gateway string `json:"gateway"`
	// Port is the TCP port on 127.0.0.1 and ::1 that the page sends the browser to in the end.
	Port uint16 `json:"port"`
}

// ResponseField is the field that answers a prompt of kind browser.
const ResponseField = "response"

// Sign is what a prompt of kind sign asks of whoever holds the private key of a certificate. Its answer is the field "signature", in base64.
type Sign struct {
	// Certificate is the SHA-256 of the certificate in DER, in hex.
	Certificate string `json:"certificate"`
	// Scheme is rsa-pss-HASH, rsa-pkcs1-HASH or ecdsa-HASH with sha256, sha384 or sha512, or ed25519.
	Scheme string `json:"scheme"`
	// Content is what is signed, not its digest: nothing else than a TLS client's CertificateVerify (RFC 8446 section 4.4.3, RFC 5246 section 7.4.8), and
	// its holder should look.
	Content []byte `json:"content"`
}

// Field is one field of a form.
type Field struct {
	Name    string   `json:"name"`
	Label   string   `json:"label,omitempty"`
	Type    string   `json:"type"` // text password select
	Value   string   `json:"value,omitempty"`
	Last    string   `json:"last,omitempty"` // what this user gave the last time: what a person begins with, before Value; a script does not
	Options []Option `json:"options,omitempty"`
}

// Option is one choice.
type Option struct {
	Value string `json:"value"`
	Label string `json:"label,omitempty"`
}

// Answer answers a prompt: exactly one of the three.
type Answer struct {
	Fields map[string]redact.Secret `json:"fields,omitempty"`
	Accept *bool                    `json:"accept,omitempty"`
	Cancel bool                     `json:"cancel,omitempty"`
}

// ConnectRequest is `POST /v1/connect`. Pins are "sha256:HEX" or "pin-sha256:BASE64".
type ConnectRequest struct {
	Target   string   `json:"target"`
	Group    string   `json:"group,omitempty"`
	User     string   `json:"user,omitempty"`
	Protocol string   `json:"protocol,omitempty"`
	CAPEM    string   `json:"ca_pem,omitempty"`
	Pins     []string `json:"pins,omitempty"`
	// CertPEM is a client certificate and its chain, the leaf first; its key stays where it is and is asked by prompts of kind sign.
	CertPEM string `json:"cert_pem,omitempty"`
	// TimeoutMS is the budget of --timeout, ours and the network's time; 0 is 60 s.
	TimeoutMS int64 `json:"timeout_ms,omitempty"`
}

// Accepted answers connect: 202.
type Accepted struct {
	ID string `json:"id"`
}

// Event is one line of `GET /v1/events`. The first is the whole state.
type Event struct {
	Type     string    `json:"type"` // state prompt withdrawn notice timeline
	At       time.Time `json:"at"`
	State    *State    `json:"state,omitempty"`
	Prompt   *Prompt   `json:"prompt,omitempty"`
	ID       string    `json:"id,omitempty"` // withdrawn
	Notice   *Error    `json:"notice,omitempty"`
	Timeline *Entry    `json:"timeline,omitempty"`
}

// Entry is one line of the timeline.
type Entry struct {
	At       time.Time `json:"at"`
	Seq      uint64    `json:"seq"`
	Phase    string    `json:"phase"`
	Event    string    `json:"event"`
	Reason   string    `json:"reason,omitempty"`
	Evidence string    `json:"evidence,omitempty"`
	Effects  []string  `json:"effects,omitempty"`
	TookMS   float64   `json:"took_ms"`
	// Code is the number of Reason in docs/reason-codes.md, 0 where nothing was decided.
	Code int `json:"code,omitempty"`
	// Fault is the error code of what failed (docs/error-codes.md); absent where nothing did.
	Fault string `json:"fault,omitempty"`
	// Level and OutageMS are of an entry that ends a reconnect: tunnel or session, and for how long no packets travelled.
	Level    string `json:"level,omitempty"`
	OutageMS int64  `json:"outage_ms,omitempty"`
}

// Cause is what was found, and Decision what is done about it: the two halves of Reason.
func (e Entry) Cause() string {
	cause, _, _ := strings.Cut(e.Reason, ": ")
	return cause
}

// Decision is the other half; "" where nothing had to be done.
func (e Entry) Decision() string {
	_, decision, _ := strings.Cut(e.Reason, ": ")
	return decision
}

// HostEntry is one host of the profiles.
type HostEntry struct {
	Name     string `json:"name"`
	Address  string `json:"address,omitempty"`
	Group    string `json:"group,omitempty"`
	Protocol string `json:"protocol,omitempty"`
	Profile  string `json:"profile,omitempty"`
}

// Version is `GET /v1/version`.
type Version struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go,omitempty"`
	Agent   string `json:"agent,omitempty"`
	// API and Features are the agent's: see the constants of these names.
	API      int      `json:"api,omitempty"`
	Features []string `json:"features,omitempty"`
}

// Stats is `GET /v1/stats`: the state, its counters fresh, and what only the statistics show.
type Stats struct {
	State     State  `json:"state"`
	DurationS int64  `json:"duration_s"` // since the login, sleep included
	Control   Frames `json:"control_frames"`
}

// Frames counts frames that carry no packet: DPD, keepalive and the like.
type Frames struct {
	Tx uint64 `json:"tx"`
	Rx uint64 `json:"rx"`
}
