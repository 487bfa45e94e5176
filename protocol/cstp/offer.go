package cstp

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/resume"
	"github.com/holdfast-vpn/holdfast/protocol/login"
	"github.com/holdfast-vpn/holdfast/protocol/pollconn"
)

const (
	// pskNegotiate is the name of the kind of DTLS that is asked for first: a PSK that both ends export from the TLS connection. The other is resumption.
	pskNegotiate = "PSK-NEGOTIATE"
	pskLabel     = "EXPORTER-openconnect-psk"
	pskLen       = 32
)

// keys are the secrets of one CONNECT, from which those of DTLS come.
type keys struct {
	psk    redact.Secret // empty: there is none
	resume ResumeOffer
}

// offer is what the gateway says of its DTLS.
type offer struct {
	id             []byte        // App-ID, or the id of the session to resume
	suite          *resume.Suite // of the session to resume; nil: PSK
	port           uint16
	mtu            int // 0 when it says nothing
	dpd, keepalive time.Duration
	rekey          time.Duration // 0 never; whatever the method, it is done by a new handshake
}

// offer reads the X-DTLS-* headers. Without an offer that can be used not says why.
func (r *Response) offer(k keys) (o *offer, not why) {
	o = &offer{dpd: seconds(r.Get("X-DTLS-DPD")), keepalive: seconds(r.Get("X-DTLS-Keepalive"))}
	app, session := r.Get("X-DTLS-App-ID"), r.Get("X-DTLS-Session-ID")
	psk := app != "" && r.Get("X-DTLS-CipherSuite") == pskNegotiate
	switch {
	case psk && !k.psk.Empty():
	case session != "" && !k.resume.Master.Empty():
		app = session
		if o.suite = r.chosen(&k.resume); o.suite == nil {
			return nil, whyBadSuite
		}
	case k.psk.Empty():
		return nil, whyNoExport
	default:
		return nil, whyNoOffer
	}
	id, err := hex.DecodeString(app)
	port, perr := strconv.ParseUint(r.Get("X-DTLS-Port"), 10, 16)
	if err != nil || len(id) > dtlstun.MaxAppID || perr != nil || port == 0 {
		return nil, whyBadOffer
	}
	o.id, o.port = id, uint16(port)
	if n, err := strconv.Atoi(r.Get("X-DTLS-MTU")); err == nil && n >= minMTU {
		o.mtu = min(n, maxMTU)
	}
	if m := r.Get("X-DTLS-Rekey-Method"); m == "ssl" || m == "new-tunnel" {
		o.rekey = seconds(r.Get("X-DTLS-Rekey-Time"))
	}
	return o, why{}
}

// chosen is the suite of the one header that names it; nil unless it was offered.
func (r *Response) chosen(o *ResumeOffer) *resume.Suite {
	name, from := r.Get("X-DTLS12-CipherSuite"), o.DTLS12
	if name == "" {
		name, from = r.Get("X-DTLS-CipherSuite"), o.DTLS
	}
	if s, ok := from.Find(name); ok {
		return &s
	}
	return nil
}

// open makes a channel on a connected socket, which it takes over.
func (o *offer) open(ctx context.Context, conn net.Conn, k keys, heard func(dtlstun.Type, []byte)) (*dtlstun.Channel, error) {
	if o.suite == nil {
		return dtlstun.Dial(ctx, conn, dtlstun.Config{AppID: o.id, Key: k.psk, Heard: heard})
	}
	c := resume.Config{Version: o.suite.Version, Suite: o.suite.ID, SessionID: o.id, Master: k.resume.Master}
	return dtlstun.Resume(ctx, conn, c, heard)
}

// limit is the tunnel's MTU when DTLS is expected to carry its packets, whichever way the first ones go: the one for DTLS, but never below what IPv6 needs where it
// is in use and TLS has it.
func (o *offer) limit(s *protocol.Settings) int {
	if o.mtu == 0 {
		return s.MTU
	}
	return max(o.mtu, min(s.MTU, least(s)))
}

// prospect is what there is on our side for DTLS: keys and a way to send datagrams; not says what is missing.
func (c *Connector) prospect(conn *login.Conn, via protocol.Path) (k keys, dial func(context.Context, uint16) (net.Conn, error), not why) {
	d, ok := c.Dialer.(protocol.DatagramDialer)
	if !ok {
		return k, nil, whyNoDatagrams
	}
	if k.resume = NewResumeOffer(); c.Offer != nil {
		k.resume = c.Offer()
	}
	if psk, err := ExportKey(conn.TLS); err == nil {
		k.psk = psk
	}
	if a, err := netip.ParseAddrPort(conn.TLS.LocalAddr().String()); err == nil {
		via.Local = a.Addr().Unmap().WithZone("")
	}
	return k, func(ctx context.Context, port uint16) (net.Conn, error) {
		sock, err := d.DialUDP(ctx, netip.AddrPortFrom(conn.Gateway.Addr(), port), via)
		if err != nil {
			return nil, err
		}
		return pollconn.Take(sock), nil
	}, why{}
}

// ExportKey is the PSK of the connection, for either role. TLS 1.2 without extended master secret has none that both ends could be sure of.
func ExportKey(c *tls.Conn) (redact.Secret, error) {
	cs := c.ConnectionState()
	k, err := cs.ExportKeyingMaterial(pskLabel, nil, pskLen)
	if err != nil {
		return redact.Secret{}, err
	}
	return redact.New(k), nil
}
