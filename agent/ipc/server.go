package ipc

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
)

// Times the server keeps.
const (
	headerTime = 5 * time.Second  // to send a request's header
	readTime   = 10 * time.Second // to send all of it
	writeTime  = 30 * time.Second // to take the answer
	idleTime   = 60 * time.Second // between requests
	eventTime  = 5 * time.Second  // to take what one write of a stream holds
	stopTime   = 2 * time.Second  // for requests under way when the agent stops
	maxHeader  = 16 << 10         // bytes
)

// Sessions is the part of the agent that holds the session.
type Sessions interface {
	// State is the full state, its counters fresh, and the session's owner by localsock.Peer.ID. The owner of a session that ended stays its owner, so that he can
	// see why, until somebody else connects; "" is nobody.
	State(ctx context.Context) (s State, owner string)
	// Connect begins and returns at once. A session of somebody else is POL-001, an own one to another target POL-006.
	Connect(ctx context.Context, p localsock.Peer, r ConnectRequest) (Accepted, error)
	// Disconnect returns when it has begun, and at once without an error if there is nothing to end.
	Disconnect(ctx context.Context, p localsock.Peer) error
	// Answer gives an answer to an open prompt; AUTH-007 if it is not open.
	Answer(ctx context.Context, p localsock.Peer, promptID string, a Answer) error
}

// Reports is the part of the agent that tells.
type Reports interface {
	// Timeline lists what happened, oldest first.
	Timeline(ctx context.Context) ([]Record, error)
	// Hosts lists the hosts that a user can name: those of the machine's profiles, and of the profiles that gateways gave him.
	Hosts(ctx context.Context, p localsock.Peer) ([]HostEntry, error)
	// Stats is USE-003 without a session.
	Stats(ctx context.Context) (Stats, error)
	Version() Version
	// Recording writes the machine's record, as agent/machine/record reads it, as far as it is the peer's own; root gets all.
	Recording(ctx context.Context, p localsock.Peer, w io.Writer) error
}

// Record is an entry of the timeline and whose session it is of.
type Record struct {
	Owner string // localsock.Peer.ID; "" is shown to root only
	Entry Entry
}

// Backend is the agent as the server needs it. Errors are *fault.Error; any other is INT-001 for the client and goes to the log. Calls come from many
// goroutines; each ends with its context.
type Backend interface {
	Sessions
	Reports
	Policies
	Trusts
	Impairer
}

// Server answers clients.
type Server struct {
	backend Backend
	hub     *Hub
	log     *slog.Logger
}

// NewServer returns a server of b and the events of h.
func NewServer(b Backend, h *Hub, log *slog.Logger) *Server {
	return &Server{backend: b, hub: h, log: log}
}

// Serve answers clients on l until ctx ends; it closes l. Every connection must know its peer as platform/localsock's do, others are closed. It returns nil
// when ctx ended, else why it cannot go on.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	hs := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, clientKey{}, c)
		},
	}
	hs.Protocols = new(http.Protocols)
	hs.Protocols.SetHTTP1(true)
	var failed error
	served := make(chan struct{})
	go func() {
		defer close(served)
		failed = hs.Serve(newLimiter(l))
	}()
	select {
	case <-served:
		return errors.Join(failed, hs.Close())
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if err := hs.Shutdown(stop); err != nil {
		s.log.Warn("requests were still under way", "err", err)
		_ = hs.Close()
	}
	<-served
	return nil
}

type clientKey struct{}

// ServeHTTP passes a request through the gates, in the order doc.go gives.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, ok := r.Context().Value(clientKey{}).(*client)
	if !ok {
		s.refuse(w, r, http.StatusForbidden, fault.New(fault.PolGroup, nil))
		return
	}
	v, id := find(r.Method, r.URL.Path)
	switch {
	case c.busy:
		w.Header().Set("Connection", "close")
		s.refuse(w, r, status(fault.PolBusy), fault.New(fault.PolBusy, nil))
	case !c.peer.Root && !c.peer.Member:
		s.refuse(w, r, http.StatusForbidden, fault.New(fault.PolGroup, nil))
	case len(r.Header.Values("Origin")) > 0:
		s.refuse(w, r, http.StatusForbidden, fault.New(fault.PolBrowser, nil))
	case v == nil:
		s.refuse(w, r, http.StatusNotFound, fault.New(fault.UseVerb, nil))
	case r.Method != v.method:
		w.Header().Set("Allow", v.method)
		s.refuse(w, r, http.StatusMethodNotAllowed, fault.New(fault.UseVerb, nil))
	case r.URL.RawQuery != "":
		s.refuse(w, r, http.StatusBadRequest, unusable("the query"))
	default:
		s.call(w, r, v, call{peer: c.peer, id: id})
	}
}

// call applies the verb's rule and runs it.
func (s *Server) call(w http.ResponseWriter, r *http.Request, v *verb, c call) {
	st, sessionOwner := s.backend.State(r.Context())
	c.down = st.State == stateDown
	if !v.may.allows(c.peer, sessionOwner, c.down) {
		why := fault.PolNotOwner
		if v.may == superuser {
			why = fault.PolRoot
		}
		s.refuse(w, r, http.StatusForbidden, fault.New(why, nil))
		return
	}
	if err := v.run(s, w, r, c); err != nil {
		f := fault.As(err)
		code := status(f.Code)
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			code = http.StatusRequestEntityTooLarge
		}
		s.refuse(w, r, code, f)
	}
}

// refuse answers with an error. What is our own failure is logged with its cause, which the client does not get.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, code int, err error) {
	f := fault.As(err)
	if code >= http.StatusInternalServerError {
		s.log.Warn("request failed", "method", r.Method, "path", r.URL.Path, "err", f)
	}
	s.send(w, code, ErrorBody{wire(f)})
}
