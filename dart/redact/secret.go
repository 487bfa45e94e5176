package redact

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"log/slog"
)

const mask = "[secret]"

// Secret carries bytes that must not be seen. The zero value is the empty secret. Copies share the bytes: Wipe clears them all.
//
// The bytes are behind two pointers because fmt does not ask a value for its own form when it stands in an unexported field, or when the verb is %p or a stray
// %w: then it prints what reflection finds. It follows one pointer for a verb that does not fit, and never two.
type Secret struct {
	_ [0]func() // not comparable: == would compare addresses
	b **[]byte
}

// New takes a copy of b.
func New(b []byte) Secret { return hold(append([]byte(nil), b...)) }

// NewString takes a copy of s. A Go string cannot be wiped: prefer New where the bytes are at hand.
func NewString(s string) Secret { return hold([]byte(s)) }

func hold(b []byte) Secret {
	p := &b
	return Secret{b: &p}
}

// Reveal returns the bytes themselves, not a copy; nil for the zero value. Callers write them to a wire and forget them.
func (s Secret) Reveal() []byte {
	if s.b == nil {
		return nil
	}
	return **s.b
}

// Empty reports whether there is nothing in it.
func (s Secret) Empty() bool { return s.Len() == 0 }

// Len is the number of bytes.
func (s Secret) Len() int { return len(s.Reveal()) }

// Equal compares in constant time.
func (s Secret) Equal(o Secret) bool { return subtle.ConstantTimeCompare(s.Reveal(), o.Reveal()) == 1 }

// Wipe overwrites the bytes with zeroes.
func (s Secret) Wipe() { clear(s.Reveal()) }

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
	*s = NewString(v)
	return nil
}
