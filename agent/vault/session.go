package vault

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/strap"
)

// Session is what is kept. Durations since the boot count the time a machine sleeps, unless they say otherwise.
type Session struct {
	Owner   string `json:"owner"`   // localsock.Peer.ID
	Attempt string `json:"attempt"` // the id that its connect was given
	Connect uint64 `json:"connect"` // how many there were by then
	Prompts uint64 `json:"prompts"` // how many numbers of prompts were used

	Name      string            `json:"name"`
	Profile   string            `json:"profile,omitempty"`
	Servers   []protocol.Target `json:"servers"` // for a new login; without the holder of a private key
	Policy    machine.Policy    `json:"policy"`
	Budget    time.Duration     `json:"budget"`
	LocalLAN  bool              `json:"local_lan,omitempty"`
	KeepsUser bool              `json:"keeps_user,omitempty"`
	Keeps     bool              `json:"keeps,omitempty"`

	Ref      protocol.SessionRef `json:"ref"`
	Settings protocol.Settings   `json:"settings"`
	Path     machine.Path        `json:"path"` // of its last tunnel
	Kept     machine.Kept        `json:"kept"`
	Counters ipc.Counters        `json:"counters"` // when it was saved

	Saved     machine.Instant `json:"saved"`     // both clocks, when it was saved
	Adoptions int             `json:"adoptions"` // agents that tried to take it up since it last had a tunnel

	Timeline []ipc.Entry `json:"timeline,omitempty"` // the last of it
	Seq      uint64      `json:"seq"`                // of the newest entry there was
}

// version is that of the JSON. Fields may come without a new one: an older file has none of them. A field that goes, or means something else, makes a new one.
const version = 1

// content is the JSON. Two things have no place in the types themselves: a secret prints as a mask there, and a certificate is parsed.
type content struct {
	Version int        `json:"version"`
	Token   []byte     `json:"token"`
	Key     []byte     `json:"key,omitempty"`    // PKCS#8: that signs each CONNECT
	Chains  [][][]byte `json:"chains,omitempty"` // DER, of the client certificate of each server, and of the reference last; all or none
	Session Session    `json:"session"`
}

// marshal is s as JSON. The caller clears it.
func marshal(s Session) ([]byte, error) {
	c := content{Version: version, Token: s.Ref.Token.Reveal(), Key: s.Ref.Key.Reveal(), Session: s}
	c.Session.Ref.Token, c.Session.Ref.Key = redact.Secret{}, strap.Key{}
	c.Session.Servers = make([]protocol.Target, len(s.Servers))
	identities := 0
	chain := func(t protocol.Target) protocol.Target {
		var der [][]byte
		if t.Identity != nil {
			der = t.Identity.Chain
			identities++
		}
		c.Chains = append(c.Chains, der)
		t.Identity = nil
		return t
	}
	for i, t := range s.Servers {
		c.Session.Servers[i] = chain(t)
	}
	c.Session.Ref.Target = chain(s.Ref.Target)
	if identities == 0 {
		c.Chains = nil
	}
	return json.Marshal(c)
}

// unmarshal reads what marshal wrote, whole or not at all.
func unmarshal(b []byte) (Session, error) {
	var c content
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return Session{}, errors.New("not a session") // what the decoder says may hold what it read
	}
	defer clear(c.Token)
	defer clear(c.Key)
	s := c.Session
	switch {
	case c.Version != version:
		return Session{}, fmt.Errorf("version %d", c.Version)
	case len(c.Token) == 0 || len(s.Servers) == 0 || s.Owner == "" || !s.Ref.Gateway.IsValid():
		return Session{}, errors.New("not a whole session")
	case len(c.Chains) != 0 && len(c.Chains) != len(s.Servers)+1:
		return Session{}, errors.New("not one certificate for each server")
	}
	s.Ref.Token, s.Ref.Key = redact.New(c.Token), strap.Key{}
	if len(c.Key) > 0 {
		s.Ref.Key.Secret = redact.New(c.Key)
	}
	for i, der := range c.Chains {
		t := &s.Ref.Target
		if i < len(s.Servers) {
			t = &s.Servers[i]
		}
		if len(der) == 0 {
			continue
		}
		leaf, err := x509.ParseCertificate(der[0])
		if err != nil {
			return Session{}, errors.New("a client certificate that is none")
		}
		t.Identity = &protocol.Identity{Chain: der, Leaf: leaf}
	}
	return s, nil
}
