package interop

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// record is a DTLS record (RFC 6347 section 4.1) that says what it wants to.
func record(kind byte, epoch uint16, seq uint64, length int, body []byte) []byte {
	b := []byte{kind, 0xfe, 0xfd}
	b = binary.BigEndian.AppendUint16(b, epoch)
	b = binary.BigEndian.AppendUint16(b, uint16(seq>>32))
	b = binary.BigEndian.AppendUint32(b, uint32(seq))
	return append(binary.BigEndian.AppendUint16(b, uint16(length)), body...)
}

// forgeries are datagrams that anybody on the way can make: nonsense of every length, handshake messages and alerts without a key, records of every type whose key is
// none, lengths and numbers that are not so.
func forgeries(rnd *rand.Rand) [][]byte {
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		return b
	}
	fatal := []byte{2, 40} // an alert: fatal, handshake_failure
	out := [][]byte{{}, {22}, bytes.Repeat([]byte{0xff}, 1400), record(22, 0, 0, 65535, nil), record(23, 1, 1<<48-1, 0, nil), record(23, 1, 1<<40, 1400, noise(20)), record(23, 0xffff, 0, 60, noise(60)),
		record(21, 0, 0, 2, fatal), record(21, 0, 1, 2, []byte{1, 0}), record(21, 1, 5, 2, fatal), record(20, 0, 2, 1, []byte{1}), append(record(21, 0, 9, 2, fatal), record(23, 1, 9, 40, noise(40))...)}
	for kind := range 4 {
		for _, n := range []int{0, 1, 8, 16, 24, 25, 60, 500, 1400} {
			out = append(out, record(byte(20+kind), 1, uint64(rnd.Uint32()), n, noise(n)), record(byte(20+kind), 0, uint64(rnd.Uint32()), n, noise(n)))
		}
	}
	for message := range 25 { // handshake messages: type, length, sequence, fragment
		body := append([]byte{byte(message), 0, 0, 40, 0, byte(message % 3), 0, 0, 0, 0, 0, 40}, noise(40)...)
		out = append(out, record(22, 0, uint64(message), len(body), body))
		body[1], body[9] = 0xff, 0xff // 16 MiB are to come
		out = append(out, record(22, 0, uint64(message), len(body), body))
	}
	for range 200 {
		out = append(out, noise(rnd.IntN(1450)))
	}
	return out
}

// offersDTLS are headers of a gateway that has DTLS.
var offersDTLS = append([]string{"X-DTLS-App-ID: " + strings.Repeat("ff", 32), "X-DTLS-Port: 443", "X-DTLS-CipherSuite: PSK-NEGOTIATE", "X-DTLS-DPD: 2"}, sound...)

// offersSession are those of one that has a session to resume.
var offersSession = append([]string{"X-DTLS-Session-ID: " + strings.Repeat("ff", 32), "X-DTLS-Port: 443", "X-DTLS12-CipherSuite: AES256-GCM-SHA384", "X-DTLS-DPD: 2"}, sound...)

// wrongAnswer is what a rogue says to a hello.
type wrongAnswer struct {
	name string
	udp  func([]byte) [][]byte
}

func wrongAnswers(rnd *rand.Rand) []wrongAnswer {
	all := forgeries(rnd)
	return []wrongAnswer{
		{"its own words", func(d []byte) [][]byte { return [][]byte{d} }},
		{"everything that is wrong", func([]byte) [][]byte { return all }},
		{"alerts", func([]byte) [][]byte {
			return [][]byte{record(21, 0, 0, 2, []byte{2, 40}), record(21, 0, 1, 2, []byte{1, 0})}
		}},
		{"a cookie each time", func([]byte) [][]byte { // HelloVerifyRequest, RFC 6347 section 4.2.1
			return [][]byte{record(22, 0, 0, 35, append([]byte{3, 0, 0, 23, 0, 0, 0, 0, 0, 0, 0, 23, 0xfe, 0xff, 20}, all[20][:20]...))}
		}},
		{"a message that never ends", func([]byte) [][]byte {
			var out [][]byte
			for i := range 2000 { // fragments of one message of 16 MiB
				at := i * 1000
				h := []byte{2, 0xff, 0xff, 0xff, 0, 0, byte(at >> 16), byte(at >> 8), byte(at), 0, 0x03, 0xe8}
				out = append(out, record(22, 0, uint64(i), 1012, append(h, make([]byte, 1000)...)))
			}
			return out
		}},
		{"a full handshake", func([]byte) [][]byte { // Certificate, and what it would be for
			return [][]byte{record(22, 0, 0, 52, append([]byte{11, 0, 0, 40, 0, 1, 0, 0, 0, 0, 0, 40}, make([]byte, 40)...)), record(22, 0, 1, 12, []byte{14, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0})}
		}},
	}
}

