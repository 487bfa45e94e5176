package redact

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"log/slog"
)

const mask = "[secret]"

// Secret carries bytes that must not be seen. The zero value is the empty secret. Copies share the bytes: Wipe clears them all.
type Secret struct{ b []byte }

// New takes a copy of b.
func New(b []byte) Secret { return Secret{append([]byte(nil), b...)} }

// NewString takes a copy of s. A Go string cannot be wiped: prefer New where the bytes are at hand.
func NewString(s string) Secret { return Secret{[]byte(s)} }

// Reveal returns the bytes themselves, not a copy. Callers write them to a wire and forget them.
func (s Secret) Reveal() []byte { return s.b }

// Empty reports whether there is nothing in it.
func (s Secret) Empty() bool { return len(s.b) == 0 }

// Len is the number of bytes.
func (s Secret) Len() int { return len(s.b) }

// Equal compares in constant time.
func (s Secret) Equal(o Secret) bool { return subtle.ConstantTimeCompare(s.b, o.b) == 1 }

// Wipe overwrites the bytes with zeroes.
func (s Secret) Wipe() { clear(s.b) }

// String returns the mask.
func (s Secret) String() string { return mask }

// GoString returns the mask.
func (s Secret) GoString() string { return mask }

// Format writes the mask for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(mask)) }

// LogValue returns the mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalJSON writes the mask: a secret leaves a process only by Reveal.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + mask + `"`), nil }

// MarshalText writes the mask.
func (s Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// UnmarshalJSON reads a JSON string.
func (s *Secret) UnmarshalJSON(b []byte) error {
	var v string
	if err := json.Unmarshal(b, &v); err != nil {
		return fmt.Errorf("redact: a secret must be a JSON string")
	}
	s.b = []byte(v)
	return nil
}
