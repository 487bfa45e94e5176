package gateway

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// reply is an answer to a request other than CONNECT.
type reply struct {
	status  int
	kind    string // Content-Type
	cookies []string
	body    []byte
}

// page is what a browser gets.
const page = "<!DOCTYPE html>\n<html><head><title>%[1]s</title></head><body><h1>%[1]s</h1><p>Connect with an AnyConnect-compatible client.</p></body></html>\n"

// answer serves a request and reports whether the connection goes on.
func (c *conn) answer(q *http.Request, body []byte) bool {
	if m := c.g.misdeed(StageLogin); m != nil && !c.misbehave(m) {
		return false
	}
	var r reply
	switch q.Method {
	case http.MethodPost:
		r = c.g.login(q, body)
	case http.MethodGet, http.MethodHead:
		r = reply{status: http.StatusNotFound, kind: "text/html"}
		if q.URL.Path == "/" {
			r = reply{status: http.StatusOK, kind: "text/html; charset=utf-8", body: fmt.Appendf(nil, page, c.g.cfg.Name)}
		}
	default:
		r = reply{status: http.StatusMethodNotAllowed}
	}
	keep := r.status < 400 && !q.Close
	head := fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\nX-Transcend-Version: 1\r\n", r.status, http.StatusText(r.status), len(r.body))
	head = append(head, "Cache-Control: no-store\r\nX-Frame-Options: SAMEORIGIN\r\n"...)
	if r.kind != "" {
		head = fmt.Appendf(head, "Content-Type: %s\r\n", r.kind)
	}
	if q.Header.Get("X-Aggregate-Auth") != "" {
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
