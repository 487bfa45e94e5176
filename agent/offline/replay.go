package offline

import (
	"errors"
	"io"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/agent/machine/record"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Replayed is one decision of a replay.
type Replayed struct {
	Entry ipc.Entry // as the timeline shows it; At is zero where the record does not say when it was taken
	From  string    // the phase before
	At    float64   // seconds of boot time since the record's first step
	Slept float64   // of those, seconds asleep since the step before
	What  []string  // the effects with what they are about
	Idle  bool      // a tick that found nothing to do: the timeline leaves it out
}

// Replay runs the machine again over a record, as `timeline --save` writes it, and calls each with every decision. The record is taken for hostile: it is bounded,
// and whatever its events say, they meet a machine that runs nothing. Errors: USE-009 for what is no record, USE-010 when the machine decides otherwise than the
// record says, which names the step and both decisions; each was called with that step too.
func Replay(r io.Reader, each func(Replayed)) error {
	rec, err := record.Load(r)
	if err != nil {
		return fault.Newf(fault.UseRecord, err, "%v", err)
	}
	if len(rec.Steps) == 0 {
		return nil
	}
	var seq uint64
	first := rec.Steps[0].Now
	err = record.Replay(rec, func(before machine.State, got record.Step, after machine.State) {
		ev := got.Event
		ev.Evidence = fault.Clean(ev.Evidence) // the agent cleans it, a forger does not
		told, whole := machine.Tell(before, ev, after, got.Effects)
		if whole {
			seq++
		}
		at := Replayed{From: before.Phase.String(), At: (got.Now.Boot - first.Boot).Seconds(), Idle: !whole, Entry: ipc.Entry{
			At: rec.Saved.Wall(got.Now.Boot), Seq: seq, Phase: told.Phase.String(), Event: told.Event.String(), Reason: told.Why(),
			Evidence: fault.Clean(told.Evidence), Effects: told.Effects, TookMS: float64(told.Took.Microseconds()) / 1000,
			Code: int(told.Reason), Fault: string(told.Fault)}}
		if told.Level != machine.LevelNone {
			at.Entry.Level, at.Entry.OutageMS = told.Level.String(), told.Outage.Milliseconds()
		}
		if was := before.Now; was != (machine.Instant{}) {
			at.Slept = ((got.Now.Boot - was.Boot) - (got.Now.Mono - was.Mono)).Seconds()
		}
		for _, fx := range got.Effects {
			if fx.Kind != machine.FxPublish {
				at.What = append(at.What, fault.Clean(fx.String()))
			}
		}
		each(at)
	})
	var d *record.Difference
	if errors.As(err, &d) {
		return fault.Newf(fault.UseReplay, err, "step %d", d.Step).Hint("recorded: " + fault.Clean(d.Want)).Hint("replayed: " + fault.Clean(d.Got))
	}
	return err
}
