package agent

import (
	"context"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/dataplane"
	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// tunnel is an open tunnel and what it wants of the host.
type tunnel struct {
	live protocol.Tunnel
	plan hostPlan
}

// reach is a verified connection that waits for its commit.
type reach struct {
	live protocol.Reached
	at   time.Duration // Mono
}

// resources is everything alive behind the machine's numbers. It belongs to the loop.
type resources struct {
	cancels map[machine.ID]context.CancelFunc // of workers that are out
	reaches map[machine.ID]reach
	tunnels map[machine.ID]*tunnel
	prompts map[machine.ID]*prompt
	signing map[machine.ID]*signing
	closing map[machine.ID]chan struct{} // tunnels that are being closed; the channel is closed after
	apply   machine.ID                   // the last apply
	current machine.ID                   // the tunnel on the pump
	ref     *protocol.SessionRef         // the right to come back; nil without a session
	pump    *dataplane.Pump              // nil until the first apply and after a revert
	device  string                       // its interface
	before  ipc.Counters                 // of the session, by the pumps of former agents
}

func newResources() resources {
	return resources{
		cancels: map[machine.ID]context.CancelFunc{},
		reaches: map[machine.ID]reach{},
		tunnels: map[machine.ID]*tunnel{},
		prompts: map[machine.ID]*prompt{},
		signing: map[machine.ID]*signing{},
		closing: map[machine.ID]chan struct{}{},
	}
}

// take gives a reach away.
func (r *resources) take(id machine.ID) (reach, bool) {
	got, ok := r.reaches[id]
	delete(r.reaches, id)
	return got, ok
}
