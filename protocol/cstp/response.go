package cstp

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
)

const (
	maxHead   = 512 << 10 // a gateway with 4096 routes needs half of it
	maxLine   = 64 << 10  // X-CSTP-Post-Auth-XML is one line of some kilobytes
	maxFields = 8192
)

var (
	// ErrHead says that the answer to CONNECT is no HTTP response head.
	ErrHead = errors.New("cstp: not an HTTP response")
	// ErrHeadTooLong says that it never ends.
	ErrHeadTooLong = errors.New("cstp: response head too long")
)

// Response is the head of the answer to CONNECT.
type Response struct {
	Status int
	Fields []protocol.Header // in order, values trimmed; what they hold is not checked yet
}

// ReadResponse reads the head and leaves r at the first byte of the first frame. Errors: ErrHead, ErrHeadTooLong, or the reader's own; io.EOF when the peer
// closed without a word.
func ReadResponse(r *bufio.Reader) (*Response, error) {
	left := maxHead
	status, err := readLine(r, &left)
	if err != nil {
		return nil, err
	}
	resp := &Response{}
	proto, rest, _ := strings.Cut(status, " ")
	code, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	resp.Status, err = strconv.Atoi(code)
	if err != nil || len(code) != 3 || resp.Status < 100 || !strings.HasPrefix(proto, "HTTP/1.") {
		return nil, ErrHead
	}
	for {
		line, err := readLine(r, &left)
		if err != nil {
			return nil, unexpectedEOF(err)
		}
		if line == "" {
			return resp, nil
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !token(name) {
			return nil, ErrHead
		}
		if len(resp.Fields) == maxFields {
			return nil, ErrHeadTooLong
		}
		resp.Fields = append(resp.Fields, protocol.Header{Name: name, Value: strings.TrimSpace(value)})
	}
}

// Get returns the first value of a header, whatever the case of its name.
func (r *Response) Get(name string) string {
	for _, f := range r.Fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Reason is the gateway's explanation of a refusal, X-Reason, as one clean line.
func (r *Response) Reason() string { return fault.Clean(strings.ToValidUTF8(r.Get("X-Reason"), " ")) }

// readLine reads one line without its end, taking its length from left.
func readLine(r *bufio.Reader, left *int) (string, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if *left -= len(part); *left < 0 || len(line)+len(part) > maxLine {
			return "", ErrHeadTooLong
		}
		line = append(line, part...)
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			if len(line) > 0 {
				err = unexpectedEOF(err)
			}
			return "", err
		}
	}
	line = line[:len(line)-1]
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return string(line), nil
}

// token reports whether s can be a header's name (RFC 9110 5.1; the characters in use).
func token(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return s != "" && len(s) <= 128
}

// AppendResponse appends the gateway's answer to an accepted CONNECT. baseMTU is what the client told, 0 to leave it out; extra goes last, as it is.
func AppendResponse(b []byte, s *protocol.Settings, baseMTU int, extra ...protocol.Header) []byte {
	w := head{append(b, "HTTP/1.1 200 CONNECTED\r\n"...)}
	w.line("X-CSTP-Version", "1")
	w.line("X-CSTP-Protocol", copyright)
	w.text("X-CSTP-Server-Name", s.Server)
	for _, p := range s.Addresses {
		if p.Addr().Is4() {
			w.line("X-CSTP-Address", p.Addr().String())
			w.line("X-CSTP-Netmask", dotted(p.Bits()))
		} else {
			w.line("X-CSTP-Address-IP6", p.String())
		}
	}
	w.names(s)
	w.routes("X-CSTP-Split-Include", s.SplitInclude)
	w.routes("X-CSTP-Split-Exclude", s.SplitExclude)
	if s.LocalLAN {
		w.line("X-CSTP-Split-Exclude", "0.0.0.0/255.255.255.255")
	}
	w.flag("X-CSTP-Client-Bypass-Protocol", s.BypassProtocol)
	w.seconds("X-CSTP-DPD", s.DPD, "0")
	w.seconds("X-CSTP-Keepalive", s.Keepalive, "0")
	w.seconds("X-CSTP-Idle-Timeout", s.IdleTimeout, "none")
	w.seconds("X-CSTP-Disconnected-Timeout", s.DisconnectedTimeout, "none")
	w.seconds("X-CSTP-Session-Timeout", s.SessionTimeout, "none")
	w.seconds("X-CSTP-Session-Timeout-Remaining", s.SessionTimeout, "none")
	if s.TimeoutAlert > 0 {
		w.seconds("X-CSTP-Session-Timeout-Alert-Interval", s.TimeoutAlert, "")
	}
	if s.RekeyTime > 0 && s.RekeyMethod != "" {
		w.seconds("X-CSTP-Rekey-Time", s.RekeyTime, "")
		w.line("X-CSTP-Rekey-Method", s.RekeyMethod)
	}
	if s.DynDNS {
		w.flag("X-CSTP-DynDNS", true)
	}
	if baseMTU > 0 {
		w.line("X-CSTP-Base-MTU", strconv.Itoa(baseMTU))
	}
	w.line("X-CSTP-MTU", strconv.Itoa(s.MTU))
	w.text("X-CSTP-Banner", s.Banner)
	w.postAuth(s)
	for _, h := range extra {
		w.line(h.Name, h.Value)
	}
	return append(w.b, "\r\n"...)
}

