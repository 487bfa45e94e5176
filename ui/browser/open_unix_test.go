//go:build unix

package browser

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// TestStart: an opener that fails is told, one that becomes the browser is left alone, and an argument is an argument.
func TestStart(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "opener")
	script := "#!/bin/sh\ncase $1 in fail) exit 4;; stay) exec sleep 10;; esac\nprintf '%s' \"$1\" > " + filepath.Join(dir, "said") + "\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := start(t.Context(), program, "fail"); err == nil || fault.As(err).Code != fault.AuthBrowser {
		t.Errorf("an opener that fails: %v", err)
	}
	if err := start(t.Context(), filepath.Join(dir, "none")); err == nil || fault.As(err).Code != fault.AuthBrowser {
		t.Errorf("no opener: %v", err)
	}
	const page = "https://vpn.example.com/?a=$(reboot)&b=`x`;c"
	if err := start(t.Context(), program, page); err != nil {
		t.Error(err)
	}
	if said, err := os.ReadFile(filepath.Join(dir, "said")); err != nil || string(said) != page {
		t.Errorf("the opener was given %q: %v", said, err)
	}
	begun := time.Now()
	if err := start(t.Context(), program, "stay"); err != nil || time.Since(begun) < openTime {
		t.Errorf("an opener that becomes the browser: %v after %v", err, time.Since(begun))
	}
	if err := start(t.Context(), strings.Repeat("x", 5000)); err == nil {
		t.Error("a name too long was run")
	}
}
