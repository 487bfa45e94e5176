package power

import (
	"log/slog"
	"testing"
)

// The system takes us on its list and lets us go.
func TestListens(t *testing.T) {
	m := Open(slog.New(slog.DiscardHandler))
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}
