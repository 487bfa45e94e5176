package outage

import (
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/interop/lab"
)

const (
	every = 20 * time.Millisecond // between two echo requests
	none  = 3 * every             // a silence below that is none
)

// watch is what a run sees through the tunnel.
type watch struct {
	echo *lab.Echo
	load *download
	stop chan struct{}
	wg   sync.WaitGroup

	mu      sync.Mutex
	answers []time.Time
	late    time.Duration // of a request, at most: by so much this process was kept waiting
}

// observe starts to ask and to download.
func (w *world) observe(quiet bool) *watch {
	w.Helper()
	echo, err := lab.NewEcho(w.client, insideAddr, w.id, 50*time.Millisecond)
	if err != nil {
		w.Fatal(err)
	}
	o := &watch{echo: echo, stop: make(chan struct{})}
	o.wg.Go(func() { o.ask(quiet) })
	o.wg.Go(o.listen)
	w.await("answer from inside", 10*time.Second, func() bool { return len(o.heard()) > 0 })
	if o.load, err = w.startDownload(); err != nil {
		w.Fatalf("%s: download: %v", w.name, err)
	}
	return o
}

func (o *watch) ask(quiet bool) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	last := time.Now()
	for n := uint16(0); ; n++ {
		select {
		case <-o.stop:
			return
		case <-tick.C:
			now := time.Now()
			o.mu.Lock()
			o.late, last = max(o.late, now.Sub(last)-every), now
			o.mu.Unlock()
			if quiet && len(o.heard()) > 0 {
				return
			}
			_ = o.echo.Ask(n) // there may be no route
		}
	}
}

func (o *watch) listen() {
	for {
		_, ok, err := o.echo.Heard()
		select {
		case <-o.stop:
			return
		default:
		}
		if ok && err == nil {
			o.mu.Lock()
			o.answers = append(o.answers, time.Now())
			o.mu.Unlock()
		}
	}
}

// heard is when answers came, in their order.
func (o *watch) heard() []time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.answers[:len(o.answers):len(o.answers)]
}

// close ends it.
func (o *watch) close() {
	close(o.stop)
	o.load.close()
	o.wg.Wait()
	_ = o.echo.Close()
}

// silence is the time without a sign among times from the moment from on until upto: of every gap that is longer than none, the part after from.
func silence(times []time.Time, from, upto time.Time) (total time.Duration) {
	last := from
	if len(times) > 0 && times[0].Before(from) {
		last = times[0]
	}
	for _, t := range append(times[:len(times):len(times)], upto) {
		if t.After(upto) {
			t = upto
		}
		if t.Sub(last) > none && t.After(from) {
			begin := last
			if begin.Before(from) {
				begin = from
			}
			total += t.Sub(begin)
		}
		if t.After(last) {
			last = t
		}
	}
	return total
}

// download is a paced TCP flow from inside that ends when it is told to.
type download struct {
	finish     chan struct{}
	once       sync.Once
	wg         sync.WaitGroup
	near, far  net.Conn
	sent, came [sha256.Size]byte
	sendErr    error
	err        error

	mu    sync.Mutex
	times []time.Time
	ended chan struct{} // closed when all has come, or an error
}

const (
	chunk = 20_000 // every 10 ms
	pause = 10 * time.Millisecond
)

func (w *world) startDownload() (*download, error) {
	var l net.Listener
	if err := w.inside.Do(func() (err error) { l, err = net.Listen("tcp4", insideAddr+":0"); return err }); err != nil {
		return nil, err
	}
	defer l.Close()
	d := &download{finish: make(chan struct{}), ended: make(chan struct{})}
	err := w.client.Do(func() (err error) {
		d.near, err = net.DialTimeout("tcp4", l.Addr().String(), 5*time.Second)
		return err
	})
	if err != nil {
		return nil, err
	}
	if d.far, err = l.Accept(); err != nil {
		return nil, errors.Join(err, d.near.Close())
	}
	d.wg.Go(d.serve)
	d.wg.Go(d.read)
	return d, nil
}

// serve sends until it is told to finish.
func (d *download) serve() {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	sum, rnd, buf := sha256.New(), rand.NewChaCha8([32]byte{1}), make([]byte, chunk)
	for more := true; more && d.sendErr == nil; {
		select {
		case <-d.finish:
			more = false
		case <-tick.C:
		}
		_, _ = rnd.Read(buf)
		_, _ = sum.Write(buf)
		_, d.sendErr = d.far.Write(buf)
	}
	sum.Sum(d.sent[:0])
	if t, ok := d.far.(*net.TCPConn); ok && d.sendErr == nil {
		d.sendErr = t.CloseWrite()
	}
}

func (d *download) read() {
	defer close(d.ended)
	sum, buf := sha256.New(), make([]byte, 1<<16)
	for {
		n, err := d.near.Read(buf)
		_, _ = sum.Write(buf[:n])
		if n > 0 {
			d.mu.Lock()
			d.times = append(d.times, time.Now())
			d.mu.Unlock()
		}
		if err != nil {
			if err != io.EOF {
				d.err = err
			}
			sum.Sum(d.came[:0])
			return
		}
	}
}

// arrived is when bytes came, in their order.
func (d *download) arrived() []time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.times[:len(d.times):len(d.times)]
}

// end has it come to its end, and reports whether everything arrived as it was sent.
func (d *download) end(within time.Duration) bool {
	d.once.Do(func() { close(d.finish) })
	select {
	case <-d.ended:
	case <-time.After(within):
	}
	d.close()
	return d.err == nil && d.sendErr == nil && d.came == d.sent
}

// close breaks it off where it has not ended.
func (d *download) close() {
	d.once.Do(func() { close(d.finish) })
	_ = d.near.Close()
	_ = d.far.Close()
	d.wg.Wait()
}
