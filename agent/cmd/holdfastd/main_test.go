package main

import (
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

func TestCommandRefuses(t *testing.T) {
	tests := []struct {
		name string
		args string
		code fault.Code
	}{
		{"nothing", "", fault.UseBad},
		{"no such command", "fly", fault.UseBad},
		{"a service command with an argument", "install now", fault.UseBad},
		{"an unknown flag", "run --trust-everything", fault.UseBad},
		{"a level that is none", "run --log-level loud", fault.UseBad},
		{"an argument", "run fast", fault.UseBad},
		{"an argument of version", "version now", fault.UseBad},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, log strings.Builder
			err := command(t.Context(), strings.Fields(tt.args), &out, &log)
			if err == nil || fault.As(err).Code != tt.code || out.Len() != 0 || log.Len() != 0 {
				t.Errorf("got %v and %q, %q, want %s and nothing printed", err, out.String(), log.String(), tt.code)
			}
		})
	}
}

// Help is an answer, not an error: it goes to standard output.
func TestHelp(t *testing.T) {
	for _, args := range []string{"help", "-h", "--help", "run -h", "run --help"} {
		var out, log strings.Builder
		if err := command(t.Context(), strings.Fields(args), &out, &log); err != nil || !strings.Contains(out.String(), "--state-dir DIR") || log.Len() > 0 {
			t.Errorf("%s: %v, %q, %q", args, err, out.String(), log.String())
		}
	}
}

func TestVersion(t *testing.T) {
	for _, args := range []string{"version", "--version"} {
		var out strings.Builder
		if err := command(t.Context(), []string{args}, &out, &strings.Builder{}); err != nil || !strings.HasPrefix(out.String(), "holdfastd "+version().Version) {
			t.Errorf("%s: %v, %q", args, err, out.String())
		}
	}
}
