package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
)

// Bounds of what standard input may bring.
const (
	maxLine  = 4096 // bytes of one value
	maxGiven = 64   // answers
)

// source is an answer that waits for its field. It is used once.
type source struct {
	value redact.Secret
	argv  bool // from --answer: it may not fill a password
	used  bool
}

// answers holds what the flags and standard input bring, and decides what goes into which field. It does no input or output.
type answers struct {
	user, group string
	userUsed    bool
	password    *source            // fills the first password field there is, whatever its name
	fields      map[string]*source // by field name
}

// bare is the name without the number that tells its second and later askings apart.
func bare(name string) string { return strings.TrimRight(strings.ToLower(name), "0123456789") }

// secretName reports the fields that --answer may not fill: a password would stand in the process list.
func secretName(name string) bool {
	lower := strings.ToLower(name)
	switch bare(lower) {
	case "secondary_password", "new_password", "whichpin":
		return true
	}
	return lower == keyAnswer || lower == pkcs12Answer || lower == "password" || lower == "password1" || strings.HasPrefix(lower, "verify_")
}

// oneTime reports the fields of type password that --answer may fill: codes that are worth nothing a minute later.
func oneTime(name string) bool {
	lower := strings.ToLower(name)
	return bare(lower) == "answer" || strings.HasPrefix(lower, "otp") || (bare(lower) == "password" && !secretName(lower))
}

// addFlag takes one --answer FIELD=VALUE.
func (a *answers) addFlag(s string) error {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return usage("--answer wants FIELD=VALUE")
	}
	if secretName(name) {
		return fault.Newf(fault.UseBad, nil, "--answer must not carry %s: everybody on this machine can read a command line", name).
			Hint("give it with --password-stdin or --answers-stdin")
	}
	return a.add(name, redact.NewString(value), true)
}

func (a *answers) add(name string, v redact.Secret, argv bool) error {
	switch {
	case a.fields[name] != nil:
		return usage("the field %s is answered twice", name)
	case len(a.fields) == maxGiven:
		return usage("more than %d answers", maxGiven)
	case v.Len() > maxLine:
		return usage("the answer for %s is too long", name)
	}
	if a.fields == nil {
		a.fields = map[string]*source{}
	}
	a.fields[name] = &source{value: v, argv: argv}
	return nil
}

// readInput reads what standard input carries, in the order of the contract: the password's line, then the answers to its end.
func (a *answers) readInput(in io.Reader, password, rest bool) error {
	r := bufio.NewReaderSize(in, maxLine+64)
	if password {
		text, err := readLine(r)
		if err != nil {
			return usage("--password-stdin: %v", err)
		}
		if len(text) == 0 {
			return usage("--password-stdin: the line is empty")
		}
		a.password = &source{value: redact.New(text)}
		clear(text)
	}
	for rest {
		text, err := readLine(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return usage("--answers-stdin: %v", err)
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		name, value, ok := bytes.Cut(text, []byte{'='})
		if !ok || len(name) == 0 {
			return usage("--answers-stdin: a line is not FIELD=VALUE")
		}
		err = a.add(string(name), redact.New(value), false)
		clear(text)
		if err != nil {
			return err
		}
	}
	return nil
}

// readLine returns a line without its end; io.EOF only where there is no line at all. The bytes are the reader's.
func readLine(r *bufio.Reader) ([]byte, error) {
	text, err := r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, fmt.Errorf("a line is longer than %d bytes", maxLine)
	case err != nil && len(text) == 0:
		return nil, err
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	}
	text = bytes.TrimSuffix(text, []byte{'\n'})
	return bytes.TrimSuffix(text, []byte{'\r'}), nil
}

// refused reports whether the form comes again because the last answer was wrong.
func refused(p *ipc.Prompt) bool { return p.Error != "" }

// fill answers what it can of a form: out goes to the gateway, missing must be asked of a person. A preset fills a field when nobody is asked (alone), unless the
// form refused the last answer. The error is for an answer that cannot be used: a group that is not offered, a password on the command line.
func (a *answers) fill(p *ipc.Prompt, alone bool) (out map[string]redact.Secret, missing []ipc.Field, err error) {
	out = map[string]redact.Secret{}
	again := refused(p)
	a.userUsed = a.userUsed || again // the name may be what was wrong: a person is asked, with it as the default
	for _, f := range p.Fields {
		v, ok, err := a.valueFor(f)
		if err != nil {
			return nil, nil, err
		}
		if !ok && alone && f.Type != "password" && !(f.Type == "text" && again) {
			v, ok = preset(f)
		}
		if ok {
			out[f.Name] = v
		} else {
			missing = append(missing, f)
		}
	}
	return out, missing, nil
}

// valueFor uses up the source that fits the field.
func (a *answers) valueFor(f ipc.Field) (redact.Secret, bool, error) {
	if s := a.fields[f.Name]; s != nil && !s.used {
		if s.argv && f.Type == "password" && !oneTime(f.Name) {
			return redact.Secret{}, false, usage("--answer must not carry %s: the gateway asks for it as a password", f.Name)
		}
		s.used = true
		if f.Type == "select" {
			v, err := choose(f, string(s.value.Reveal()))
			return redact.NewString(v), err == nil, err
		}
		return s.value, true, nil
	}
	switch {
	case f.Type == "password" && a.password != nil && !a.password.used:
		a.password.used = true
		return a.password.value, true, nil
	case f.Type == "text" && f.Name == "username" && a.user != "" && !a.userUsed:
		a.userUsed = true
		return redact.NewString(a.user), true, nil
	case f.Type == "select" && f.Name == "group_list" && a.group != "":
		v, err := choose(f, a.group)
		return redact.NewString(v), err == nil, err
	}
	return redact.Secret{}, false, nil
}

// preset is what the gateway itself proposes: a default, or the only choice.
func preset(f ipc.Field) (redact.Secret, bool) {
	if f.Type == "select" && f.Value == "" && len(f.Options) == 1 {
		return redact.NewString(f.Options[0].Value), true
	}
	return redact.NewString(f.Value), f.Value != ""
}

// choose finds the option that a person means: its value, else its label, else its number in the list, which counts from 0. What is sent is the value.
func choose(f ipc.Field, text string) (string, error) {
	text = strings.TrimSpace(text)
	for _, same := range []func(ipc.Option) bool{
		func(o ipc.Option) bool { return o.Value == text },
		func(o ipc.Option) bool { return o.Label == text },
		func(o ipc.Option) bool { return strings.EqualFold(o.Value, text) || strings.EqualFold(o.Label, text) },
	} {
		if i := slices.IndexFunc(f.Options, same); i >= 0 {
			return f.Options[i].Value, nil
		}
	}
	if n, err := strconv.Atoi(text); err == nil && n >= 0 && n < len(f.Options) {
		return f.Options[n].Value, nil
	}
	var names []string
	for _, o := range f.Options {
		names = append(names, optionName(o))
	}
	return "", fault.New(fault.AuthGroup, nil).Hint("it offers: " + strings.Join(names, ", "))
}

// optionName is what a person reads of an option.
func optionName(o ipc.Option) string {
	if o.Label != "" {
		return line(o.Label)
	}
	return line(o.Value)
}
