package agent

import (
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// told is the evidence of what the system says of sleep; what is noticed without it has that of clocks.
const told = "told by the system"

// sleep takes what the system says of sleep. Its word of waking comes late, after the network's even, and is no news where the clocks have spoken.
func (l *loop) sleep(e platform.PowerEvent) {
	switch {
	case e.Sleep:
		l.asleep, l.ready = true, e.Ready
		l.feed(machine.Event{Kind: machine.EvSuspending, Evidence: told})
	case l.asleep:
		l.asleep = false
		l.feed(machine.Event{Kind: machine.EvResumed, Evidence: told})
	}
}

// letSleep gives the word that the machine may sleep: at once where the session is kept, else when the gateway and the host have been told of its end, 3 s later at most.
func (l *loop) letSleep() {
	if l.ready != nil && l.state.Phase != machine.Disconnecting {
		l.ready()
		l.ready = nil
	}
}

// stillness tells the tunnels that the machine goes to sleep, or that what was due before does not count any more. It comes before the effects of the step: a probe is sent by a tunnel that is awake.
func (l *loop) stillness(asleep bool) {
	for _, t := range l.res.tunnels {
		if s, ok := t.live.(protocol.Sleeper); ok {
			s.Sleep(asleep)
		}
	}
}
