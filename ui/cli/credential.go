package cli

import (
	"context"
	"encoding/base64"
	"errors"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/ui/credential"
)

// What --answers-stdin calls the passphrases.
const (
	keyAnswer    = "key"
	pkcs12Answer = "pkcs12"
)

// readCredential reads the client certificate and its key; nil when no flag names one.
func (a *attempt) readCredential(ctx context.Context, f connectFlags) (*credential.Credential, error) {
	var file string
	var cred *credential.Credential
	var err error
	switch {
	case f.pkcs12 != "" && (f.cert != "" || f.key != ""):
		return nil, usage("--pkcs12 stands for both --cert and --key")
	case f.key != "" && f.cert == "":
		return nil, usage("--key needs --cert")
	case f.pkcs12 != "":
		file = f.pkcs12
		cred, err = a.readPKCS12(ctx, file)
	case f.cert != "":
		file = f.cert
		if f.key == "" {
			f.key = f.cert
		}
		cred, err = a.readPEM(ctx, f.cert, f.key)
	}
	var bad *fault.Error
	if errors.As(err, &bad) && bad.Code == fault.AuthCertFile {
		err = bad.Hint("the file was " + line(file))
	}
	return cred, err
}

func (a *attempt) readPKCS12(ctx context.Context, path string) (*credential.Credential, error) {
	data, err := readFile("pkcs12", path, credential.MaxFile)
	if err != nil {
		return nil, err
	}
	return credential.ParsePKCS12(data, a.passphrase(ctx, pkcs12Answer, path))
}

func (a *attempt) readPEM(ctx context.Context, cert, key string) (*credential.Credential, error) {
	chain, err := readFile("cert", cert, credential.MaxFile)
	if err != nil {
		return nil, err
	}
	defer clear(chain)
	secret, err := readFile("key", key, credential.MaxFile)
	if err != nil {
		return nil, err
	}
	return credential.ParsePEM(chain, secret, a.passphrase(ctx, keyAnswer, key))
}

// passphrase takes a passphrase from --answers-stdin, else from a person.
func (a *attempt) passphrase(ctx context.Context, name, file string) credential.Ask {
	return func() (redact.Secret, error) {
		if s := a.answers.fields[name]; s != nil && !s.used {
			s.used = true
			return s.value, nil
		}
		if a.alone() {
			return redact.Secret{}, a.nobody("the passphrase of " + line(file)).Hint("give it as a line " + name + "=PASSPHRASE with --answers-stdin")
		}
		pass, err := a.Person.Secret(ctx, "Passphrase of "+line(file)+": ")
		if err != nil && ctx.Err() == nil {
			return pass, a.nobody("standard input ended")
		}
		return pass, err
	}
}

// sign answers a request for a signature of our key. Another certificate's is for another process of this user.
func (a *attempt) sign(ctx context.Context, p *ipc.Prompt) error {
	a.handled[p.ID] = true
	if p.Sign == nil || a.credential == nil || p.Sign.Certificate != a.credential.Fingerprint() {
		return nil
	}
	sig, err := a.credential.Sign(p.Sign)
	if err != nil {
		return err
	}
	text := redact.NewString(base64.StdEncoding.EncodeToString(sig))
	return a.reply(ctx, outcome{prompt: p.ID, answer: ipc.Answer{Fields: map[string]redact.Secret{"signature": text}}})
}
