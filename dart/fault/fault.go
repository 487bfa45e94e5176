package fault

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Kind says what may be done about a failure. It is all the reconnect machine looks at.
type Kind uint8

const (
	// Retryable: the path or the peer failed; trying again, or on another path, may work. The session is not touched.
	Retryable Kind = iota + 1
	// SessionLost: the gateway no longer knows the session token; only a full login helps.
	SessionLost
	// NeedsUser: a person must answer something before it can go on.
	NeedsUser
	// Fatal: trying again cannot help until something is changed.
	Fatal
	// Policy: something was refused by policy, permission or the user's own choice.
	Policy
)

// String returns the kind's name as logs and records print it.
func (k Kind) String() string {
	switch k {
	case Retryable:
		return "retryable"
	case SessionLost:
		return "session-lost"
	case NeedsUser:
		return "needs-user"
	case Fatal:
		return "fatal"
	case Policy:
		return "policy"
	}
	return "none"
}

// Code is a support code: three to five capitals, a dash, three digits.
type Code string

// Error is a failure at a seam. Detail is short, already cleaned of control characters, and holds nothing secret;
// Err is for the log and may be nil.
type Error struct {
	Code   Code
	Kind   Kind
	Detail string
	Hints  []string
	Err    error
}

// New returns an Error with the kind that the registry gives its code.
func New(code Code, err error) *Error {
	return &Error{Code: code, Kind: Lookup(code).Kind, Err: err}
}

// Newf is New with a Detail.
func Newf(code Code, err error, format string, args ...any) *Error {
	e := New(code, err)
	e.Detail = Clean(fmt.Sprintf(format, args...))
	return e
}

// Hint adds remedies that are particular to this failure, before the registry's own.
func (e *Error) Hint(hints ...string) *Error {
	e.Hints = append(e.Hints, hints...)
	return e
}

// Error returns the sentence, the code and the cause: the form for logs.
func (e *Error) Error() string {
	s := e.Sentence() + " (" + string(e.Code) + ")"
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Sentence is what a person reads: the registry's words and the detail, one line.
func (e *Error) Sentence() string {
	s := Lookup(e.Code).Sentence
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// AllHints returns the particular hints and then the registry's.
func (e *Error) AllHints() []string {
	hints := append([]string(nil), e.Hints...)
	if h := Lookup(e.Code).Hint; h != "" {
		hints = append(hints, h)
	}
	return hints
}

// Exit is the CLI's exit code for the error (contract: exit codes).
func (e *Error) Exit() int { return Lookup(e.Code).Exit }

// As finds the *Error in err's chain; any other error becomes INT-001, and nil stays nil.
func As(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return New(Internal, err)
}

// KindOf is the Kind of err, Fatal for an error that is none of ours.
func KindOf(err error) Kind {
	if err == nil {
		return 0
	}
	return As(err).Kind
}

// Clean makes a text from outside safe for one line of a terminal or a log: control characters, and what can reorder or hide text, become
// spaces, runs of space collapse, and at most 200 runes stay.
func Clean(s string) string {
	out := make([]rune, 0, min(len(s), 200))
	space := true
	for _, r := range s {
		if len(out) == 200 {
			return string(out[:199]) + "…"
		}
		if unicode.IsSpace(r) || unicode.IsControl(r) || hides(r) {
			if !space {
				out = append(out, ' ')
			}
			space = true
			continue
		}
		out = append(out, r)
		space = false
	}
	for len(out) > 0 && out[len(out)-1] == ' ' {
		out = out[:len(out)-1]
	}
	return string(out)
}

// hides reports the runes that change the direction of text or take no room, which can make one text look like another, and the one that stands for bytes that
// are no text.
func hides(r rune) bool {
	switch r {
	case 0x115f, 0x1160, 0x2800, 0x3164, 0xffa0, utf8.RuneError: // fillers and the empty Braille cell are letters and symbols to Unicode
		return true
	}
	return unicode.Is(unicode.Cf, r)
}
