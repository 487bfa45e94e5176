package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/redact"
)

// askForm asks for the fields that nothing filled and adds them to what is filled already.
func (a *attempt) askForm(ctx context.Context, p *ipc.Prompt, out map[string]redact.Secret, missing []ipc.Field) (ipc.Answer, error) {
	a.tell(p)
	for _, f := range missing {
		var err error
		var v redact.Secret
		switch f.Type {
		case "password":
			v, err = a.Person.Secret(ctx, label(f, ""))
		case "select":
			v, err = a.askSelect(ctx, f)
		default:
			def := or(f.Last, f.Value)
			if def == "" && f.Name == "username" {
				def = a.answers.user
			}
			var text string
			if text, err = a.Person.Line(ctx, label(f, def)); text == "" {
				text = def
			}
			if f.Name == "username" {
				a.answers.user = text // the default when the gateway asks again
			}
			v = redact.NewString(text)
		}
		if err != nil {
			return ipc.Answer{}, err
		}
		out[f.Name] = v
	}
	return ipc.Answer{Fields: out}, nil
}

// tell prints what was wrong with the last answer, and what the gateway says above its fields.
func (a *attempt) tell(p *ipc.Prompt) {
	for _, text := range []string{p.Error, p.Title, p.Message} {
		if text = block(text); text != "" {
			fmt.Fprintln(a.Err, text)
		}
	}
}

// askSelect shows the choices with their numbers and asks until one is meant. Enter alone takes the default.
func (a *attempt) askSelect(ctx context.Context, f ipc.Field) (redact.Secret, error) {
	if len(f.Options) == 1 {
		fmt.Fprintf(a.Err, "%s%s\n", label(f, ""), optionName(f.Options[0]))
		return redact.NewString(f.Options[0].Value), nil
	}
	def := ""
	for i, o := range f.Options {
		fmt.Fprintf(a.Err, "    %d) %s\n", i, optionName(o))
		if o.Value == or(f.Last, f.Value) {
			def = optionName(o)
		}
	}
	if def == "" && len(f.Options) > 0 {
		def = optionName(f.Options[0])
	}
	for {
		text, err := a.Person.Line(ctx, label(f, def))
		if err != nil {
			return redact.Secret{}, err
		}
		if strings.TrimSpace(text) == "" {
			text = def
		}
		if v, err := choose(f, text); err == nil {
			return redact.NewString(v), nil
		}
		fmt.Fprintln(a.Err, "Type one of the numbers or names above.")
	}
}

// askBanner shows the banner and asks until the answer is yes or no.
func (a *attempt) askBanner(ctx context.Context, p *ipc.Prompt) (ipc.Answer, error) {
	fmt.Fprintln(a.Err)
	a.tell(p)
	fmt.Fprintln(a.Err)
	for {
		text, err := a.Person.Line(ctx, "accept? [y/n]: ")
		if err != nil {
			return ipc.Answer{}, err
		}
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "y", "yes":
			yes := true
			return ipc.Answer{Accept: &yes}, nil
		case "n", "no":
			no := false
			return ipc.Answer{Accept: &no}, nil
		}
	}
}

// label is what stands before the cursor: the gateway's words, the default in brackets.
func label(f ipc.Field, def string) string {
	text := line(f.Label)
	if text == "" {
		text = line(f.Name)
	}
	text = strings.TrimSuffix(text, ":") + ": "
	if def != "" {
		text += "[" + line(def) + "] "
	}
	return text
}

// progress rewrites the one line that says what is going on.
func (a *attempt) progress(s ipc.State) {
	text := ""
	name := line(s.Target)
	switch s.State {
	case "connecting":
		switch {
		case s.Waiting != nil:
			text = "Waiting for " + name + ", which may want a confirmation on your phone…"
		case s.Step == ipc.StepTunnel:
			text = "Establishing VPN session…"
		case s.Step == ipc.StepLogin, s.Step == "" && a.answered():
			text = "Logging in to " + name + "…"
		default:
			text = "Contacting " + name + "…"
		}
	case "establishing":
		text = "Establishing VPN session…"
	case "reconnecting":
		text = "Reconnecting to " + name + "…"
	}
	if !a.Progress || a.json || a.asking != "" || text == "" || text == a.shown {
		return
	}
	fmt.Fprintf(a.Err, "\r\x1b[K%s", text)
	a.shown = text
}

func (a *attempt) answered() bool { return len(a.handled) > 0 }

// clearProgress takes the progress line away, so that something else can be printed.
func (a *attempt) clearProgress() {
	if a.shown != "" {
		fmt.Fprint(a.Err, "\r\x1b[K")
		a.shown = ""
	}
}
