package gateway

import (
	"cmp"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Session is what administrators see of a session. Rx is from the client.
type Session struct {
	ID         uint32         `json:"id"`
	User       string         `json:"user"`
	Group      string         `json:"group,omitempty"`
	Client     string         `json:"client,omitempty"` // outer address and port of the last SSL tunnel
	Hostname   string         `json:"hostname,omitempty"`
	Addresses  []netip.Prefix `json:"addresses,omitempty"`
	Active     bool           `json:"active"`              // it has an SSL tunnel
	Transport  string         `json:"transport,omitempty"` // what packets to the client go by: dtls, tls, "" when not active
	Begun      time.Time      `json:"begun"`               // of the login
	Since      time.Time      `json:"since"`               // of the SSL tunnel when active, of its loss when not
	Reconnects int            `json:"reconnects"`          // session level: how often the token was presented again and taken
	Rechannels int            `json:"rechannels"`          // tunnel level: how often DTLS was made anew beside an SSL tunnel, for new keys too
	Refused    int            `json:"refused"`             // how often the token was presented and could not be taken
	// Capabilities are letters: R the session has come back with its token, D there is DTLS, 6 it has an inside address of IPv6.
	Capabilities string `json:"capabilities,omitempty"`
	// Ends is when the session does unless something happens: at its loss for good when not active, at the end of its time when active. Zero for never.
	Ends    time.Time `json:"ends,omitzero"`
	Tunnels []Tunnel  `json:"tunnels"`
	Rx      Counter   `json:"rx"`
	Tx      Counter   `json:"tx"`
}

// Tunnel is one tunnel of a session: its parent, which is the token and lives as long as the session, an SSL tunnel, or a DTLS tunnel beside that.
type Tunnel struct {
	ID     string    `json:"id"`   // the session's number, a point, and the tunnel's among all that the session has had
	Kind   string    `json:"kind"` // parent, ssl, dtls
	Since  time.Time `json:"since"`
	Cipher string    `json:"cipher,omitempty"`
	InUse  bool      `json:"in_use"`           // packets to the client go by it
	Heard  time.Time `json:"heard,omitzero"`   // when anything came by it
	DPD    float64   `json:"dpd_s,omitempty"`  // how long it may be silent before it is asked, seconds
	Idle   float64   `json:"idle_s,omitempty"` // how long packets may stay away, seconds; 0 for ever
	Left   float64   `json:"left_s,omitempty"` // of that, seconds
}

// Counter is one direction of a session: Drops are packets that found no room or had a foreign source.
type Counter struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
	Drops   uint64 `json:"drops"`
}

// String is the session's counter line.
func (s Session) String() string {
	return fmt.Sprintf("session %d user=%s group=%s state=%s transport=%s address=%s client=%s reconnects=%d rx=%d/%dB tx=%d/%dB drops=%d",
		s.ID, s.User, cmp.Or(s.Group, "-"), s.state(), cmp.Or(s.Transport, "-"), s.addresses(","), cmp.Or(s.Client, "-"), s.Reconnects,
		s.Rx.Packets, s.Rx.Bytes, s.Tx.Packets, s.Tx.Bytes, s.Rx.Drops+s.Tx.Drops)
}

func (s Session) state() string {
	if s.Active {
		return "active"
	}
	return "inactive"
}

func (s Session) addresses(between string) string {
	list := make([]string, len(s.Addresses))
	for i, a := range s.Addresses {
		list[i] = a.Addr().String()
	}
	return cmp.Or(strings.Join(list, between), "-")
}

