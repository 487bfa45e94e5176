package interop

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// tortureBytes is how much TestTorture downloads. Below a gigabyte the intervals are a fifth.
var tortureBytes = flag.Int64("torture.bytes", 200_000_000, "how much TestTorture downloads; 1000000000 is the whole of it")

// relay stands in the router between the client and the gateway's UDP port. It holds back some datagrams so that others overtake them, sends some twice, can drop all,
// and reads what anybody can read of the records, to see that no nonce is used twice with one key.
type relay struct {
	t       *testing.T
	shut    atomic.Bool
	in      *net.UDPConn
	wg      sync.WaitGroup
	mu      sync.Mutex
	flows   map[string]*flow
	passed  atomic.Int64
	late    atomic.Int64
	twice   atomic.Int64
	dropped atomic.Int64
	records atomic.Int64
}

// flow is one client socket: one DTLS channel.
type flow struct {
	out      *net.UDPConn
	up, down lane
}

// lane is one direction of a flow. It belongs to the goroutine that reads that direction.
type lane struct {
	nonces map[uint64][sha256.Size]byte // of records under a key, and which records
	held   [][]byte
	wait   int // datagrams that are still to overtake those
	rnd    *rand.Rand
}

func newLane(seed uint64) lane {
	return lane{nonces: map[uint64][sha256.Size]byte{}, rnd: rand.New(rand.NewPCG(7, seed))}
}

// startRelay puts the relay in the way.
func (w *world) startRelay() *relay {
	w.t.Helper()
	r := &relay{t: w.t, flows: map[string]*flow{}}
	if err := w.router.Do(func() (err error) {
		r.in, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4443})
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	_ = r.in.SetReadBuffer(4 << 20)
	w.router.Run(w.t, "nft", "add table ip relay; add chain ip relay pre { type nat hook prerouting priority -100; }; add rule ip relay pre iifname lan0 udp dport 443 redirect to :4443")
	r.wg.Go(func() { r.upward(w) })
	w.t.Cleanup(func() {
		_ = r.in.Close()
		r.mu.Lock()
		for _, f := range r.flows {
			_ = f.out.Close()
		}
		r.mu.Unlock()
		r.wg.Wait()
	})
	return r
}

// upward reads what clients send.
func (r *relay) upward(w *world) {
	buf := make([]byte, 4096)
	for n := uint64(1); ; n++ {
		size, from, err := r.in.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		r.mu.Lock()
		f := r.flows[from.String()]
		r.mu.Unlock()
		if f == nil {
			f = &flow{up: newLane(2 * n), down: newLane(2*n + 1)}
			if err := w.router.Do(func() (err error) {
				f.out, err = net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(198, 51, 100, 1), Port: 443})
				return err
			}); err != nil {
				r.t.Error(err)
				return
			}
			_ = f.out.SetReadBuffer(4 << 20)
			r.mu.Lock()
			r.flows[from.String()] = f
			r.mu.Unlock()
			r.wg.Go(func() {
				back := make([]byte, 4096)
				for {
					n, err := f.out.Read(back)
					if err != nil {
						if n == 0 && !isRefused(err) {
							return
						}
						continue
					}
					r.pass(&f.down, back[:n], func(d []byte) { _, _ = r.in.WriteToUDPAddrPort(d, from) })
				}
			})
		}
		r.pass(&f.up, buf[:size], func(d []byte) { _, _ = f.out.Write(d) })
	}
}

// pass sends a datagram on: at once, or after some that come later, or twice, or not at all.
func (r *relay) pass(l *lane, d []byte, send func([]byte)) {
	r.read(l, d)
	if r.shut.Load() {
		r.dropped.Add(1)
		return
	}
	r.passed.Add(1)
	if len(l.held) == 0 && l.rnd.IntN(100) == 0 {
		l.held, l.wait = append(l.held, slices.Clone(d)), 1+l.rnd.IntN(5)
		r.late.Add(1)
		return
	}
	send(d)
	if l.rnd.IntN(500) == 0 {
		r.twice.Add(1)
		send(d)
	}
	if l.wait--; l.wait <= 0 {
		for _, h := range l.held {
			send(h)
		}
		l.held = l.held[:0]
	}
}

