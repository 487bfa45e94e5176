package tray

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"os"
	"sync"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/ui/credential"
	"github.com/holdfast-vpn/holdfast/ui/model"
)

// unlocked holds the client certificate and key of the attempt or session, in this process alone.
type unlocked struct {
	mu   sync.Mutex
	turn int // of the last Unlock or Lock
	cred *credential.Credential
}

// begin forgets the key there is, and returns a turn in which another may be put in its place.
func (u *unlocked) begin() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.turn++
	u.cred = nil
	return u.turn
}

// put takes a key, unless another turn has begun.
func (u *unlocked) put(turn int, c *credential.Credential) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.turn == turn {
		u.cred = c
	}
}

func (u *unlocked) get() *credential.Credential {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.cred
}

// unlock reads a certificate and its key in a turn that has begun.
func (u *unlocked) unlock(c model.Unlock, turn int) (model.Msg, error) {
	defer c.Passphrase.Wipe()
	cred, err := read(c.File, c.Passphrase)
	if err != nil {
		return nil, err
	}
	u.put(turn, cred)
	return model.Unlocked{Target: c.Target, PEM: cred.PEM(), Fingerprint: cred.Fingerprint()}, nil
}

// sign answers a prompt with a signature of the key there is.
func (u *unlocked) sign(ctx context.Context, c model.Sign, answer func(context.Context, string, ipc.Answer) error) error {
	cred := u.get()
	if cred == nil {
		return fault.New(fault.AuthPromptGone, nil)
	}
	sig, err := cred.Sign(&c.Request)
	if err != nil {
		return err
	}
	text := redact.NewString(base64.StdEncoding.EncodeToString(sig))
	defer text.Wipe()
	return answer(ctx, c.Prompt, ipc.Answer{Fields: map[string]redact.Secret{"signature": text}})
}

// read reads a file that holds a certificate and its key: PEM, or else PKCS#12.
func read(path string, passphrase redact.Secret) (*credential.Credential, error) {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() { // before it is opened: a pipe would wait for a writer
		return nil, fault.Newf(fault.AuthCertFile, nil, "it is no file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Newf(fault.AuthCertFile, nil, "it cannot be opened")
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, credential.MaxFile+1))
	if err != nil || len(raw) > credential.MaxFile {
		clear(raw)
		return nil, fault.Newf(fault.AuthCertFile, nil, "it cannot be read, or is too large")
	}
	ask := func() (redact.Secret, error) { return passphrase, nil }
	if bytes.Contains(raw, []byte("-----BEGIN ")) {
		certs := bytes.Clone(raw)
		defer clear(certs) // the key is in it, too
		return credential.ParsePEM(certs, raw, ask)
	}
	return credential.ParsePKCS12(raw, ask)
}
