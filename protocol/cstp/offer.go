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
	"github.com/holdfast-vpn/holdfast/protocol/login"
)

const (
	// pskNegotiate is the name of the one kind of DTLS that is asked for: a PSK that both ends export from the TLS connection.
	pskNegotiate = "PSK-NEGOTIATE"
	pskLabel     = "EXPORTER-openconnect-psk"
	pskLen       = 32
)

// Why packets travel by TLS before anything was tried.
const (
	whyNoDatagrams = "no way to send datagrams"
	whyNoExport    = "the TLS connection cannot export a key for DTLS"
	whyNoOffer     = "gateway offers no DTLS"
	whyBadOffer    = "the gateway's DTLS settings cannot be used"
	whySetup       = "DTLS is being set up"
	whyRekey       = "DTLS gets new keys"
	whySize        = "UDP carries no packets of full size any more: looking for what fits"
)

// offer is what the gateway says of its DTLS.
type offer struct {
	appID          []byte
	port           uint16
	mtu            int // 0 when it says nothing
	dpd, keepalive time.Duration
	rekey          time.Duration // 0 never; whatever the method, it is done by a new handshake
}

// offer reads the X-DTLS-* headers. Without an offer that can be used why says so.
func (r *Response) offer() (o *offer, why string) {
	id := r.Get("X-DTLS-App-ID")
	if id == "" || r.Get("X-DTLS-CipherSuite") != pskNegotiate {
		return nil, whyNoOffer
	}
	app, err := hex.DecodeString(id)
	port, perr := strconv.ParseUint(r.Get("X-DTLS-Port"), 10, 16)
	if err != nil || len(app) > dtlstun.MaxAppID || perr != nil || port == 0 {
		return nil, whyBadOffer
	}
	o = &offer{appID: app, port: uint16(port), dpd: seconds(r.Get("X-DTLS-DPD")), keepalive: seconds(r.Get("X-DTLS-Keepalive"))}
	if n, err := strconv.Atoi(r.Get("X-DTLS-MTU")); err == nil && n >= minMTU {
		o.mtu = min(n, maxMTU)
	}
	if m := r.Get("X-DTLS-Rekey-Method"); m == "ssl" || m == "new-tunnel" {
		o.rekey = seconds(r.Get("X-DTLS-Rekey-Time"))
	}
	return o, ""
}

// limit is the tunnel's MTU when DTLS is expected to carry its packets, whichever way the first ones go: the one for DTLS, but never below what IPv6 needs where it
// is in use and TLS has it.
func (o *offer) limit(s *protocol.Settings) int {
	if o.mtu == 0 {
		return s.MTU
	}
	return max(o.mtu, min(s.MTU, least(s)))
}

// prospect is what there is on our side for DTLS: a key and a way to send datagrams; why says what is missing.
func (c *Connector) prospect(conn *login.Conn, via protocol.Path) (key redact.Secret, dial func(context.Context, uint16) (net.Conn, error), why string) {
	d, ok := c.Dialer.(protocol.DatagramDialer)
	if !ok {
		return key, nil, whyNoDatagrams
	}
	k, err := ExportKey(conn.TLS)
	if err != nil {
		return key, nil, whyNoExport
	}
	if a, err := netip.ParseAddrPort(conn.TLS.LocalAddr().String()); err == nil {
		via.Local = a.Addr().Unmap().WithZone("")
	}
	return k, func(ctx context.Context, port uint16) (net.Conn, error) {
		return d.DialUDP(ctx, netip.AddrPortFrom(conn.Gateway.Addr(), port), via)
	}, ""
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
