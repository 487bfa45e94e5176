package agent

import (
	"slices"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
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

// all returns a copy, oldest first.
func (t *timeline) all() []ipc.Record { return slices.Clone(t.records) }
