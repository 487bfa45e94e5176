package model

import (
	"maps"
	"slices"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
)

// The question for a certificate is our own, not the agent's: its id and its fields.
const (
	certificateID         = "certificate"
	CertificateFile       = "file"
	CertificatePassphrase = "passphrase"
)

// maxFiles is how many targets are kept with a certificate.
const maxFiles = 64

// certificate is what is known of the person's own certificates: files and a fingerprint, never a key. The key of an attempt is with whoever runs the model, from Unlocked until Lock.
type certificate struct {
	files  map[string]string // by target; replaced, never changed
	asking string            // the target that the person is asked for; "" while he is not
	busy   bool              // the file is being read
	err    *fault.Error      // why that failed
	key    string            // fingerprint of the key that is unlocked
	of     string            // the attempt that it was unlocked for; "" until the agent has named that
	signed string            // id of the last prompt that it signed
}

// filesOf is a copy of what was kept.
func filesOf(kept map[string]string) map[string]string {
	files := map[string]string{}
	for _, t := range slices.Sorted(maps.Keys(kept)) {
		if t != "" && kept[t] != "" && len(files) < maxFiles {
			files[t] = kept[t]
		}
	}
	return files
}

// with is the files with one for a target, or without one where file is "".
func (c certificate) with(target, file string) certificate {
	files := filesOf(c.files)
	if file == "" {
		delete(files, target)
	} else {
		files[target] = file
	}
	c.files = files
	return c
}

// askCertificate asks the person for the certificate to use with a target, and connects after that.
func (m Model) askCertificate(target string) (Model, []Command) {
	if target == "" {
		target = m.chosen()
	}
	if target == "" || !m.free() {
		return m, nil
	}
	m.asked.started = true
	m.cert.asking, m.cert.busy, m.cert.err = target, false, nil
	return m.show()
}

// forget lets go of the key that is unlocked, if one is.
func (c certificate) forget() (certificate, []Command) {
	if c.key == "" {
		return c, nil
	}
	c.key, c.of, c.signed = "", "", ""
	return c, []Command{Lock{}}
}

// bind ties the key that is unlocked to the attempt that it was unlocked for, which is the next one after before. Another program of this person's may begin one of its own, with a gateway of its choice: it gets no
// signature.
func (m Model) bind(before string) (Model, []Command) {
	switch c := &m.cert; {
	case c.key == "", c.of != "" && c.of == m.state.Attempt:
		return m, nil
	case c.of == "" && m.asked.ours:
		if m.state.Attempt != before {
			c.of = m.state.Attempt
		}
		return m, nil
	}
	var todo []Command
	m.cert, todo = m.cert.forget()
	return m, todo
}

// dropCertificate forgets which certificate is used with a target.
func (m Model) dropCertificate(target string) (Model, []Command) {
	m.cert = m.cert.with(target, "")
	return m, []Command{m.remember()}
}

// unlock takes the person's answer. The passphrase goes into the command and nowhere else.
func (m Model) unlock(a Answer) (Model, []Command) {
	if a.Cancel {
		m.cert.asking, m.cert.busy, m.cert.err = "", false, nil
	}
	if m.cert.asking == "" || m.cert.busy {
		return m, nil
	}
	file := string(a.Fields[CertificateFile].Reveal())
	if file == "" {
		m.cert.err = fault.New(fault.AuthCertFile, nil)
		return m, nil
	}
	m.cert.busy, m.cert.err = true, nil
	pass := a.Fields[CertificatePassphrase]
	if pass.Empty() {
		pass = redact.Secret{}
	}
	m.cert = m.cert.with(m.cert.asking, file)
	return m, []Command{Unlock{Target: m.cert.asking, File: file, Passphrase: pass}}
}

// unlocked connects with the certificate, if that is still wanted.
func (m Model) unlocked(u Unlocked) (Model, []Command) {
	if !m.cert.busy || m.cert.asking != u.Target || !m.free() {
		m.cert.asking, m.cert.busy, m.cert.key, m.cert.of = "", false, "", ""
		return m, []Command{Lock{}}
	}
	m.cert.asking, m.cert.busy, m.cert.key, m.cert.of, m.cert.signed = "", false, u.Fingerprint, "", ""
	keep := m.remember()
	m, todo := m.call(ipc.ConnectRequest{Target: u.Target, CertPEM: u.PEM})
	return m, append(todo, keep)
}

// sign has the key that is unlocked answer the agent's question for a signature. One for another certificate is for another program of this person's.
func (m Model) sign() (Model, []Command) {
	p := m.state.Prompt
	if p == nil || p.Sign == nil || p.Kind != kindSign || m.cert.of == "" || p.Sign.Certificate != m.cert.key || p.ID == m.cert.signed {
		return m, nil
	}
	m.cert.signed = p.ID
	return m, []Command{Sign{Prompt: p.ID, Request: *p.Sign}}
}