// AppendRefusal appends the gateway's answer to a CONNECT that it does not accept: 401 for a token it does not know, 503 with a reason for "not now".
func AppendRefusal(b []byte, status int, reason string) []byte {
	w := head{append(b, fmt.Sprintf("HTTP/1.1 %d %s\r\n", status, http.StatusText(status))...)}
	w.text("X-Reason", reason)
	w.line("Content-Length", "0")
	w.line("Connection", "close")
	return append(w.b, "\r\n"...)
}

// head appends header lines.
type head struct{ b []byte }

func (w *head) line(name, value string) {
	w.b = append(append(append(append(w.b, name...), ": "...), oneLine(value)...), "\r\n"...)
}

func (w *head) text(name, value string) {
	if value != "" {
		w.line(name, value)
	}
}

func (w *head) flag(name string, v bool) { w.line(name, strconv.FormatBool(v)) }

func (w *head) seconds(name string, d time.Duration, off string) {
	if d > 0 {
		off = strconv.FormatInt(int64(d/time.Second), 10)
	}
	w.line(name, off)
}

func (w *head) names(s *protocol.Settings) {
	for _, a := range s.DNS {
		if a.Is4() {
			w.line("X-CSTP-DNS", a.String())
		} else {
			w.line("X-CSTP-DNS-IP6", a.String())
		}
	}
	for _, a := range s.NBNS {
		w.line("X-CSTP-NBNS", a.String())
	}
	w.text("X-CSTP-Default-Domain", strings.Join(s.Search, " "))
	for _, d := range s.SplitDNS {
		w.line("X-CSTP-Split-DNS", d)
	}
	w.flag("X-CSTP-Tunnel-All-DNS", s.TunnelAllDNS)
}

// postAuth writes the domains as an ASA does, in a document on one line.
func (w *head) postAuth(s *protocol.Settings) {
	if len(s.DynamicInclude)+len(s.DynamicExclude) == 0 {
		return
	}
	doc := authxml.Response{Type: authxml.TypeComplete, AuthID: authxml.AuthSuccess, Config: authxml.Config{
		DynamicInclude: strings.Join(s.DynamicInclude, ","), DynamicExclude: strings.Join(s.DynamicExclude, ","),
	}}
	if b, err := doc.Append(nil); err == nil {
		w.line("X-CSTP-Post-Auth-XML", strings.ReplaceAll(string(b), "\n", ""))
	}
}

func (w *head) routes(name string, routes []netip.Prefix) {
	for _, p := range routes {
		if p.Addr().Is4() {
			w.line(name, p.Addr().String()+"/"+dotted(p.Bits()))
		} else {
			w.line(name+"-IP6", p.String())
		}
	}
}

// dotted is an IPv4 prefix length as a mask.
func dotted(bits int) string {
	m := ^uint32(0) << (32 - bits)
	return netip.AddrFrom4([4]byte{byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)}).String()
}
