package ipc

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"runtime/pprof"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// MaxProfiling is the longest a processor profile may take, in seconds.
const MaxProfiling = 60

// maxCPUProfile bounds what a client takes of one, in bytes: they are some tens of KiB.
const maxCPUProfile = 8 << 20

// ProfilingRequest is `POST /v1/debug/profile`. The answer is a processor profile of the agent as `go tool pprof` reads it: names of functions and how often each was seen at work, no
// data of anybody.
type ProfilingRequest struct {
	Seconds int `json:"seconds"` // 1 to MaxProfiling
}

func (r ProfilingRequest) check() error {
	if r.Seconds < 1 || r.Seconds > MaxProfiling {
		return unusable("seconds")
	}
	return nil
}

// profiling measures while the client waits. There is one at a time: the runtime has one profiler.
func (s *Server) profiling(w http.ResponseWriter, r *http.Request, _ call) error {
	var req ProfilingRequest
	if err := decode(w, r, &req); err != nil {
		return err
	}
	if err := req.check(); err != nil {
		return err
	}
	long := time.Duration(req.Seconds) * time.Second
	rc := http.NewResponseController(w)
	if err := rc.SetReadDeadline(time.Time{}); err != nil {
		return fault.New(fault.Internal, err)
	}
	if err := rc.SetWriteDeadline(time.Now().Add(long + writeTime)); err != nil {
		return fault.New(fault.Internal, err)
	}
	var out bytes.Buffer
	if err := pprof.StartCPUProfile(&out); err != nil {
		return fault.New(fault.PolBusy, err)
	}
	timer := time.NewTimer(long)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
	pprof.StopCPUProfile()
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(out.Bytes()) // who went away needs no answer
	return nil
}

// Profile has the agent measure where its processor time goes, and writes the profile to w.
func (c *Client) Profile(ctx context.Context, r ProfilingRequest, w io.Writer) error {
	if err := r.check(); err != nil {
		return err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return fault.New(fault.Internal, err)
	}
	own, cancel := context.WithTimeout(ctx, time.Duration(r.Seconds)*time.Second+callTime)
	defer cancel()
	resp, err := c.do(own, http.MethodPost, "/v1/debug/profile", body)
	if err != nil {
		return late(err)
	}
	defer resp.Body.Close()
	p, err := io.ReadAll(io.LimitReader(resp.Body, maxCPUProfile))
	if err != nil {
		return late(undecodable(own, err))
	}
	_, err = w.Write(p)
	return err
}
