package agent

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"strings"
	"sync/atomic"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

const (
	maxChain       = 16       // certificates of one client
	maxContent     = 64 << 10 // bytes to be signed: the messages of a TLS 1.2 handshake
	maxSignature   = 2 << 10  // bytes: RSA with 16384 bits
	signatureField = "signature"
)

// signing is a question for whoever holds a private key. No person is asked, so the machine hears nothing of it: it lives inside one TLS handshake.
type signing struct {
	id    machine.ID
	conn  *connection
	what  protocol.Signing
	until time.Time
	reply chan []byte // has room for the one reply; nil is a refusal
}

// keyholder reaches the private key of a connection's certificate, which stays in the process that asked for the connection.
type keyholder struct {
	agent *Agent
	conn  *connection
	// silent is set when nobody signed in time, and cleared by the next connect: clients that only watch shall not make every reconnect wait.
	silent atomic.Bool
}

// Present implements protocol.Keyholder: a client of the owner listens, and it may be one that has the key.
func (k *keyholder) Present() bool { return !k.silent.Load() && k.agent.cfg.Hub.Heard(k.conn.owner) }

// Sign implements protocol.Keyholder.
func (k *keyholder) Sign(ctx context.Context, s protocol.Signing) ([]byte, error) {
	if len(s.Content) > maxContent {
		return nil, fault.Newf(fault.NetTooMuch, nil, "a handshake of more than %d bytes", maxContent)
	}
	l := k.agent.loop
	until, _ := ctx.Deadline()
	q := &signing{id: l.nextPrompt(), conn: k.conn, what: s, until: l.cfg.Wall().Add(time.Until(until)), reply: make(chan []byte, 1)}
	open := false
	if err := k.agent.call(ctx, func(l *loop) { open = l.openSigning(q) }); err != nil || !open {
		return nil, fault.New(fault.AuthUnsigned, err)
	}
	var sig []byte
	select {
	case sig = <-q.reply:
	case <-ctx.Done():
		k.silent.Store(true)
		_ = k.agent.call(context.WithoutCancel(ctx), func(l *loop) { l.closeSigning(q) }) // an agent that is stopping has told everybody
	}
	if sig == nil {
		return nil, fault.New(fault.AuthUnsigned, ctx.Err())
	}
	return sig, nil
}

// attend says that a connect is running again for this connection: it may have the key.
func (c *connection) attend() {
	if c.key != nil {
		c.key.silent.Store(false)
	}
}

// openSigning shows the question to the owner, if the session is still his.
func (l *loop) openSigning(q *signing) bool {
	if l.status.conn != q.conn {
		return false
	}
	l.res.signing[q.id] = q
	w := *q.wire()
	l.news = append(l.news, func(h *ipc.Hub) { h.Prompt(w) })
	l.publish()
	return true
}

// closeSigning takes the question back.
func (l *loop) closeSigning(q *signing) {
	if l.res.signing[q.id] == nil {
		return
	}
	delete(l.res.signing, q.id)
	id := promptName(q.id)
	l.news = append(l.news, func(h *ipc.Hub) { h.Withdrawn(id) })
	l.publish()
}

// answerSigning takes an answer. What is no signature at all leaves the question open; whether it is a good one, the gateway finds.
func (l *loop) answerSigning(id string, ans ipc.Answer) error {
	for _, q := range l.res.signing {
		if promptName(q.id) != id {
			continue
		}
		var sig []byte
		if !ans.Cancel {
			field, ok := ans.Fields[signatureField]
			if !ok || len(ans.Fields) != 1 || field.Len() > base64.StdEncoding.EncodedLen(maxSignature) {
				return fault.Newf(fault.UseBad, nil, "a prompt of kind sign is answered with the field %s", signatureField)
			}
			var err error
			if sig, err = base64.StdEncoding.DecodeString(string(field.Reveal())); err != nil || len(sig) == 0 {
				return fault.Newf(fault.UseBad, nil, "the signature is not base64")
			}
		}
		l.closeSigning(q)
		q.reply <- sig
		return nil
	}
	return fault.New(fault.AuthPromptGone, nil)
}

// oldestSigning is the question that has been open longest, as clients see it; nil if there is none.
func (l *loop) oldestSigning() *ipc.Prompt {
	var first *signing
	for _, q := range l.res.signing {
		if first == nil || q.id < first.id {
			first = q
		}
	}
	if first == nil {
		return nil
	}
	return first.wire()
}

// wire is the question as clients see it.
func (q *signing) wire() *ipc.Prompt {
	sum := sha256.Sum256(q.conn.servers[0].Identity.Leaf.Raw)
	return &ipc.Prompt{
		ID: promptName(q.id), Kind: "sign", Until: q.until,
		Fields: []ipc.Field{{Name: signatureField, Type: "text"}},
		Sign:   &ipc.Sign{Certificate: hex.EncodeToString(sum[:]), Scheme: q.what.Scheme, Content: q.what.Content},
	}
}

// identityOf reads a client certificate and its chain; nil for "". A private key has no business here, and is refused before anything keeps it.
func identityOf(text string) (*protocol.Identity, error) {
	if text == "" {
		return nil, nil
	}
	if strings.Contains(text, "PRIVATE KEY-----") {
		return nil, fault.Newf(fault.UseBad, nil, "a private key must stay with its user")
	}
	id := &protocol.Identity{}
	for rest := []byte(text); ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			break
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if b.Type != "CERTIFICATE" || err != nil || len(id.Chain) == maxChain {
			return nil, fault.Newf(fault.AuthCertFile, nil, "it is no chain of certificates in PEM, or a long one")
		}
		if id.Chain = append(id.Chain, c.Raw); id.Leaf == nil {
			id.Leaf = c
		}
	}
	if id.Leaf == nil {
		return nil, fault.Newf(fault.AuthCertFile, nil, "there is no certificate in PEM")
	}
	switch id.Leaf.PublicKey.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
		return id, nil
	}
	return nil, fault.Newf(fault.AuthCertFile, nil, "its key is neither RSA, ECDSA nor Ed25519")
}