// read takes the explicit nonces of a datagram's records (RFC 5288 section 3): those of application data, alerts and handshake messages under a key.
func (r *relay) read(l *lane, d []byte) {
	for len(d) >= 13 {
		kind, epoch, n := d[0], binary.BigEndian.Uint16(d[3:]), int(binary.BigEndian.Uint16(d[11:]))
		if kind < 20 || kind > 23 || len(d) < 13+n {
			return
		}
		if epoch > 0 && n >= 24 {
			r.records.Add(1)
			// The same bytes again give nothing away: whoever spoke last in a handshake says them for a peer that missed them.
			nonce, sum := binary.BigEndian.Uint64(d[13:]), sha256.Sum256(d[:13+n])
			if was, ok := l.nonces[nonce]; ok && was != sum {
				r.t.Errorf("nonce %x was used twice", nonce)
			}
			l.nonces[nonce] = sum
		}
		d = d[13+n:]
	}
}

// TestTorture: a download under rekeys, a DTLS that is dropped again and again, and datagrams that overtake each other and come twice. It arrives intact, in one session,
// and no nonce is used twice.
func TestTorture(t *testing.T) {
	t.Parallel()
	t.Run("PSK", func(t *testing.T) { torture(t, ocserv{psk: true}) })
	t.Run("resumption", func(t *testing.T) { torture(t, ocserv{old: true}) })
}

func torture(t *testing.T, server ocserv) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	// A drop makes a new tunnel, whose time to rekey starts anew: the rekey has to be due before the next drop, or there is none.
	rekey, drop, gap := 10*time.Second, 15*time.Second, 3*time.Second
	if *tortureBytes < 1_000_000_000 {
		rekey, drop, gap = rekey/5, drop/5, gap/4
	}
	server.lines = append([]string{fmt.Sprintf("rekey-time = %d", rekey/time.Second), "rekey-method = new-tunnel"}, splitRoutes...)
	w.startOcserv(t, server)
	r := w.startRelay()
	a := w.startAgent()
	w.connect("vpn4.lab.example")
	was := w.travels("dtls", 5*time.Second)
	began := time.Now()
	wait := w.download(fmt.Sprintf("http://10.99.0.2/slow?n=%d&ms=1", *tortureBytes))
	over := make(chan struct{})
	drops := 0
	var dropping sync.WaitGroup
	dropping.Go(func() {
		tick := time.NewTicker(drop)
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case <-tick.C:
			}
			drops++
			r.shut.Store(true)
			select {
			case <-over:
			case <-time.After(gap):
			}
			r.shut.Store(false)
		}
	})
	wait()
	took := time.Since(began)
	close(over)
	dropping.Wait()
	is := w.state()
	t.Logf("%d bytes in %v: %d drops, %+v; %d datagrams (%d overtaken, %d twice, %d dropped) in %d flows, %d records under a key; peak %d MiB", *tortureBytes, took.Round(time.Millisecond), drops, *is.Reconnects,
		r.passed.Load(), r.late.Load(), r.twice.Load(), r.dropped.Load(), len(r.flows), r.records.Load(), a.peak()>>20)
	if is.Reconnects.Session != 0 || is.Reconnects.Tunnel == 0 || is.Prompt != nil || !slices.Equal(was.Addresses, is.Addresses) {
		t.Errorf("state: %+v, reconnects %+v, last %+v\n%s", is, is.Reconnects, is.LastReconnect, w.cli("", "timeline").out)
	}
	if int(is.Reconnects.Tunnel) <= drops {
		t.Errorf("%d reconnects of the tunnel with %d drops: there was no rekey", is.Reconnects.Tunnel, drops)
	}
	if drops == 0 || r.late.Load() == 0 || r.records.Load() < 1000 || len(r.flows) < 2 {
		t.Error("that was no torture")
	}
	w.waitState(30*time.Second, "by DTLS in the end", func(s ipc.State) bool { return s.Transport == "dtls" })
	w.leave()
	w.nothingLeft("after the session")
	a.stop()
}

// isRefused reports an ICMP answer to a datagram: the gateway has closed that socket.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
