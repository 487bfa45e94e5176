package ipc

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

const lines = "application/x-ndjson"

func (s *Server) state(w http.ResponseWriter, r *http.Request, c call) error {
	st, owner := s.backend.State(r.Context())
	s.send(w, http.StatusOK, view(c.peer, owner, st))
	return nil
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request, _ call) error {
	s.send(w, http.StatusOK, s.backend.Version())
	return nil
}

func (s *Server) hosts(w http.ResponseWriter, r *http.Request, c call) error {
	hosts, err := s.backend.Hosts(r.Context(), c.peer)
	if err != nil {
		return err
	}
	sendLines(s, w, hosts)
	return nil
}

func (s *Server) connect(w http.ResponseWriter, r *http.Request, c call) error {
	var req ConnectRequest
	if err := decode(w, r, &req); err != nil {
		return err
	}
	if err := req.check(); err != nil {
		return err
	}
	a, err := s.backend.Connect(r.Context(), c.peer, req)
	if err != nil {
		return err
	}
	s.send(w, http.StatusAccepted, a)
	return nil
}

func (s *Server) disconnect(w http.ResponseWriter, r *http.Request, c call) error {
	if err := decode(w, r, &struct{}{}); err != nil {
		return err
	}
	if err := s.backend.Disconnect(r.Context(), c.peer); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, c call) error {
	var a Answer
	if err := decode(w, r, &a); err != nil {
		return err
	}
	if err := a.check(); err != nil {
		return err
	}
	if c.down { // decided on what the rule saw: a prompt that opens meanwhile is somebody else's
		return fault.New(fault.AuthPromptGone, nil)
	}
	if err := s.backend.Answer(r.Context(), c.peer, c.id, a); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// timeline lists the entries of the caller's own sessions; root gets all.
func (s *Server) timeline(w http.ResponseWriter, r *http.Request, c call) error {
	all, err := s.backend.Timeline(r.Context())
	if err != nil {
		return err
	}
	own := make([]Entry, 0, len(all))
	for _, rec := range all {
		if sees(c.peer, rec.Owner) {
			own = append(own, rec.Entry)
		}
	}
	sendLines(s, w, own)
	return nil
}

// recording sends the record of the caller's own session; root gets all. It is written to memory first, so that an error is told as one.
func (s *Server) recording(w http.ResponseWriter, r *http.Request, c call) error {
	var b bytes.Buffer
	if err := s.backend.Recording(r.Context(), c.peer, &b); err != nil {
		return err
	}
	w.Header().Set("Content-Type", lines)
	if _, err := w.Write(b.Bytes()); err != nil {
		s.log.Debug("answer not sent", "err", err)
	}
	return nil
}

func (s *Server) stats(w http.ResponseWriter, r *http.Request, c call) error {
	if c.down { // decided on what the rule saw: a session that begins meanwhile is somebody else's
		return fault.New(fault.UseNotConnected, nil)
	}
	st, err := s.backend.Stats(r.Context())
	if err != nil {
		return err
	}
	s.send(w, http.StatusOK, st)
	return nil
}

// events streams until the client or the agent ends it, or the client is too slow.
func (s *Server) events(w http.ResponseWriter, r *http.Request, c call) error {
	sub := s.hub.subscribe(c.peer)
	defer sub.close()
	rc := http.NewResponseController(w)
	if err := rc.SetReadDeadline(time.Time{}); err != nil { // readTime would end the stream
		return err
	}
	w.Header().Set("Content-Type", lines)
	enc := encoder(w)
	for {
		batch, err := sub.next(r.Context())
		if errors.Is(err, errSlow) {
			s.log.Info("a slow client was cut off", "pid", c.peer.PID)
		}
		if err != nil {
			return nil
		}
		if err := rc.SetWriteDeadline(time.Now().Add(eventTime)); err != nil {
			return err
		}
		for _, e := range batch {
			if err := enc.Encode(e); err != nil {
				return nil
			}
		}
		if err := rc.Flush(); err != nil {
			return nil
		}
	}
}

// decode reads one JSON object of known fields. No body is the empty object. The body is cleared afterwards: it may hold a password.
func decode(w http.ResponseWriter, r *http.Request, into any) error {
	var buf bytes.Buffer
	buf.Grow(int(min(max(r.ContentLength, 0), maxBody)) + bytes.MinRead) // in one piece when the length was given
	_, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	body := buf.Bytes()
	defer clear(body)
	if err != nil {
		return fault.Newf(fault.UseRequest, err, "the body is too long or ends early")
	}
	text := bytes.TrimSpace(body)
	if len(text) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil || text[0] != '{' {
		return fault.Newf(fault.UseRequest, nil, "the body is no JSON object with the fields that belong here") // err may quote the body
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fault.Newf(fault.UseRequest, nil, "something follows the JSON object")
	}
	return nil
}

// encoder writes JSON as it is: nobody puts it into a web page, and escapes for one could make a gateway's form six times as long.
func encoder(w io.Writer) *json.Encoder {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc
}

// send writes one JSON object. An error of writing is the client's loss.
func (s *Server) send(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := encoder(w).Encode(v); err != nil {
		s.log.Debug("answer not sent", "err", err)
	}
}

// sendLines writes one JSON object per line.
func sendLines[T any](s *Server, w http.ResponseWriter, list []T) {
	w.Header().Set("Content-Type", lines)
	enc := encoder(w)
	for _, v := range list {
		if err := enc.Encode(v); err != nil {
			s.log.Debug("answer not sent", "err", err)
			return
		}
	}
}
