package agent

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/agent/machine/record"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
)

// timelineSize bounds what is remembered: enough for a day of a bad network.
const timelineSize = 2000

// timeline is the ring of what happened and why.
type timeline struct {
	seq     uint64
	records []ipc.Record
}

// add numbers the entry of an owner's session and keeps it, the oldest making room.
func (t *timeline) add(owner string, e ipc.Entry) ipc.Entry {
	t.seq++
	e.Seq = t.seq
	if len(t.records) == timelineSize {
		t.records = slices.Delete(t.records, 0, timelineSize/4)
	}
	t.records = append(t.records, ipc.Record{Owner: owner, Entry: e})
	return e
}

// restore puts back an entry of a former agent.
func (t *timeline) restore(owner string, e ipc.Entry) {
	t.records = append(t.records, ipc.Record{Owner: owner, Entry: e})
	t.seq = max(t.seq, e.Seq)
}

// last returns the newest n.
func (t *timeline) last(n int) []ipc.Record { return t.records[max(0, len(t.records)-n):] }

// all returns a copy, oldest first.
func (t *timeline) all() []ipc.Record { return slices.Clone(t.records) }

// entry is a step as clients get it.
func entry(t machine.Told, at time.Time) ipc.Entry {
	e := ipc.Entry{At: at, Phase: t.Phase.String(), Event: t.Event.String(), Reason: t.Why(), Evidence: t.Evidence, Effects: t.Effects,
		TookMS: float64(t.Took.Microseconds()) / 1000, Code: int(t.Reason), Fault: string(t.Fault)}
	if t.Level != machine.LevelNone {
		e.Level, e.OutageMS = t.Level.String(), t.Outage.Milliseconds()
	}
	return e
}

// Recording implements ipc.Reports.
func (a *Agent) Recording(ctx context.Context, p localsock.Peer, w io.Writer) error {
	var rec record.Record
	err := a.call(ctx, func(l *loop) { rec = l.recording(p) })
	if err != nil {
		return err
	}
	return rec.Save(w)
}

// recording is the record as far as it is the peer's own: since its session began; root gets all. Who has none gets one without a step.
func (l *loop) recording(p localsock.Peer) record.Record {
	rec := record.Record{}
	switch {
	case p.Root:
		rec = l.record.Record()
	case l.owner() == p.ID():
		rec = l.record.Marked()
	}
	rec.Saved = record.Saved{At: l.cfg.Wall(), Boot: l.now().Boot, By: l.cfg.Version.Version}
	return rec
}
