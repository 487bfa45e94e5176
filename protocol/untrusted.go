package protocol

import (
	"strings"
	"time"
)

// Untrusted is a gateway whose certificate does not hold: what a Form of kind trust asks about, and the cause of the error where nobody is asked. All texts come from whoever answered, and
// are cleaned and bounded; only the fingerprints prove anything.
type Untrusted struct {
	Host        string // that was dialled
	Port        uint16
	Problems    []Problem // what weighs most first
	Key         [32]byte  // SHA-256 over the SubjectPublicKeyInfo
	Certificate [32]byte  // SHA-256 over the whole certificate
	Subject     string
	Issuer      string
	Names       []string // that it is for, the first few
	NotBefore   time.Time
	NotAfter    time.Time
}

// Error names the problems: there is nothing in it that a stranger wrote.
func (u *Untrusted) Error() string {
	words := make([]string, len(u.Problems))
	for i, p := range u.Problems {
		words[i] = string(p)
	}
	return "certificate: " + strings.Join(words, ", ")
}

// Problem is what is wrong with a certificate.
type Problem string

// The problems, what weighs most first.
const (
	ProblemAuthority Problem = "unknown-authority" // nobody whom this machine trusts vouches for it
	ProblemName      Problem = "name"              // it is for another name than the one that was dialled
	ProblemExpired   Problem = "expired"           // its time is over, or this machine's clock is ahead
	ProblemNotYet    Problem = "not-yet"           // its time has not begun, or this machine's clock is behind
	ProblemUsage     Problem = "usage"             // it is not meant for a server
	ProblemWeak      Problem = "weak"              // its key or its signature is too weak to prove anything
	ProblemInvalid   Problem = "invalid"           // something else does not hold
)

// Problems lists them all.
func Problems() []Problem {
	return []Problem{ProblemAuthority, ProblemName, ProblemExpired, ProblemNotYet, ProblemUsage, ProblemWeak, ProblemInvalid}
}

// TrustKeeper is what a Prompter is, too, when it keeps the keys of gateways that its user has accepted. Its methods are called by the goroutine that calls Ask, and at a login alone: a
// session that comes back knows its gateway by the key of the login, and nobody is asked then.
type TrustKeeper interface {
	// AcceptedKey is the key that the user accepted for a gateway. It counts where the certificate does not hold, and then no other key does.
	AcceptedKey(host string, port uint16) (key [32]byte, ok bool)
	// MayAccept reports whether the user may be asked to accept a key.
	MayAccept() bool
	// AcceptKey keeps one. An error ends the login.
	AcceptKey(host string, port uint16, key [32]byte) error
}
