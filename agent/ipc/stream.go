package ipc

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Stream is an open stream of events. One goroutine calls Next; any may call Close.
type Stream struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	first  *time.Timer // until the first event has come
	body   io.ReadCloser
	lines  *bufio.Scanner
}

// Next blocks for the next event. When the agent stops or cuts us off it is AGENT-001, when even the first event does not come in time AGENT-004; after Close, or when the stream's context
// ended, its error. After an error there is nothing more.
func (s *Stream) Next() (Event, error) {
	var e Event
	if !s.lines.Scan() {
		err := s.lines.Err()
		if err == nil {
			err = io.EOF
		}
		return e, silence(s.ctx, undecodable(s.ctx, err))
	}
	s.first.Stop()
	if err := json.Unmarshal(s.lines.Bytes(), &e); err != nil {
		return Event{}, fault.New(fault.AgentProtocol, err)
	}
	return e, nil
}

// Close ends the stream.
func (s *Stream) Close() error {
	s.first.Stop()
	s.cancel(nil)
	return s.body.Close()
}

// scan reads lines of at most maxLine bytes.
func scan(r io.Reader) *bufio.Scanner {
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, maxLine)
	return sc
}