// TestRogueDatagrams: a gateway that offers DTLS, either kind, and answers there with what is none. The tunnel works by TLS, says why, and its tries to have DTLS cost little.
func TestRogueDatagrams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	r := w.startRogue()
	var l ledger
	defer l.print(t)
	for _, offers := range []struct {
		kind    string
		headers []string
	}{{"PSK", offersDTLS}, {"resumption", offersSession}} {
		for _, c := range wrongAnswers(rand.New(rand.NewPCG(1, 2))) {
			t.Run(offers.kind+", "+c.name, func(t *testing.T) {
				w := w.in(t)
				a := w.startAgent() // a new one each time: it remembers what a network does to DTLS
				r.plays(play{headers: offers.headers, udp: c.udp})
				a.peak()
				began := time.Now()
				if res := w.dial("vpn4.lab.example", "5s"); res.exit != 0 {
					t.Fatalf("%+v", res)
				}
				time.Sleep(2500 * time.Millisecond)
				if !w.pings() {
					t.Errorf("nothing inside answers: %+v", w.state())
				}
				s := w.state()
				t.Logf("%d datagrams came: %s", r.datagrams.Load(), s.TransportReason)
				if s.State != "connected" || s.Transport != "tls" || s.TransportReason == "" || r.connects.Load() != 1 || *s.Reconnects != (ipc.Reconnects{}) {
					t.Errorf("%d CONNECTs: %+v", r.connects.Load(), s)
				}
				if n := r.datagrams.Load(); n == 0 || n > 60 {
					t.Errorf("%d datagrams in %v", n, time.Since(began))
				}
				w.ends()
				l.close(t, a, r, began)
				a.stop()
			})
		}
	}
}

// port is the client's UDP port towards the gateway.
func (w *world) port(within time.Duration) int {
	w.t.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for l := range strings.Lines(w.client.Run(w.t, "ss", "-Hun", "dst", "198.51.100.1")) {
			if f := strings.Fields(l); len(f) >= 4 {
				at := f[3]
				if n, err := strconv.Atoi(at[strings.LastIndexByte(at, ':')+1:]); err == nil {
					return n
				}
			}
		}
	}
	w.t.Fatal("no UDP socket towards the gateway")
	return 0
}

// forge has the router send datagrams to the client in the gateway's name, again and again, until stop is called, which returns how many went.
func (w *world) forge(port int, datagrams [][]byte) (stop func() int) {
	w.t.Helper()
	var fd int
	if err := w.router.Do(func() (err error) {
		fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	from, to := net.IPv4(198, 51, 100, 1).To4(), net.IPv4(192, 0, 2, 2).To4()
	quit, done := make(chan struct{}), make(chan int)
	go func() {
		sent := 0
		for i := 0; ; i++ {
			select {
			case <-quit:
				_ = unix.Close(fd)
				done <- sent
				return
			default:
			}
			d := datagrams[i%len(datagrams)]
			p := append([]byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0}, from...) // the kernel fills in length and checksum
			p = append(p, to...)
			p = binary.BigEndian.AppendUint16(p, 443)
			p = binary.BigEndian.AppendUint16(p, uint16(port))
			p = binary.BigEndian.AppendUint16(p, uint16(8+len(d)))
			p = append(append(p, 0, 0), d...)
			if unix.Sendto(fd, p, 0, &unix.SockaddrInet4{Addr: [4]byte(to)}) == nil {
				sent++
			}
			if i%20 == 19 {
				time.Sleep(time.Millisecond)
			}
		}
	}()
	return func() int { close(quit); return <-done }
}

// TestForgedDatagrams: somebody on the way to an honest gateway forges its datagrams, before, during and after the handshake. DTLS comes up, and packets travel by it
// as if nothing happened: no change of transport, no reconnect.
func TestForgedDatagrams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, pskOnly)
	a := w.startAgent()
	all := forgeries(rand.New(rand.NewPCG(3, 4)))

	w.blockUDP() // so that the handshake lasts
	w.connect("vpn4.lab.example")
	stop := w.forge(w.port(5*time.Second), all)
	time.Sleep(time.Second)
	during := stop()
	w.unblockUDP()
	began := time.Now()
	w.travels("dtls", 30*time.Second)
	t.Logf("by DTLS %v after the way was free", time.Since(began).Round(time.Millisecond))

	changes := strings.Count(w.cli("", "timeline").out, "carrier-changed")
	a.peak()
	stop = w.forge(w.port(time.Second), all)
	w.download("http://10.99.0.2/slow?n=20000000&ms=2")()
	after := stop()
	s := w.state()
	t.Logf("%d forged during the handshake, %d after it; peak %d MiB", during, after, a.peak()>>20)
	if s.Transport != "dtls" || *s.Reconnects != (ipc.Reconnects{}) || strings.Count(w.cli("", "timeline").out, "carrier-changed") != changes {
		t.Errorf("%+v\n%s", s, w.cli("", "timeline").out)
	}
	if during < 1000 || after < 1000 {
		t.Errorf("too few were forged to say anything")
	}
	w.reachesInside()
	w.leave()
	w.nothingLeft("after the session")
	a.stop()
}
