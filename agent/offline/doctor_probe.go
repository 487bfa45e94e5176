package offline

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/checkup"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/dns"
	"github.com/holdfast-vpn/holdfast/protocol/login"
)

// refusals are the faults of a certificate: the handshake itself went through.
var refusals = []fault.Code{fault.TLSUntrusted, fault.TLSName, fault.TLSExpired, fault.TLSPin}

// path is the way to one address, with the connection where the gateway proved who it is.
type path struct {
	checkup.Path
	conn *login.Conn
}

func (e *exam) links() checkup.Links {
	began := time.Now()
	s, err := e.look()
	l := checkup.Links{Unknown: err != nil}
	for _, u := range s.Uplinks {
		text := u.Name
		for _, a := range u.Local[:min(len(u.Local), 2)] {
			text += " " + a.String()
		}
		l.Up = append(l.Up, text)
	}
	l.Took = time.Since(began)
	return l
}

func (e *exam) names(ctx context.Context) checkup.Names {
	ctx, cancel := context.WithTimeout(ctx, nameTime)
	defer cancel()
	var n checkup.Names
	if by, err := dns.Look(ctx); err == nil {
		n.By = string(by.Backend)
	} else if f := fault.As(err); f.Code == fault.HostFixed {
		n.Fixed = f
	}
	if a, err := netip.ParseAddr(e.target.Host); err == nil {
		n.Literal, n.Addrs = true, []netip.Addr{a.Unmap()}
		return n
	}
	began := time.Now()
	addrs, err := e.dialer.Lookup(ctx, e.target.Host)
	n.Addrs, n.Took = addrs, time.Since(began)
	if err != nil {
		n.Fault, n.NoRoute = fault.As(err), errors.Is(err, syscall.ENETUNREACH)
	}
	return n
}

// try goes to one address as far as it gets.
func (e *exam) try(ctx context.Context, a netip.Addr) path {
	p := path{Path: checkup.Path{Addr: a}}
	to := netip.AddrPortFrom(a, e.target.Port)
	dialCtx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	began := time.Now()
	raw, err := e.dialer.DialTCP(dialCtx, to, 0, "", netip.Addr{})
	p.Dialled = time.Since(began)
	if err != nil {
		p.Refused, p.NoRoute = fault.As(err), errors.Is(err, syscall.ENETUNREACH)
		return p
	}
	e.secure(ctx, &p, raw, to)
	if p.TLS == nil || p.TLS.Code != fault.NetSilent {
		return p
	}
	// The greeting of TLS fills more than one packet, and the answer several: one that is lost for its size looks like silence.
	if raw, err = dialSmall(ctx, to); err == nil {
		again := p
		if e.secure(ctx, &again, raw, to); again.Secured {
			again.Small = true
			return again
		}
	}
	return p
}

// secure makes TLS of a connection and notes what it sees.
func (e *exam) secure(ctx context.Context, p *path, raw net.Conn, to netip.AddrPort) {
	ctx, cancel := context.WithTimeout(ctx, e.wait)
	defer cancel()
	p.MTU = pathMTU(raw)
	began := time.Now()
	conn, leaf, err := login.Examine(ctx, raw, to, e.target.Host, e.target.Trust)
	p.Handshake = time.Since(began)
	if leaf != nil {
		p.NotBefore, p.NotAfter = leaf.NotBefore, leaf.NotAfter
		p.Key = fmt.Sprintf("sha256:%x", sha256.Sum256(leaf.RawSubjectPublicKeyInfo))
	}
	p.TLS = nil
	if err != nil {
		f := fault.As(err)
		if p.Secured = slices.Contains(refusals, f.Code); p.Secured {
			p.Untrusted = f
		} else {
			p.TLS = f
		}
		return
	}
	p.Secured, p.Cipher, p.conn = true, conn.Cipher, conn
	if mtu := pathMTU(conn.Raw); mtu > 0 {
		p.MTU = mtu // what the handshake has taught the system
	}
}

// greet begins a login and leaves it at that.
func (e *exam) greet(ctx context.Context, c *login.Conn) checkup.Hello {
	ctx, cancel := context.WithTimeout(ctx, greetTime)
	defer cancel()
	began := time.Now()
	g, err := login.Greet(ctx, c, e.target, login.Options{})
	h := checkup.Hello{Asked: true, Asks: g.Asks, Elsewhere: g.Elsewhere, Date: g.Date, Took: time.Since(began)}
	if err != nil {
		h.Fault = fault.As(err)
	}
	return h
}
