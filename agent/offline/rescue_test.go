package offline

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// book is a journal that lists what it is told.
type book struct {
	undone []string
	err    error
	closed int
}

func (b *book) Recover(context.Context) ([]string, error) { return b.undone, b.err }
func (b *book) Close() error                              { b.closed++; return nil }

func TestRescue(t *testing.T) {
	left := fault.New(fault.HostUndo, errors.New("a rule"))
	tests := []struct {
		name string
		book book
		kept bool
		out  string
		err  error
	}{
		{"nothing to undo", book{}, false, "nothing to undo\n", nil},
		{"a route and a link", book{undone: []string{"route 10.0.0.0/8", "link holdfast0"}}, false, "undone: route 10.0.0.0/8\nundone: link holdfast0\n", nil},
		{"a session and its link", book{undone: []string{"link holdfast0"}}, true, "undone: the session that was kept\nundone: link holdfast0\n", nil},
		{"only a session", book{}, true, "undone: the session that was kept\n", nil},
		{"something is left", book{undone: []string{"link holdfast0"}, err: left}, false, "undone: link holdfast0\n", left},
		{"nothing worked", book{err: left}, false, "", left},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			err := rescue(t.Context(), &out, func() (journal, error) { return &tt.book, nil }, func() (bool, error) { return tt.kept, nil })
			if err != tt.err || out.String() != tt.out {
				t.Errorf("got %q, %v", out.String(), err)
			}
			if tt.book.closed != 1 {
				t.Errorf("closed %d times", tt.book.closed)
			}
		})
	}
}

func TestRescueWhileAnAgentRuns(t *testing.T) {
	var out strings.Builder
	err := rescue(t.Context(), &out, func() (journal, error) { return nil, fault.New(fault.HostLocked, nil) }, func() (bool, error) { t.Error("discarded"); return false, nil })
	if fault.As(err).Code != fault.HostLocked || out.Len() != 0 {
		t.Errorf("got %v, %q", err, out.String())
	}
}
