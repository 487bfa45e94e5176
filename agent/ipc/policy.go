package ipc

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
)

// Bounds on what is set and imported.
const (
	maxSettings = 64   // of one request
	maxSetting  = 1024 // bytes of one value
	// MaxProfile is how large an imported profile may be, in bytes: in base64 it must fit into a body.
	MaxProfile = 700 << 10
)

// Policies is the part of the agent that knows what profiles, local policy and preferences say.
type Policies interface {
	// Preferences lists the values in force for a user.
	Preferences(ctx context.Context, p localsock.Peer) (Policy, error)
	// Prefer changes what a user, or root for all users, has chosen: all of it or nothing. A value that is locked is POL-012.
	Prefer(ctx context.Context, p localsock.Peer, r Preference) error
	// Import puts a profile among those of this machine. Another one of that name is PROF-006 unless r.Replace.
	Import(ctx context.Context, p localsock.Peer, r ImportRequest) (Imported, error)
}

// Policy is `GET /v1/preferences`: the values that a connect without a target would have.
type Policy struct {
	Target  string `json:"target,omitempty"`  // the host they are for
	Profile string `json:"profile,omitempty"` // that holds it
	// ManualHosts says whether a gateway that no profile has may be connected to. It is for the machine: one profile that forbids it is enough. Nil from an agent that does not say.
	ManualHosts *bool     `json:"manual_hosts,omitempty"`
	Settings    []Setting `json:"settings"`
}

// Setting is one value in force.
type Setting struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
	Locked bool   `json:"locked"`
	Why    string `json:"why,omitempty"`  // it is locked
	User   bool   `json:"user,omitempty"` // a kind of value that can be a user's
	Status string `json:"status"`
}

// Preference is `POST /v1/preferences`: values to choose by name, and choices to take back. Global is for all users, and root's alone.
type Preference struct {
	Set    map[string]string `json:"set,omitempty"`
	Reset  []string          `json:"reset,omitempty"`
	Global bool              `json:"global,omitempty"`
}

func (r Preference) check() error {
	if len(r.Set)+len(r.Reset) == 0 || len(r.Set)+len(r.Reset) > maxSettings {
		return fault.Newf(fault.UseRequest, nil, "there is nothing to change, or too much")
	}
	for name, value := range r.Set {
		if !text(name, maxName) || !text(value, maxSetting) {
			return unusable("set")
		}
	}
	for _, name := range r.Reset {
		if !text(name, maxName) {
			return unusable("reset")
		}
	}
	return nil
}

// ImportRequest is `POST /v1/profiles`: the bytes of a profile, and the name that its file shall have. It is no path.
type ImportRequest struct {
	Name    string `json:"name"`
	Content []byte `json:"content"` // base64 in JSON
	Replace bool   `json:"replace,omitempty"`
}

func (r ImportRequest) check() error {
	if !text(r.Name, maxName) {
		return unusable("name")
	}
	if len(r.Content) > MaxProfile {
		return unusable("content")
	}
	return nil
}

// Imported says what came of an import.
type Imported struct {
	Result   string   `json:"result"` // imported, replaced, unchanged
	Hosts    int      `json:"hosts"`
	Warnings []string `json:"warnings,omitempty"`
}

func (s *Server) preferences(w http.ResponseWriter, r *http.Request, c call) error {
	p, err := s.backend.Preferences(r.Context(), c.peer)
	if err != nil {
		return err
	}
	s.send(w, http.StatusOK, p)
	return nil
}

func (s *Server) prefer(w http.ResponseWriter, r *http.Request, c call) error {
	var req Preference
	if err := decode(w, r, &req); err != nil {
		return err
	}
	if err := req.check(); err != nil {
		return err
	}
	if req.Global && !c.peer.Root {
		return fault.New(fault.PolRoot, nil)
	}
	if err := s.backend.Prefer(r.Context(), c.peer, req); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) importProfile(w http.ResponseWriter, r *http.Request, c call) error {
	var req ImportRequest
	if err := decode(w, r, &req); err != nil {
		return err
	}
	if err := req.check(); err != nil {
		return err
	}
	done, err := s.backend.Import(r.Context(), c.peer, req)
	if err != nil {
		return err
	}
	s.send(w, http.StatusOK, done)
	return nil
}

// Preferences asks for the values in force.
func (c *Client) Preferences(ctx context.Context) (Policy, error) {
	var p Policy
	return p, c.call(ctx, http.MethodGet, "/v1/preferences", nil, &p)
}

// Prefer changes preferences.
func (c *Client) Prefer(ctx context.Context, r Preference) error {
	if err := r.check(); err != nil {
		return err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return fault.New(fault.Internal, err)
	}
	return c.call(ctx, http.MethodPost, "/v1/preferences", body, nil)
}

// Import puts a profile among those of this machine.
func (c *Client) Import(ctx context.Context, r ImportRequest) (Imported, error) {
	if err := r.check(); err != nil {
		return Imported{}, err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return Imported{}, fault.New(fault.Internal, err)
	}
	var done Imported
	return done, c.call(ctx, http.MethodPost, "/v1/profiles", body, &done)
}
