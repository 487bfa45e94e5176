package gateway

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/cstp"
)

// reply is an answer to a request other than CONNECT.
type reply struct {
	status  int
	kind    string // Content-Type
	cookies []string
	body    []byte

	location string
}

// page is what a browser gets.
const page = "<!DOCTYPE html>\n<html><head><title>%[1]s</title></head><body><h1>%[1]s</h1><p>Connect with an AnyConnect-compatible client.</p></body></html>\n"

// answer serves a request and reports whether the connection goes on.
func (c *conn) answer(q *http.Request, body []byte) bool {
	stage := StageLogin
	switch q.URL.Path {
	case profilePath:
		stage = StageProfile
	case pageLogin, pageProvider, pageDone:
		stage = StageSignIn
	}
	if m := c.g.misdeed(stage); m != nil && !c.misbehave(m) {
		return false
	}
	r := c.g.serve(q, body)
	keep := r.status < 400 && !q.Close
	head := fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\nX-Transcend-Version: 1\r\n", r.status, http.StatusText(r.status), len(r.body))
	head = append(head, "Cache-Control: no-store\r\nX-Frame-Options: SAMEORIGIN\r\n"...)
	if r.kind != "" {
		head = fmt.Appendf(head, "Content-Type: %s\r\n", r.kind)
	}
	if r.location != "" {
		head = fmt.Appendf(head, "Location: %s\r\n", r.location)
	}
	if q.Header.Get("X-Aggregate-Auth") != "" && !c.g.cfg.Older {
		head = append(head, "X-Aggregate-Auth: 1\r\n"...)
	}
	for _, cookie := range r.cookies {
		head = fmt.Appendf(head, "Set-Cookie: %s\r\n", cookie)
	}
	connection := "Keep-Alive"
	if !keep {
		connection = "close"
	}
	head = fmt.Appendf(head, "Connection: %s\r\n\r\n", connection)
	if q.Method != http.MethodHead {
		head = append(head, r.body...)
	}
	_, err := c.tls.Write(head)
	return err == nil && keep
}

// profilePath is where the client profile lies.
const profilePath = "/CACHE/stc/profiles/client.xml"

// serve finds the answer to a request.
func (g *Gateway) serve(q *http.Request, body []byte) reply {
	read := q.Method == http.MethodGet || q.Method == http.MethodHead
	if r, ok := g.pages(q, body); ok {
		return r
	}
	switch {
	case read && q.URL.Path == profilePath && len(g.cfg.Profile) > 0:
		return g.profile(q)
	case g.cfg.Redirect != "":
		return reply{status: http.StatusFound, location: g.cfg.Redirect}
	case g.cfg.Older && (read || q.Method == http.MethodPost):
		return g.olderLogin(q, body)
	case q.Method == http.MethodPost:
		return g.login(q, body)
	case read && q.URL.Path == "/":
		return reply{status: http.StatusOK, kind: "text/html; charset=utf-8", body: fmt.Appendf(nil, page, g.cfg.Name)}
	case read:
		return reply{status: http.StatusNotFound, kind: "text/html"}
	}
	return reply{status: http.StatusMethodNotAllowed}
}

// profile hands the client profile to who has a session; others get what ocserv gives them.
func (g *Gateway) profile(q *http.Request) reply {
	token, err := q.Cookie("webvpn")
	if err != nil {
		return reply{status: http.StatusServiceUnavailable}
	}
	g.mu.Lock()
	known := g.sessions[token.Value] != nil
	g.mu.Unlock()
	if !known {
		return reply{status: http.StatusServiceUnavailable}
	}
	return reply{status: http.StatusOK, kind: "text/xml", body: g.cfg.Profile}
}

// misbehave gives a wrong answer. It reports whether the right one follows.
func (c *conn) misbehave(m *Misdeed) bool {
	if m.Delay > 0 {
		t := time.NewTimer(m.Delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-c.valve.closed:
			return false
		}
	}
	var b []byte
	switch m.Kind {
	case Late:
		return true
	case Unavailable:
		b = fmt.Appendf(nil, "HTTP/1.1 503 Service Unavailable\r\nX-Reason: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", m.Reason)
	case Unauthorized:
		b = cstp.AppendRefusal(nil, http.StatusUnauthorized, "Cookie is not acceptable")
	case Garbage:
		b = make([]byte, 512)
		_, _ = rand.Read(b)
		b[0] |= 0x80 // never the beginning of HTTP
	case HTML:
		text := fmt.Sprintf(page, "Welcome to this network")
		b = []byte("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: " + strconv.Itoa(len(text)) + "\r\nConnection: close\r\n\r\n" + text)
	case Endless:
		c.endless()
		return false
	}
	_, _ = c.tls.Write(b)
	_ = c.tls.Close()
	return false
}

// endless sends a body until the client has had enough.
func (c *conn) endless() {
	_ = c.valve.SetDeadline(time.Time{})
	b := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n<?xml version=\"1.0\"?>\n<config-auth type=\"auth-request\"><auth id=\"main\"><message>")
	for {
		if _, err := c.tls.Write(b); err != nil {
			return
		}
		b = b[:0]
		for len(b) < 16<<10 {
			b = append(b, "and so on "...)
		}
	}
}