// Sessions lists the sessions by number.
func (g *Gateway) Sessions() []Session {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expire()
	list := make([]Session, 0, len(g.sessions))
	for _, s := range g.sessions {
		list = append(list, g.display(s))
	}
	slices.SortFunc(list, func(a, b Session) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// display is a session as administrators see it. g.mu is held.
func (g *Gateway) display(s *session) Session {
	d := Session{
		ID: s.id, User: s.user, Group: s.group, Client: s.client, Hostname: s.host, Addresses: slices.Clone(s.addrs), Active: s.tunnel != nil, Transport: s.tunnel.transport(),
		Begun: s.begun, Since: s.since, Reconnects: max(0, s.connects-1), Rechannels: int(s.rechannels.Load()), Refused: s.refused, Rx: s.rx.value(), Tx: s.tx.value(),
	}
	if d.Reconnects > 0 {
		d.Capabilities += "R"
	}
	left, limited := g.left(s)
	if limited {
		d.Ends = time.Now().Add(left)
	}
	d.Tunnels = []Tunnel{{ID: s.tunnelID(parentNumber), Kind: "parent", Since: s.begun}}
	if s.tunnel == nil {
		if lost := s.since.Add(g.cfg.Settings.DisconnectedTimeout); d.Ends.IsZero() || lost.Before(d.Ends) {
			d.Ends = lost
		}
	} else {
		d.Tunnels = append(d.Tunnels, s.tunnel.display()...)
	}
	if len(d.Tunnels) > 2 {
		d.Capabilities += "D"
	}
	if slices.ContainsFunc(s.addrs, func(p netip.Prefix) bool { return p.Addr().Is6() }) {
		d.Capabilities += "6"
	}
	return d
}

// tunnelID names one of a session's tunnels.
func (s *session) tunnelID(number int32) string { return fmt.Sprintf("%d.%d", s.id, number) }

// display is the SSL tunnel and the DTLS tunnels beside it.
func (t *tunnel) display() []Tunnel {
	set, live := t.settings, t.udp.live.Load()
	dpd := set.DPD.Seconds()
	ssl := Tunnel{
		ID: t.session.tunnelID(t.number), Kind: "ssl", Since: t.begun, Cipher: t.cipher, InUse: live == nil, DPD: dpd, Heard: time.Now().Add(-t.conn.valve.silent()),
	}
	if set.IdleTimeout > 0 {
		ssl.Idle, ssl.Left = set.IdleTimeout.Seconds(), max(0, set.IdleTimeout-t.idle()).Seconds()
	}
	all := []Tunnel{ssl}
	for _, c := range t.established() {
		all = append(all, Tunnel{
			ID: t.session.tunnelID(c.display), Kind: "dtls", Since: c.up, Cipher: c.Cipher(), InUse: c == live, DPD: dpd, Heard: time.Now().Add(-c.silent()),
		})
	}
	slices.SortFunc(all[1:], func(a, b Tunnel) int { return a.Since.Compare(b.Since) })
	return all
}

// WriteSessions shows sessions to a person, as of now.
func WriteSessions(w io.Writer, list []Session, now time.Time) error {
	active := 0
	for _, s := range list {
		if s.Active {
			active++
		}
	}
	noun := "sessions"
	if len(list) == 1 {
		noun = "session"
	}
	text := fmt.Sprintf("%d %s: %d active, %d inactive", len(list), noun, active, len(list)-active)
	if len(list) > 0 {
		text += "    (R has come back with its token, D has DTLS, 6 has IPv6 inside)"
	}
	text += "\n"
	for _, s := range list {
		text += "\n" + s.text(now)
	}
	_, err := io.WriteString(w, text)
	return err
}

// text is a session of WriteSessions.
func (s Session) text(now time.Time) string {
	var b strings.Builder
	row := func(name, format string, a ...any) {
		fmt.Fprintf(&b, "  %-11s"+format+"\n", append([]any{name}, a...)...)
	}
	ago := func(t time.Time) string { return round(now.Sub(t)) + " ago" }
	fmt.Fprintf(&b, "session %-5d%-11s%s\n", s.ID, s.state(), cmp.Or(s.Capabilities, "-"))
	row("user", "%s, group %s, from %s (%s)", s.User, cmp.Or(s.Group, "-"), cmp.Or(s.Client, "-"), cmp.Or(s.Hostname, "-"))
	row("address", "%s", s.addresses(" "))
	row("login", "%s, %s", s.Begun.Format(time.DateTime), ago(s.Begun))
	row("reconnects", "session level %d, tunnel level %d, refused %d", s.Reconnects, s.Rechannels, s.Refused)
	if !s.Active {
		row("inactive", "since %s, %s", s.Since.Format(time.TimeOnly), ago(s.Since))
	}
	if !s.Ends.IsZero() {
		unless := ""
		if !s.Active {
			unless = " unless it comes back"
		}
		row("ends", "in %s%s", round(s.Ends.Sub(now)), unless)
	}
	row("received", "%d packets, %d bytes, %d dropped", s.Rx.Packets, s.Rx.Bytes, s.Rx.Drops)
	row("sent", "%d packets, %d bytes, %d dropped", s.Tx.Packets, s.Tx.Bytes, s.Tx.Drops)
	for _, t := range s.Tunnels {
		fmt.Fprintf(&b, "  %-11s%-7s since %s%s\n", t.ID, t.Kind, t.Since.Format(time.TimeOnly), t.text(now))
	}
	return b.String()
}

// text is the rest of a tunnel's line.
func (t Tunnel) text(now time.Time) (line string) {
	if t.Kind == "parent" {
		return ", the token"
	}
	if t.InUse {
		line = ", in use"
	}
	line += ", heard " + round(now.Sub(t.Heard)) + " ago"
	if t.DPD > 0 {
		line += ", DPD " + round(seconds(t.DPD))
	}
	if t.Idle > 0 {
		line += ", idle timeout " + round(seconds(t.Idle)) + ", " + round(seconds(t.Left)) + " left"
	}
	return line + ", " + t.Cipher
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// round is a duration as people read it.
func round(d time.Duration) string { return max(0, d).Round(time.Second).String() }
