package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

var (
	carrierSeeds = flag.Uint64("carrier.seeds", 2, "how many random lives of a tunnel's carriers TestCarriers runs")
	carrierFirst = flag.Uint64("carrier.first", 1, "the first seed")
)

// TestCarriers runs our client against our gateway for a quarter of an hour at a time, over a network that loses, reorders and shortens datagrams, forgets mappings and becomes narrow, at
// random, and a gateway that loses channels and wants new keys. What stands in for the agent does what the client asks for: it makes a new tunnel. It must hold that
//
//   - no number of a key is used for two records;
//   - while nothing has happened for some seconds, every packet is answered, of whatever length;
//   - packets do not go by DTLS with an MTU that does not pass for more than five seconds;
//   - DTLS is back a minute after the network is fine;
//   - there are no more tunnels than the network gave reason for.
func TestCarriers(t *testing.T) {
	for seed := *carrierFirst; seed < *carrierFirst+*carrierSeeds; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newCarrierSim(t, seed).run() })
		})
	}
}

// carrierSim is one such life.
type carrierSim struct {
	t     *testing.T
	r     *rig
	rng   *rand.Rand
	con   *cstp.Connector
	seals *sealWatch

	mu      sync.Mutex
	tun     *cstp.Tunnel
	got     map[uint16]bool // answers
	tunnels int
	wg      sync.WaitGroup
	out     chan []byte

	story   []string
	acts    int
	changed time.Time // when the last thing happened
	mtu     int       // of the path
	free    bool      // nothing is wrong
	blocked bool      // no datagram passes
	above   time.Time // since when packets of the tunnel's MTU do not pass by DTLS
	sent    map[uint16]time.Time
	seq     uint16
}

func newCarrierSim(t *testing.T, seed uint64) *carrierSim {
	s := &carrierSim{t: t, rng: rand.New(rand.NewPCG(seed, 0)), seals: &sealWatch{t: t, seen: map[string][32]byte{}}, got: map[uint16]bool{}, sent: map[uint16]time.Time{}, mtu: 1500, changed: time.Now(), out: make(chan []byte, 64)}
	s.r = newRigOf(t, seed, func(c *Config) {
		c.Pools = c.Pools[:1]
		c.Settings.DPD, c.Settings.DisconnectedTimeout = 10*time.Second, 0
		if s.rng.IntN(2) == 0 {
			c.DTLS.Rekey = time.Duration(20+s.rng.IntN(60)) * time.Second
		}
		c.DTLS.NoPSK = s.rng.IntN(2) == 0
	})
	s.r.pc.Link(1).SetLatency(time.Duration(1+s.rng.IntN(40)) * time.Millisecond)
	con, target := s.r.connector()
	con.Dialer = &sealedDialer{Dialer: s.r.pc.Dialer(), DatagramDialer: s.r.pc.Dialer(), watch: s.seals}
	s.con = con
	tun, err := con.Open(t.Context(), target, user{"username": "alice", "password": "wonderland"})
	if err != nil {
		t.Fatal(err)
	}
	s.adopt(tun)
	s.wg.Go(s.pump)
	t.Cleanup(func() {
		close(s.out)
		_ = s.now().Close(protocol.CloseQuiet)
		s.wg.Wait()
		if t.Failed() {
			t.Log(strings.Join(s.story, "\n"))
		}
	})
	return s
}

func (s *carrierSim) tell(format string, a ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.story = append(s.story, time.Now().Format("04:05.000 ")+fmt.Sprintf(format, a...))
}

func (s *carrierSim) now() *cstp.Tunnel {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tun
}

// adopt makes a tunnel the one in use, and listens to it.
func (s *carrierSim) adopt(tun protocol.Tunnel) {
	s.mu.Lock()
	s.tun = tun.(*cstp.Tunnel)
	s.tunnels++
	s.mu.Unlock()
	for _, from := range []protocol.Receiver{tun.Carrier(), tun.Carrier().(protocol.Doubled).Beside()} {
		s.wg.Go(func() { s.read(from) })
	}
	s.wg.Go(func() { s.heed(tun) })
}

// read notes the answers.
func (s *carrierSim) read(from protocol.Receiver) {
	for b := packet.New(64, 2048); from.ReadBatch(b) == nil; b.Reset() {
		s.mu.Lock()
		for i := range b.Len() {
			s.got[binary.BigEndian.Uint16(b.Packet(i)[26:])] = true
		}
		s.mu.Unlock()
	}
}

