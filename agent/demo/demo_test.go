package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// TestDemo runs the whole demo: it fails unless every step held, nothing secret is shown, and no line is wider than the terminal.
func TestDemo(t *testing.T) {
	var out bytes.Buffer
	if err := Run(t.Context(), Options{Out: &out, Width: 80}); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for text := range strings.Lines(out.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(text, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, text)
		}
	}
	for _, secret := range []string{"correct horse", "424242"} {
		if bytes.Contains(out.Bytes(), []byte(secret)) {
			t.Errorf("%q is shown", secret)
		}
	}
	t.Logf("\n%s", &out)
}

// TestDemoAsJSON: a script gets the rows and nothing else.
func TestDemoAsJSON(t *testing.T) {
	var out bytes.Buffer
	if err := Run(t.Context(), Options{Out: &out, JSON: true}); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	dec, rows := json.NewDecoder(&out), 0
	for dec.More() {
		var r Row
		if err := dec.Decode(&r); err != nil || !r.OK {
			t.Fatalf("%v: %+v", err, r)
		}
		rows++
	}
	if rows < 3 {
		t.Errorf("%d rows", rows)
	}
}

// TestInterrupted: Ctrl-C is answered at once whatever the demo is doing, with the code of an interruption, and nothing is shown after it.
func TestInterrupted(t *testing.T) {
	for _, after := range []time.Duration{50 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second, 4 * time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			ctx, interrupt := context.WithCancel(t.Context())
			var out bytes.Buffer
			var interrupted time.Time
			time.AfterFunc(after, func() { interrupted = time.Now(); interrupt() })
			err := Run(ctx, Options{Out: &out})
			if f := fault.As(err); f.Code != fault.UseInterrupted {
				t.Errorf("%v", err)
			}
			if took := time.Since(interrupted); took > 3*time.Second {
				t.Errorf("it went on for %s", took)
			}
			if bytes.Contains(out.Bytes(), []byte("✗")) {
				t.Errorf("an interruption is shown as a failure:\n%s", &out)
			}
		})
	}
}

// TestWrap breaks texts where a reader would.
func TestWrap(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		width int
		want  []string
	}{
		"fits":                     {"found: done", 11, []string{"found: done"}},
		"what is done comes below": {"found: done now", 11, []string{"found:", "done now"}},
		"what is found is long":    {"what was found: done", 10, []string{"what was", "found:", "done"}},
		"runes, not bytes":         {"••••••", 6, []string{"••••••"}},
		"a long word stays whole":  {"a 2001:db8:11::2/64 b", 8, []string{"a", "2001:db8:11::2/64", "b"}},
	} {
		if got := wrap(c.text, c.width); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
