package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// usage is a mistake on the command line: exit 2.
func usage(format string, args ...any) error { return fault.Newf(fault.UseBad, nil, format, args...) }

// asFault is fault.As with an interruption told apart: a cancelled context is the person's Ctrl-C.
func asFault(ctx context.Context, err error) *fault.Error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return fault.New(fault.UseInterrupted, err)
	}
	return fault.As(err)
}

// device is the tunnel's on Linux. It outlives an agent that was killed.
const device = "holdfast0"

// withDevice adds what to do about a tunnel whose agent is gone: it drops what belongs inside, which may be everything.
func withDevice(f *fault.Error) *fault.Error {
	if f.Code == fault.AgentUnreachable {
		if _, err := net.InterfaceByName(device); err == nil {
			return f.Hint("its tunnel is still there and lets nothing through: an agent goes on with the session, or take it back with: sudo holdfast rescue")
		}
	}
	return f
}

// report prints a failure as the contract has it and returns the exit code.
func report(s Streams, asJSON bool, f *fault.Error) int {
	exit := f.Exit()
	fmt.Fprintf(s.Err, "error: %s (%s)\n", f.Sentence(), f.Code)
	hints := withDevice(f).AllHints()
	for _, h := range hints {
		fmt.Fprintf(s.Err, "hint: %s\n", fault.Clean(h))
	}
	if asJSON {
		e := ipc.Error{Code: string(f.Code), Message: f.Sentence(), Hint: strings.Join(hints, "\n"), Exit: exit}
		printJSON(s.Out, ipc.ErrorBody{Error: e})
	}
	return exit
}

// printJSON writes one object on one line. What could move a terminal's cursor, or reorder or hide text, is escaped: to a program that is the same text. An error of
// writing standard output has nobody to tell.
func printJSON(w io.Writer, v any) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return // nothing that is printed here has a value that JSON lacks
	}
	safe := make([]byte, 0, b.Len())
	for _, r := range b.String() {
		switch {
		case r == '\n' || !unicode.IsControl(r) && !unicode.Is(unicode.Cf, r):
			safe = utf8.AppendRune(safe, r)
		case r > 0xffff: // as two surrogates (RFC 8259 section 7)
			high, low := utf16.EncodeRune(r)
			safe = fmt.Appendf(safe, `\u%04x\u%04x`, high, low)
		default:
			safe = fmt.Appendf(safe, `\u%04x`, r)
		}
	}
	_, _ = w.Write(safe)
}