// heed does what the agent would.
func (s *carrierSim) heed(tun protocol.Tunnel) {
	for n := range tun.Notifications() {
		s.tell("  note %d %s %v", n.Kind, n.Text, n.Err)
		switch n.Kind {
		case protocol.NoteRenew, protocol.NoteRekey, protocol.NoteSilence, protocol.NotePeerDead, protocol.NoteDown:
			if s.now() == tun {
				s.renew(tun, n.Kind == protocol.NoteSilence)
			}
		}
	}
}

// renew makes a new tunnel of the session, and tries until there is one. On silence the old one has 200 ms to answer, every time.
func (s *carrierSim) renew(old protocol.Tunnel, doubt bool) {
	for s.t.Context().Err() == nil && !s.renewed(old, doubt) {
		time.Sleep(500 * time.Millisecond)
	}
}

func (s *carrierSim) renewed(old protocol.Tunnel, doubt bool) bool {
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*time.Second)
	defer cancel()
	ref := old.Session()
	reached, err := s.con.Reach(ctx, ref, s.r.pc.Link(1).Path(gwAddr))
	if err != nil {
		s.tell("  reach: %v", err)
		return false
	}
	if doubt {
		probe, stop := context.WithTimeout(ctx, 200*time.Millisecond)
		defer stop()
		if old.Probe(probe) == nil {
			_ = reached.Close()
			return true
		}
	}
	next, err := s.con.Resume(ctx, ref, reached)
	if err != nil {
		s.tell("  resume: %v", err)
		return false
	}
	s.adopt(next)
	s.tell("  tunnel %d, MTU %d", s.tunnels, next.Settings().MTU)
	s.wg.Go(func() { _ = old.Close(protocol.CloseQuiet) })
	return true
}

// pump writes what is to be sent; a carrier that takes nothing holds it up until it is closed.
func (s *carrierSim) pump() {
	for p := range s.out {
		b := packet.New(1, 2048)
		b.Append(p)
		_ = s.now().Carrier().WriteBatch(b)
	}
}

// run is fifteen minutes of it, and a minute of peace.
func (s *carrierSim) run() {
	for end := time.Now().Add(15 * time.Minute); time.Now().Before(end); {
		s.act()
		s.traffic(time.Duration(2+s.rng.IntN(40)) * time.Second)
	}
	s.calm()
	s.traffic(58 * time.Second)
	for range 40 { // new keys may be on their way
		if s.now().Transport().Name != "dtls" {
			s.traffic(50 * time.Millisecond)
		}
	}
	if got := s.now().Transport(); got.Name != "dtls" {
		s.t.Errorf("a minute after the network was fine: %+v", got)
	}
	if most := 2*s.acts + 2; s.tunnels > most {
		s.t.Errorf("%d tunnels, of %d things that happened", s.tunnels, s.acts)
	}
	s.t.Logf("%d things happened, %d tunnels, %d packets, %d records by DTLS", s.acts, s.tunnels, s.seq, s.seals.count())
}

// calm ends everything that is wrong with the network.
func (s *carrierSim) calm() {
	link := s.r.pc.Link(1)
	link.BlockUDP(false)
	link.SetLoss(0)
	link.SetStraggle(0, 0)
	s.narrow(0)
	s.tell("calm")
	s.changed, s.free, s.blocked = time.Now(), true, false
}

func (s *carrierSim) narrow(mtu int) {
	s.r.pc.Link(1).SetMTU(mtu)
	if s.mtu = mtu; mtu == 0 {
		s.mtu = 1500
	}
}

// act has one thing happen.
func (s *carrierSim) act() {
	link := s.r.pc.Link(1)
	s.acts++
	s.changed, s.free = time.Now(), false
	switch s.rng.IntN(8) {
	case 0:
		link.BlockUDP(true)
		s.blocked = true
		s.tell("UDP blocked")
	case 1, 2:
		s.calm()
	case 3:
		mtu := 1100 + s.rng.IntN(400)
		s.narrow(mtu)
		s.tell("path of %d", mtu)
	case 4:
		loss := s.rng.Float64() / 10
		link.SetLoss(loss)
		s.tell("loss of %.2f", loss)
	case 5:
		share := s.rng.Float64() / 2
		link.SetStraggle(share, time.Duration(1+s.rng.IntN(50))*time.Millisecond)
		s.tell("a share of %.2f comes late", share)
	case 6:
		s.r.gw.DropDTLS()
		s.tell("the gateway forgets its channels")
	case 7:
		s.r.gw.HangDTLS()
		s.tell("the gateway's channels are dumb")
	}
}

