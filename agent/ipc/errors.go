package ipc

import (
	"net/http"
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// status is the HTTP status of a fault.
func status(c fault.Code) int {
	switch {
	case c == fault.PolBusy:
		return http.StatusTooManyRequests
	case strings.HasPrefix(string(c), "POL-"), c == fault.ProfPolicy:
		return http.StatusForbidden
	case c == fault.UseNotConnected, c == fault.AuthPromptGone, c == fault.ProfThere:
		return http.StatusConflict
	case strings.HasPrefix(string(c), "USE-"), c == fault.ProfInvalid:
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

// wire is the error as it is sent: the cause stays in the agent's log.
func wire(e *fault.Error) Error {
	return Error{Code: string(e.Code), Message: e.Sentence(), Hint: strings.Join(e.AllHints(), "\n")}
}

// Fault makes of a sent error the fault it was. The sentence stays the agent's, also where it differs from our own: a newer agent may say it better.
func (e Error) Fault() *fault.Error {
	f := fault.New(fault.Code(e.Code), nil)
	own := fault.Lookup(f.Code)
	if rest, ok := strings.CutPrefix(e.Message, own.Sentence); ok && (rest == "" || strings.HasPrefix(rest, ": ")) {
		f.Detail = fault.Clean(strings.TrimPrefix(rest, ": "))
	} else {
		f.Detail = fault.Clean(e.Message)
	}
	for h := range strings.SplitSeq(e.Hint, "\n") {
		if h = fault.Clean(h); h != "" && h != own.Hint && len(f.Hints) < 8 {
			f.Hints = append(f.Hints, h)
		}
	}
	return f
}
