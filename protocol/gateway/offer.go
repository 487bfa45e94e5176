package gateway

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"net/netip"
	"strconv"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/resume"
)

// offer makes what the answer to CONNECT says of DTLS, and makes the MTU fit it: PSK-NEGOTIATE where client and TLS connection can, else a session to resume. Without a socket, or a client
// who wants either, it says nothing.
func (t *tunnel) offer(req *cstp.Request, port uint16) []protocol.Header {
	if port == 0 {
		return nil
	}
	_, _ = rand.Read(t.udp.id[:])
	id, overhead := hex.EncodeToString(t.udp.id[:]), dtlstun.Overhead
	var offer []protocol.Header
	own := &t.conn.g.cfg.DTLS
	if key, err := cstp.ExportKey(t.conn.tls); err == nil && req.DTLS && !own.NoPSK {
		t.udp.key = key
		offer = []protocol.Header{{Name: "X-DTLS-App-ID", Value: id}, {Name: "X-DTLS-CipherSuite", Value: "PSK-NEGOTIATE"}}
	} else if header, s, ok := own.choose(&req.Resume); ok {
		t.udp.session = resume.Config{Version: s.Version, Suite: s.ID, SessionID: t.udp.id[:], Master: req.Resume.Master}
		offer = []protocol.Header{{Name: "X-DTLS-Session-ID", Value: id}, {Name: header, Value: s.Name}}
		if s.Weak() {
			overhead = dtlstun.HeaderLen + record.HeaderLen + 16 + 20 + 16 // nonce, MAC and padding
		}
	} else {
		return nil
	}
	set := t.settings
	set.MTU = fits(set, req.BaseMTU, overhead, t.conn.valve.RemoteAddr().String())
	seconds := func(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
	offer = append(offer, protocol.Header{Name: "X-DTLS-Port", Value: strconv.Itoa(int(port))}, protocol.Header{Name: "X-DTLS-MTU", Value: strconv.Itoa(cmp.Or(own.MTU, set.MTU))},
		protocol.Header{Name: "X-DTLS-DPD", Value: seconds(set.DPD)}, protocol.Header{Name: "X-DTLS-Keepalive", Value: seconds(set.Keepalive)})
	if rekey := cmp.Or(own.Rekey, set.RekeyTime); rekey > 0 && (own.Rekey > 0 || set.RekeyMethod != "") {
		// Whatever TLS does: a second handshake inside a channel is not spoken here.
		offer = append(offer, protocol.Header{Name: "X-DTLS-Rekey-Time", Value: seconds(rekey)}, protocol.Header{Name: "X-DTLS-Rekey-Method", Value: "new-tunnel"})
	}
	return offer
}

// choose finds the suite of a session to resume, and the header that names it.
func (d *DTLS) choose(o *cstp.ResumeOffer) (header string, s resume.Suite, ok bool) {
	if d.NoResume || o.Master.Empty() {
		return "", s, false
	}
	for _, l := range []struct {
		header string
		list   resume.List
	}{{"X-DTLS12-CipherSuite", o.DTLS12}, {"X-DTLS-CipherSuite", o.DTLS}} {
		for _, s := range l.list {
			if d.Weak || !s.Weak() {
				return l.header, s, true
			}
		}
	}
	return "", s, false
}

// fits is the largest packet that fits the outer path in a record, if the client told of the path, and no more than the settings have.
func fits(set *protocol.Settings, path, overhead int, client string) int {
	if path == 0 {
		return set.MTU
	}
	outer, least := 20+8, 576
	if a, err := netip.ParseAddrPort(client); err == nil && !a.Addr().Unmap().Is4() {
		outer = 40 + 8
	}
	for _, a := range set.Addresses {
		if a.Addr().Is6() {
			least = 1280
		}
	}
	return max(min(set.MTU, path-outer-overhead), min(set.MTU, least))
}
