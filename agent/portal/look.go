package portal

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/checkup"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Port is that of plain HTTP.
const Port = 80

// maxPage bounds what is read of an answer, its header included; maxHead what is looked at of a page.
const (
	maxPage = 64 << 10
	maxHead = 8 << 10
)

// Probe is one question in plain HTTP.
type Probe struct {
	Dial  func(ctx context.Context, to netip.AddrPort) (net.Conn, error)
	Host  string // the gateway's name: that of the request, and what a redirect is measured against
	Agent string // what we call ourselves
	Port  uint16 // 0 is Port
}

// Look asks one address. The zero Web means that nothing like HTTP answered before ctx ended.
func (p Probe) Look(ctx context.Context, at netip.Addr) checkup.Web {
	port := p.Port
	if port == 0 {
		port = Port
	}
	began := time.Now()
	c, err := p.Dial(ctx, netip.AddrPortFrom(at, port))
	if err != nil {
		return checkup.Web{}
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := io.WriteString(c, p.request()); err != nil {
		return checkup.Web{}
	}
	w := read(c, p.Host, at)
	w.Took = time.Since(began)
	return w
}

// request is everything that a stranger may read.
func (p Probe) request() string {
	host := p.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return "GET / HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: " + p.Agent + "\r\nAccept: */*\r\nConnection: close\r\n\r\n"
}

// read takes an answer apart.
func read(from io.Reader, host string, at netip.Addr) checkup.Web {
	resp, err := http.ReadResponse(bufio.NewReader(io.LimitReader(from, maxPage)), nil) //nolint:bodyclose // it holds nothing but the connection, and would read to the end
	if err != nil {
		return checkup.Web{}
	}
	w := checkup.Web{Answered: true, Status: resp.StatusCode}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		w.Date = date
	}
	head := make([]byte, maxHead)
	n, _ := io.ReadFull(resp.Body, head)
	head = head[:n]
	w.Page = resp.StatusCode == http.StatusOK && isPage(resp.Header.Get("Content-Type"), head)
	w.SignIn = bytes.Contains(head, []byte(wispr))
	for _, location := range []string{resp.Header.Get("Location"), refresh(resp.Header.Get("Refresh")), metaRefresh(head)} {
		if w.Elsewhere == "" {
			w.Elsewhere = elsewhere(host, at, location)
		}
	}
	return w
}

// wispr is how a portal speaks to programs that can sign in (WISPr 1.0, annex D).
const wispr = "<WISPAccessGatewayParam"

// metaRefresh is where a page sends its reader by itself: <meta http-equiv="refresh" content="0; url=...">.
func metaRefresh(head []byte) string {
	for rest := head; ; {
		i := bytes.Index(rest, []byte("<"))
		if i < 0 {
			return ""
		}
		tag, after, closed := bytes.Cut(rest[i+1:], []byte(">"))
		if !closed {
			return ""
		}
		if low := bytes.ToLower(tag); bytes.HasPrefix(low, []byte("meta")) && bytes.Contains(low, []byte("refresh")) {
			return refresh(string(tag))
		}
		rest = after
	}
}

// refresh is the address in "0; url=ADDRESS", however it is quoted.
func refresh(s string) string {
	i := strings.Index(strings.ToLower(s), "url=")
	if i < 0 || len(s) != len(strings.ToLower(s)) {
		return ""
	}
	s = strings.TrimLeft(s[i+len("url="):], " \"'")
	if end := strings.IndexAny(s, "\"' ;"); end >= 0 {
		s = s[:end]
	}
	return s
}

// isPage reports whether an answer is meant for people.
func isPage(kind string, head []byte) bool {
	head = bytes.ToLower(head)
	return strings.HasPrefix(strings.ToLower(kind), "text/html") || bytes.Contains(head, []byte("<html")) || bytes.Contains(head, []byte("<!doctype html"))
}

// elsewhere is the host of a redirect that leads away from the gateway and from its owner's names.
func elsewhere(host string, at netip.Addr, location string) string {
	u, err := url.Parse(location)
	if location == "" || err != nil || u.Hostname() == "" || related(u.Hostname(), host) || u.Hostname() == at.String() {
		return ""
	}
	return fault.Clean(u.Hostname())
}

// related reports whether two hosts have the same owner as far as a name can tell: they are one, or both are names that end in the same two labels.
func related(a, b string) bool {
	if isAddr(a) || isAddr(b) {
		return a == b
	}
	return owner(a) == owner(b)
}

func isAddr(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// owner is the last two labels of a name.
func owner(name string) string {
	labels := strings.Split(strings.ToLower(strings.TrimSuffix(name, ".")), ".")
	return strings.Join(labels[max(len(labels)-2, 0):], ".")
}