// settled is how long nothing must have happened before everything is to be answered: a search at each of two sizes, a new tunnel, and what was lost before that.
const settled = 10 * time.Second

// traffic sends packets of all lengths for a time, and looks at what comes of them.
func (s *carrierSim) traffic(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		tun := s.now()
		size := 28 + s.rng.IntN(200)
		if s.rng.IntN(2) == 0 {
			size = tun.Settings().MTU
		}
		s.seq++
		s.mu.Lock()
		delete(s.got, s.seq)
		s.mu.Unlock()
		s.sent[s.seq] = time.Now()
		select {
		case s.out <- echoRequest(tun.Settings().Addresses[0].Addr(), s.seq, size):
		default: // as the pump does while there is no carrier
		}
		s.look(tun)
	}
}

// look holds what is to be held at any moment.
func (s *carrierSim) look(tun *cstp.Tunnel) {
	const perPacket = 20 + 8 + 38 // IPv4, UDP and the record
	if !s.blocked && tun.Transport().Name == "dtls" && tun.Settings().MTU+perPacket > s.mtu {
		if s.above.IsZero() {
			s.above = time.Now()
		}
		if since := time.Since(s.above); since > 5*time.Second {
			s.t.Fatalf("%v: MTU %d by DTLS for %v, over a path of %d", time.Now().Format("04:05.000"), tun.Settings().MTU, since, s.mtu)
		}
	} else {
		s.above = time.Time{}
	}
	// What was sent two seconds ago, if all has been well since long before that.
	old := s.seq - 40
	at, ok := s.sent[old]
	delete(s.sent, old)
	if !ok || !s.free || at.Sub(s.changed) < settled {
		return
	}
	s.mu.Lock()
	answered := s.got[old]
	s.mu.Unlock()
	if !answered {
		s.t.Fatalf("%v: a packet of %v ago was not answered; %+v, MTU %d", time.Now().Format("04:05.000"), time.Since(at), tun.Transport(), tun.Settings().MTU)
	}
}

// echoRequest is a ping of a length.
func echoRequest(from netip.Addr, seq uint16, size int) []byte {
	p := make([]byte, size)
	copy(p, []byte{0x45, 0, byte(size >> 8), byte(size), 0, 0, 0, 0, 64, 1, 0, 0})
	copy(p[12:], from.AsSlice())
	copy(p[16:], inside4.AsSlice())
	p[20] = 8
	binary.BigEndian.PutUint16(p[26:], seq)
	binary.BigEndian.PutUint16(p[10:], fold(checksum(0, p[:20])))
	binary.BigEndian.PutUint16(p[22:], fold(checksum(0, p[20:])))
	return p
}

// sealedDialer shows a sealWatch what leaves its sockets.
type sealedDialer struct {
	protocol.Dialer
	protocol.DatagramDialer
	watch *sealWatch
}

func (d *sealedDialer) DialUDP(ctx context.Context, to netip.AddrPort, via protocol.Path) (net.Conn, error) {
	c, err := d.DatagramDialer.DialUDP(ctx, to, via)
	if err != nil {
		return nil, err
	}
	return &sealedConn{Conn: c, watch: d.watch, name: d.watch.name()}, nil
}

type sealedConn struct {
	net.Conn
	watch *sealWatch
	name  string
}

func (c *sealedConn) Write(b []byte) (int, error) {
	c.watch.look(c.name, b)
	return c.Conn.Write(b)
}

// sealWatch sees every record that leaves, and fails the test when a number of a key is used for two of them. A socket has one key.
type sealWatch struct {
	t     *testing.T
	mu    sync.Mutex
	socks int
	seen  map[string][32]byte
}

func (w *sealWatch) name() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.socks++
	return fmt.Sprint(w.socks)
}

func (w *sealWatch) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.seen)
}

func (w *sealWatch) look(sock string, b []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(b) >= 13 {
		n := 13 + int(binary.BigEndian.Uint16(b[11:]))
		if n > len(b) {
			return
		}
		if epoch := b[3:5]; !bytes.Equal(epoch, []byte{0, 0}) {
			id, sum := sock+string(b[3:11]), sha256.Sum256(b[:n])
			if was, ok := w.seen[id]; ok && was != sum {
				w.t.Errorf("socket %s: the number %x was used twice", sock, b[3:11])
			}
			w.seen[id] = sum
		}
		b = b[n:]
	}
}
