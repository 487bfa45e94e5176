package ipc

import "time"

// What can be wrong with a gateway's certificate: the words of Trust.Problems.
const (
	ProblemAuthority = "unknown-authority" // nobody whom this machine trusts vouches for it
	ProblemName      = "name"              // it is for another name than the one that was dialled
	ProblemExpired   = "expired"           // its time is over, or this machine's clock is ahead
	ProblemNotYet    = "not-yet"           // its time has not begun, or this machine's clock is behind
	ProblemUsage     = "usage"             // it is not meant for a server
	ProblemWeak      = "weak"              // its key or its signature is too weak to prove anything
	ProblemInvalid   = "invalid"           // something else does not hold
)

// Trust is what a prompt of kind trust asks about: a gateway whose certificate cannot be verified. Its texts come from whoever answered, cleaned and bounded; only the fingerprints prove
// anything. It is answered with accept; true pins the key for this user and this gateway, as if it had been given with --pin each time.
type Trust struct {
	Host     string   `json:"host"`     // that was dialled, with its port unless that is 443
	Problems []string `json:"problems"` // the words above, what weighs most first
	// Pin is the fingerprint of the key, SHA-256 over the SubjectPublicKeyInfo, as --pin takes it: sha256:HEX.
	Pin string `json:"pin"`
	// Certificate is the SHA-256 over the whole certificate, as other programs show it, in hex.
	Certificate string    `json:"certificate"`
	Subject     string    `json:"subject,omitempty"`
	Issuer      string    `json:"issuer,omitempty"`
	Names       []string  `json:"names,omitempty"` // that it is for, the first few
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
}
