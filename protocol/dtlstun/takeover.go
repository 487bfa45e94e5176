package dtlstun

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"

	"github.com/pion/dtls/v3"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
)

var (
	// errNotPSK says that somebody answered who did not need the key.
	errNotPSK = errors.New("dtlstun: the handshake was not the PSK one")
	// errState says that pion's state has not what it should have.
	errState = errors.New("dtlstun: no keys in the handshake's state")
)

// takeOver makes a Channel of a handshake that succeeded: it verifies that it is the one that was asked for, cuts pion off and goes on with its keys and numbers. After an error the
// socket is still open.
func takeOver(d *dtls.Conn, l *loan, own *psk256, client bool, c Config) (*Channel, error) {
	l.cut()
	defer func() { _ = d.Close() }() // into the cut loan; its goroutines end
	st, ok := d.ConnectionState()
	if !ok || len(st.PeerCertificates) > 0 {
		return nil, errNotPSK
	}
	var s record.Secrets
	var err error
	switch st.CipherSuiteID {
	case psk256ID:
		s, err = own.handOver()
	case dtls.TLS_PSK_WITH_AES_128_GCM_SHA256:
		s, err = handOver(&st)
	default:
		err = errNotPSK
	}
	if err != nil {
		return nil, err
	}
	if s.Client != client {
		return nil, errState
	}
	// Two witnesses for one counter. A number that pion drew after the cut never went out, so the socket's view would do; the larger of the two cannot be wrong.
	s.NextSeq = max(s.NextSeq, l.next)
	if !client {
		c.Repeat = l.last
	}
	ch, err := Established(l.Conn, s, record.Name(s.Version, s.Suite), c)
	if err == nil {
		ch.early = l.early
	}
	return ch, err
}

// state are the fields of pion's State in the form that it has in MarshalBinary: there is no other way to the keys of a suite that pion has itself. A field that is renamed there would be
// left out here without a word, so everything is checked.
type state struct {
	HandshakeComplete         bool
	LocalEpoch, RemoteEpoch   uint16
	LocalRandom, RemoteRandom [32]byte
	CipherSuiteID             uint16
	MasterSecret              []byte
	SequenceNumber            uint64
	RemoteSequenceNumber      uint64
	IsClient                  bool
}

// handOver reads what the record layer needs from pion's state.
func handOver(st *dtls.State) (record.Secrets, error) {
	b, err := st.MarshalBinary()
	if err != nil {
		return record.Secrets{}, fmt.Errorf("dtlstun: %w", err)
	}
	defer clear(b)
	var in state
	if err := gob.NewDecoder(bytes.NewReader(b)).Decode(&in); err != nil {
		return record.Secrets{}, errState
	}
	defer clear(in.MasterSecret)
	if !in.HandshakeComplete || in.LocalEpoch != 1 || in.RemoteEpoch != 1 || len(in.MasterSecret) != 48 || in.CipherSuiteID != uint16(st.CipherSuiteID) ||
		in.SequenceNumber == 0 || in.RemoteSequenceNumber == 0 || in.LocalRandom == [32]byte{} || in.RemoteRandom == [32]byte{} {
		return record.Secrets{}, errState
	}
	s := record.Secrets{
		Version: record.DTLS12, Suite: in.CipherSuiteID, Master: redact.New(in.MasterSecret), ClientRandom: in.LocalRandom, ServerRandom: in.RemoteRandom, Client: in.IsClient,
		Epoch: 1, NextSeq: in.SequenceNumber, PeerSeq: in.RemoteSequenceNumber,
	}
	if !s.Client {
		s.ClientRandom, s.ServerRandom = s.ServerRandom, s.ClientRandom
	}
	return s, nil
}
