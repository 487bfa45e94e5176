package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"

	"github.com/holdfast-vpn/holdfast/dart/redact"
)

// Person is somebody who can be asked.
type Person interface {
	// Line asks and returns what was typed, without its end. The error is ctx's, or io.EOF when standard input ended.
	Line(ctx context.Context, label string) (string, error)
	// Secret is Line without echo.
	Secret(ctx context.Context, label string) (redact.Secret, error)
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// columns is the width of a terminal, 0 of anything else.
func columns(f *os.File) int {
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return w
}

// terminal asks on a terminal: labels on out, answers from in. A read of standard input cannot be interrupted: when a question is withdrawn its goroutine stays
// behind, and the line that it still takes is thrown away before the next question.
type terminal struct {
	in  *os.File
	out io.Writer

	mu   sync.Mutex
	left chan typed // of a read that was left behind
}

type typed struct {
	text []byte
	err  error
}

// Line implements Person.
func (t *terminal) Line(ctx context.Context, label string) (string, error) {
	text, err := t.ask(ctx, label, func() ([]byte, error) { return readTyped(t.in) })
	return string(text), err
}

// Secret implements Person.
func (t *terminal) Secret(ctx context.Context, label string) (redact.Secret, error) {
	text, err := t.ask(ctx, label, func() ([]byte, error) {
		text, err := term.ReadPassword(int(t.in.Fd()))
		fmt.Fprintln(t.out)
		return text, err
	})
	defer clear(text)
	return redact.New(text), err
}

func (t *terminal) ask(ctx context.Context, label string, read func() ([]byte, error)) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.left != nil {
		fmt.Fprintln(t.out, "There is another question. Press Enter to see it.")
		select {
		case r := <-t.left:
			clear(r.text)
			t.left = nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	before, err := term.GetState(int(t.in.Fd()))
	if err != nil {
		return nil, err
	}
	fmt.Fprint(t.out, label)
	result := make(chan typed, 1)
	go func() {
		text, err := read()
		result <- typed{text, err}
	}()
	select {
	case r := <-result:
		return r.text, r.err
	case <-ctx.Done():
		t.left = result
		_ = term.Restore(int(t.in.Fd()), before) // with its echo
		fmt.Fprintln(t.out)
		return nil, ctx.Err()
	}
}

// readTyped reads one line byte by byte, so that nothing of the next line is taken.
func readTyped(in io.Reader) ([]byte, error) {
	var text []byte
	one := make([]byte, 1)
	for {
		n, err := in.Read(one)
		if n == 1 {
			switch one[0] {
			case '\n':
				return text, nil
			case '\r':
				continue
			}
			if text = append(text, one[0]); len(text) > maxLine {
				return nil, errors.New("the line is too long")
			}
		}
		if err != nil {
			if errors.Is(err, io.EOF) && len(text) > 0 {
				return text, nil
			}
			return nil, err
		}
	}
}
