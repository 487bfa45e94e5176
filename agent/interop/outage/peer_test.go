package outage

import (
	"time"

	"github.com/holdfast-vpn/holdfast/agent/interop/lab"
)

// peer is a client that is measured.
type peer interface {
	connect(port string, dtls bool) // returns when packets travel as they shall
	device() string
	process() *lab.Process
	dtls(after time.Time) bool // packets have gone by DTLS, again, after a moment
	leave()                    // ends the session
	story() string             // its own account of it
}

// agent is ours. Each session has one of its own, which has learned nothing of the network yet.
type agent struct{ *lab.Service }

func newAgent(w *world) peer { return &agent{w.NewService(w.client, w.name)} }

func (a *agent) connect(port string, dtls bool) {
	a.Start()
	a.Connect(gatewayAddr + ":" + port)
	if dtls {
		a.Travels("dtls")
	}
}

func (a *agent) device() string        { return "holdfast0" }
func (a *agent) process() *lab.Process { return a.Process }
func (a *agent) dtls(time.Time) bool   { return a.State().Transport == "dtls" }
func (a *agent) leave()                { a.End() }
func (a *agent) asks() bool            { return a.State().Prompt != nil }
func (a *agent) story() string {
	text, err := a.Try("", "timeline")
	if err != nil {
		text += err.Error()
	}
	return text
}

// openconnect is theirs. Its process is its session.
type openconnect struct {
	w    *world
	more []string
	proc *lab.Process
}

func openconnectWith(more ...string) func(*world) peer {
	return func(w *world) peer { return &openconnect{w: w, more: more} }
}

func (o *openconnect) connect(port string, dtls bool) {
	c := lab.Openconnect{Gateway: gatewayAddr + ":" + port, Interface: "oc0", Route: "10.99.0.0/16", More: o.more}
	if dtls {
		c.Says = "Established DTLS connection"
	}
	o.proc = o.w.StartOpenconnect(o.w.client, c)
}

func (o *openconnect) device() string        { return "oc0" }
func (o *openconnect) process() *lab.Process { return o.proc }
func (o *openconnect) dtls(after time.Time) bool {
	_, ok := o.proc.Said("Established DTLS connection", after)
	return ok
}
func (o *openconnect) leave()        { o.proc.End() }
func (o *openconnect) story() string { return o.proc.Output() }
