package forward

import (
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Rules says who is asked.
type Rules struct {
	Inside  []netip.Addr // the tunnel's servers, in order
	Domains []string     // what is theirs, with everything below
	All     bool         // everything is theirs
	// Outside lists the machine's own servers, in order, at each question.
	Outside func() []netip.Addr
}

// inside reports whether a name, as it stands in a question, belongs to the tunnel's servers.
func (r Rules) inside(name string) bool {
	return r.All || slices.ContainsFunc(r.Domains, func(d string) bool { return dns.IsSubDomain(dns.Fqdn(d), name) })
}

// Limits of a message: a header (RFC 1035 §4.1.1), and what fits UDP or TCP.
const (
	headerSize = 12
	maxMessage = 65535
)

// Errors of parsing; the first is not even answered.
var (
	errNoMessage = errors.New("forward: not a DNS query")
	errRefused   = errors.New("forward: not a query with one question")
)

// question reads the header and the question of a query. Whatever follows is the server's to judge.
func question(b []byte) (dns.Question, error) {
	if len(b) < headerSize || b[2]&0x80 != 0 {
		return dns.Question{}, errNoMessage
	}
	if b[2]>>3&0xf != dns.OpcodeQuery || b[4] != 0 || b[5] != 1 {
		return dns.Question{}, errRefused
	}
	q, _, err := readQuestion(b)
	if err != nil {
		return q, errRefused
	}
	return q, nil
}

// readQuestion unpacks the first question and returns where it ends.
func readQuestion(b []byte) (dns.Question, int, error) {
	name, at, err := dns.UnpackDomainName(b, headerSize)
	if err != nil || at+4 > len(b) {
		return dns.Question{}, 0, errRefused
	}
	return dns.Question{Name: name, Qtype: uint16(b[at])<<8 | uint16(b[at+1]), Qclass: uint16(b[at+2])<<8 | uint16(b[at+3])}, at + 4, nil
}

// answers reports whether b is an answer with the id to the question: same name in any case of letters, same type, same class.
func answers(b []byte, id uint16, q dns.Question) bool {
	if len(b) < headerSize || b[2]&0x80 == 0 || uint16(b[0])<<8|uint16(b[1]) != id {
		return false
	}
	if b[4] == 0 && b[5] == 0 { // some servers leave the question out of an error
		return b[3]&0xf != dns.RcodeSuccess
	}
	got, _, err := readQuestion(b)
	return err == nil && b[4] == 0 && b[5] == 1 && strings.EqualFold(got.Name, q.Name) && got.Qtype == q.Qtype && got.Qclass == q.Qclass
}

// setID writes the id of a message.
func setID(b []byte, id uint16) { b[0], b[1] = byte(id>>8), byte(id) }

// failure is the answer to query that says it could not be done: its header and question, nothing else.
func failure(query []byte, rcode int) []byte {
	end := headerSize
	if _, at, err := readQuestion(query); err == nil && query[4] == 0 && query[5] == 1 {
		end = at
	}
	b := append([]byte(nil), query[:end]...)
	b[2] = 0x80 | b[2]&0x79                                 // QR; opcode and RD as asked
	b[3] = 0x80 | byte(rcode)                               // RA
	b[6], b[7], b[8], b[9], b[10], b[11] = 0, 0, 0, 0, 0, 0 // no records
	if end == headerSize {
		b[4], b[5] = 0, 0
	}
	return b
}
