package simnet

import "time"

// pipe is one direction of a stream. buf holds what was written and not yet read; its first ready bytes have arrived, the rest is the segments in flight.
type pipe struct {
	s      *stream
	to     *end
	buf    []byte
	ready  int
	flight []segment // in order of arrival
	eof    bool      // the last segment has arrived
	due    *event    // the arrival of flight[0]
	stall  time.Time // since when nothing passes; zero when it does
}

// segment is n bytes of buf, or the end of the stream.
type segment struct {
	n    int
	at   time.Time
	last bool
}

// send appends b and sends it off.
func (p *pipe) send(b []byte) {
	p.buf = append(p.buf, b...)
	p.launch(segment{n: len(b)})
}

// finish sends the end of the stream.
func (p *pipe) finish() { p.launch(segment{last: true}) }

// launch puts a segment under way: it takes the path's latency, one time-out more when it is lost, and never overtakes.
func (p *pipe) launch(g segment) {
	d, lost := p.s.delay()
	if lost {
		d += p.s.rto()
	}
	g.at = time.Now().Add(d)
	if k := len(p.flight); k > 0 && p.flight[k-1].at.After(g.at) {
		g.at = p.flight[k-1].at
	}
	p.flight = append(p.flight, g)
	if len(p.flight) == 1 {
		p.arm()
	}
}

// arm waits for the next arrival.
func (p *pipe) arm() {
	p.due.stop()
	p.due = nil
	if len(p.flight) == 0 || !p.stall.IsZero() {
		return
	}
	if d := time.Until(p.flight[0].at); d > 0 {
		p.due = p.s.n.after(d, p.arrive)
		return
	}
	p.arrive()
}

// arrive delivers what is due.
func (p *pipe) arrive() {
	now := time.Now()
	for len(p.flight) > 0 && !p.flight[0].at.After(now) {
		if !p.s.open() || !p.s.carries(p.flight[0].n) {
			p.stall = now
			return
		}
		g := p.flight[0]
		p.flight = p.flight[1:]
		p.accept(g)
	}
	p.to.cond.Broadcast()
	p.arm()
}

// accept takes one segment at the receiving end. An end that was closed answers data with a reset.
func (p *pipe) accept(g segment) {
	if p.to.closed {
		p.buf = append(p.buf[:p.ready], p.buf[p.ready+g.n:]...)
		if g.n > 0 {
			p.to.reset()
		}
		return
	}
	p.ready += g.n
	p.eof = p.eof || g.last
}

// resume ends a stall: the sender tries again when its time-out, doubled with every try in vain, ends next.
func (p *pipe) resume() {
	if p.stall.IsZero() {
		return
	}
	now, next, rto := time.Now(), p.stall, p.s.rto()
	for next = next.Add(rto); next.Before(now); next = next.Add(rto) {
		rto = min(2*rto, maxRTO)
	}
	p.stall = time.Time{}
	d, _ := p.s.delay()
	next = next.Add(d)
	for i := range p.flight {
		if p.flight[i].at.Before(next) {
			p.flight[i].at = next
		}
	}
	p.arm()
}

// take moves what has arrived into b and makes room for the writer.
func (p *pipe) take(b []byte) int {
	k := copy(b, p.buf[:p.ready])
	p.buf = p.buf[k:]
	p.ready -= k
	if from := p.from(); !from.closed {
		from.cond.Broadcast()
	}
	return k
}

// from is the sending end.
func (p *pipe) from() *end {
	if p.s.ends[0] == p.to {
		return p.s.ends[1]
	}
	return p.s.ends[0]
}
