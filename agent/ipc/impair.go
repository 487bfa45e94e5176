package ipc

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
)

// maxImpair bounds the text of an impairment, in bytes.
const maxImpair = 64

// Impairer is the part of the agent that breaks the way to the gateway on purpose.
type Impairer interface {
	// Impair begins a fault, or ends all of them, and returns those in force. A text that is none is USE-001, USE-003 says that there is no session.
	Impair(ctx context.Context, p localsock.Peer, r ImpairRequest) (Impaired, error)
}

// ImpairRequest is `POST /v1/debug/impair`: one impairment as protocol/impair reads it, or "off".
type ImpairRequest struct {
	Spec string `json:"spec"`
}

func (r ImpairRequest) check() error {
	if r.Spec == "" || !text(r.Spec, maxImpair) {
		return unusable("spec")
	}
	return nil
}

// Impaired is what is in force, each with the time that is left.
type Impaired struct {
	Impaired []string `json:"impaired"`
}

func (s *Server) impair(w http.ResponseWriter, r *http.Request, c call) error {
	var req ImpairRequest
	if err := decode(w, r, &req); err != nil {
		return err
	}
	if err := req.check(); err != nil {
		return err
	}
	done, err := s.backend.Impair(r.Context(), c.peer, req)
	if err != nil {
		return err
	}
	s.send(w, http.StatusOK, done)
	return nil
}

// Impair breaks the way to the gateway on purpose.
func (c *Client) Impair(ctx context.Context, r ImpairRequest) (Impaired, error) {
	if err := r.check(); err != nil {
		return Impaired{}, err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return Impaired{}, fault.New(fault.Internal, err)
	}
	var done Impaired
	return done, c.call(ctx, http.MethodPost, "/v1/debug/impair", body, &done)
}
