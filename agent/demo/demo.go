package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Options are those of the command.
type Options struct {
	Out    io.Writer
	Colour bool // Out is a terminal that shows colours
	Width  int  // columns of Out; 0 where it is no terminal
	JSON   bool // only the rows of the table, one JSON object per line
	Log    *slog.Logger
}

// Row is one line of the closing table: one thing that was broken, and what a user would have noticed.
type Row struct {
	What       string `json:"what"`
	ForMS      int64  `json:"for_ms,omitempty"`      // how long it was broken
	DetectedMS int64  `json:"detected_ms"`           // from the loss until the agent held packets
	BackMS     int64  `json:"back_ms"`               // from the mending until the first answer through the tunnel
	Level      string `json:"level,omitempty"`       // of the reconnect
	Asked      int    `json:"asked"`                 // questions to the user
	SameAddr   bool   `json:"same_address"`          // inside
	StreamKept bool   `json:"tcp_connection_intact"` // with every byte in its place
	OK         bool   `json:"ok"`
	fresh      bool   // a new login was due: another address and another stream are no failure
}

func (r Row) cells() []string {
	yes := func(b bool, yes, no string) string {
		if b {
			return yes
		}
		return no
	}
	held := "-"
	if r.ForMS > 0 {
		held = fmt.Sprintf("%.1f s", float64(r.ForMS)/1000)
	}
	noticed := "at once"
	if r.DetectedMS > 0 {
		noticed = fmt.Sprintf("%d ms", r.DetectedMS)
	}
	asked, stream := yes(r.Asked == 0, "nothing", "A LOGIN"), yes(r.StreamKept, "intact", "LOST")
	if r.fresh {
		asked, stream = yes(r.Asked > 0, "one login", "nothing"), "new"
	}
	return []string{r.What, held, noticed, fmt.Sprintf("%d ms", r.BackMS), asked, yes(r.SameAddr, "kept", "new"), stream}
}

// errHeld says that a step of the demo did not hold.
var errHeld = errors.New("a step of the demo did not hold")

// Run shows the demo. Its error is nil only if every step held.
func Run(ctx context.Context, o Options) error {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	began := time.Now()
	s := newScreen(o)
	defer context.AfterFunc(ctx, s.hush)()
	w, err := newWorld(ctx, o.Log)
	if err != nil {
		return fault.New(fault.Internal, err)
	}
	parent := ctx
	ctx, cancel := context.WithCancel(parent)
	p := &play{w: w, show: s}
	err = p.run(ctx)
	cancel()
	if p.seen != nil {
		<-p.seen.done
	}
	err = errors.Join(err, w.close(), s.err)
	if o.JSON && parent.Err() == nil {
		enc := json.NewEncoder(o.Out)
		for _, r := range p.rows {
			err = errors.Join(err, enc.Encode(r))
		}
	}
	switch {
	case parent.Err() != nil:
		return fault.New(fault.UseInterrupted, parent.Err())
	case err != nil:
		return fault.Newf(fault.Internal, err, "the demo could not go on")
	case p.failed > 0:
		return fault.Newf(fault.Internal, errHeld, "%v", errHeld)
	}
	s.line("\n%s %.0f s in all. Your own gateway is next: holdfast connect --help", s.paint(green, "Every step held."), time.Since(began).Seconds())
	return nil
}
