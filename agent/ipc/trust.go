package ipc

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
)

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

// Problems lists them all, what weighs most first.
func Problems() []string {
	return []string{ProblemAuthority, ProblemName, ProblemExpired, ProblemNotYet, ProblemUsage, ProblemWeak, ProblemInvalid}
}

// Trust is what a prompt of kind trust asks about: a gateway whose certificate cannot be verified. Its texts come from whoever answered, cleaned and bounded; only the fingerprints prove
// anything. It is answered with accept; true keeps the key for this user and this gateway: where its certificate does not hold, that key is taken, and no other.
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

// Trusted is a gateway's key that a user has accepted.
type Trusted struct {
	Host string    `json:"host"` // with its port
	Pin  string    `json:"pin"`  // sha256:HEX
	At   time.Time `json:"at"`   // when
}

// Distrust is `POST /v1/trust`: the gateway whose key is no longer accepted, as the list names it or as it is connected to.
type Distrust struct {
	Forget string `json:"forget"`
}

func (r Distrust) check() error {
	if r.Forget == "" || !text(r.Forget, maxTarget) {
		return unusable("forget")
	}
	return nil
}

// Trusts is the part of the agent that keeps which gateways a user trusts although nobody vouches for them.
type Trusts interface {
	// Trusted lists the keys that a user has accepted, the oldest first.
	Trusted(ctx context.Context, p localsock.Peer) ([]Trusted, error)
	// Distrust lets go of one. USE-002 where none was accepted.
	Distrust(ctx context.Context, p localsock.Peer, host string) error
}

func (s *Server) trusted(w http.ResponseWriter, r *http.Request, c call) error {
	list, err := s.backend.Trusted(r.Context(), c.peer)
	if err != nil {
		return err
	}
	sendLines(s, w, list)
	return nil
}

func (s *Server) distrust(w http.ResponseWriter, r *http.Request, c call) error {
	var req Distrust
	if err := decode(w, r, &req); err != nil {
		return err
	}
	if err := req.check(); err != nil {
		return err
	}
	if err := s.backend.Distrust(r.Context(), c.peer, req.Forget); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// Trusted lists the keys of gateways that this user has accepted.
func (c *Client) Trusted(ctx context.Context) ([]Trusted, error) {
	var list []Trusted
	err := c.list(ctx, "/v1/trust", func(line []byte) error {
		var t Trusted
		err := json.Unmarshal(line, &t)
		list = append(list, t)
		return err
	})
	return list, err
}

// Distrust lets go of one.
func (c *Client) Distrust(ctx context.Context, host string) error {
	r := Distrust{host}
	if err := r.check(); err != nil {
		return err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return fault.New(fault.Internal, err)
	}
	return c.call(ctx, http.MethodPost, "/v1/trust", body, nil)
}
