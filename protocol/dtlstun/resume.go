package dtlstun

import (
	"context"
	"fmt"
	"net"

	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/resume"
)

// Resume makes a channel by resumption, the way of Cisco's gateways, on a connected socket, which it takes over, until ctx ends. Heard is that of Config. Errors: ErrNoAnswer, ErrRefused,
// ctx's when it was cancelled, resume.ErrNotResumed when somebody else answered, else what failed.
func Resume(ctx context.Context, conn net.Conn, s resume.Config, heard func(Type, []byte)) (*Channel, error) {
	l := &loan{Conn: conn}
	p, err := resume.NewClient(s)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("dtlstun: %w", err)
	}
	ch, err := resumed(ctx, l, p, heard)
	if err != nil {
		return nil, l.why(ctx, err)
	}
	return ch, nil
}

// AcceptResumed is the gateway's half of Resume. Of c it takes Hello and Heard.
func AcceptResumed(ctx context.Context, conn net.Conn, s resume.Config, c Config) (*Channel, error) {
	p, err := resume.NewServer(s)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("dtlstun: %w", err)
	}
	return resumed(ctx, &loan{Conn: conn, hello: c.Hello}, p, c.Heard)
}

// resumed runs either half. After an error the socket is gone.
func resumed(ctx context.Context, l *loan, p resume.Peer, heard func(Type, []byte)) (*Channel, error) {
	r, err := resume.Run(ctx, l, p)
	if err != nil {
		_ = l.Conn.Close()
		return nil, err
	}
	ch, err := Established(l.Conn, r.Secrets, name(r.Secrets.Version, r.Secrets.Suite), Config{Heard: heard, Repeat: r.Repeat})
	if err == nil {
		ch.early = l.early
	}
	return ch, err
}

// name is version and suite for people, who should know of a weak one.
func name(version, suite uint16) string {
	if record.Weak(suite) {
		return record.Name(version, suite) + " (weak)"
	}
	return record.Name(version, suite)
}
