package tray

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/ui/credential"
	"github.com/holdfast-vpn/holdfast/ui/model"
)

// unlockable is a file with a certificate and its key, under a passphrase.
func unlockable(t *testing.T) (path, passphrase string) {
	t.Helper()
	var both []byte
	for _, name := range []string{"cert.pem", "aes128.key"} {
		raw, err := os.ReadFile(filepath.Join("..", "credential", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, raw...)
	}
	path = filepath.Join(t.TempDir(), "me.pem")
	if err := os.WriteFile(path, both, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, "canary-passphrase"
}

// TestUnlock: a key is there from Unlock to Lock and no longer, one that was locked while its file was read is never there, and what cannot be read, or signed, is said.
func TestUnlock(t *testing.T) {
	path, passphrase := unlockable(t)
	var u unlocked
	unlock := func(file, pass string, turn int) (model.Msg, error) {
		return u.unlock(model.Unlock{Target: "office", File: file, Passphrase: redact.NewString(pass)}, turn)
	}
	sign := func() fault.Code {
		answered := fault.Code("answered")
		err := u.sign(t.Context(), model.Sign{Prompt: "p1", Request: ipc.Sign{Scheme: "ecdsa-sha256", Content: []byte("a letter")}}, func(context.Context, string, ipc.Answer) error {
			return fault.New(answered, nil)
		})
		return fault.As(err).Code
	}
	msg, err := unlock(path, passphrase, u.begin())
	if got, ok := msg.(model.Unlocked); err != nil || !ok || got.Target != "office" || got.PEM == "" || got.Fingerprint != u.get().Fingerprint() {
		t.Fatalf("%+v, %v", msg, err)
	}
	if c := sign(); c != fault.AgentProtocol {
		t.Errorf("a letter is signed: %s", c)
	}
	u.begin()
	if c := sign(); c != fault.AuthPromptGone {
		t.Errorf("signed after Lock: %s", c)
	}
	turn := u.begin()
	u.begin()
	if _, err := unlock(path, passphrase, turn); err != nil || u.get() != nil {
		t.Errorf("a key of a turn that is over is there: %v", err)
	}
	large := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(large, make([]byte, credential.MaxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, file := range map[string]string{"nothing": "/nonexistent", "a folder": t.TempDir(), "a device": os.DevNull, "too much": large} {
		if _, err := unlock(file, passphrase, u.begin()); fault.As(err).Code != fault.AuthCertFile || u.get() != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := unlock(path, "wrong", u.begin()); err == nil || u.get() != nil {
		t.Error("a wrong passphrase unlocks")
	}
}
