package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// TestScenarios plays the scripts of testdata/scenarios. Each says what it stands for, ends in the state it expects, and has its timeline as a golden.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d scenarios, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, expect, err := parseScript(string(text))
			if err != nil {
				t.Fatal(err)
			}
			w := play(s, Step, true)
			for _, e := range w.errs {
				t.Error(e)
			}
			got := fmt.Sprintf("%v tunnel=%d session=%d logins=%d prompts=%d", w.s.Phase, w.s.Tunnels, w.s.Sessions, w.logins, w.asked)
			if got != expect {
				t.Errorf("ended in %s, expected %s", got, expect)
			}
			golden(t, strings.TrimSuffix(file, ".txt")+".golden", strings.Join(timeline(w.log), "\n")+"\n")
		})
	}
}

// timeline is a log to read: what comes again and again in one phase, but for its numbers, is counted after the third time.
func timeline(log []string) []string {
	var out []string
	seen, skipped := map[string]int{}, 0
	more := func() {
		if skipped > 0 {
			out = append(out, fmt.Sprintf("           … %d more like these", skipped))
		}
		skipped = 0
	}
	for _, line := range log {
		what := line[min(len(line), 11):]
		if strings.Contains(strings.SplitN(what, " | ", 2)[0], ">") {
			clear(seen)
		}
		like := strings.Map(func(r rune) rune {
			if unicode.IsDigit(r) {
				return -1
			}
			return r
		}, what)
		if seen[like]++; seen[like] > 3 {
			skipped++
			continue
		}
		more()
		out = append(out, line)
	}
	more()
	return out
}

// golden compares a text with a file, or writes it with -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update writes it):\n%s", file, diff(string(want), got))
	}
}

// diff shows the first line in which two texts differ.
func diff(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range w {
		if i >= len(g) || w[i] != g[i] {
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, w[i], strings.Join(g[min(i, len(g)):min(i+1, len(g))], ""))
		}
	}
	return fmt.Sprintf("%d more lines, from: %s", len(g)-len(w), g[len(w)])
}
