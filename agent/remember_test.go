package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// keep writes what the memory wants written, and reports whether it did.
func keep(t *testing.T, m *memory, l last) bool {
	t.Helper()
	write := m.keep(l)
	if write == nil {
		return false
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	return true
}

func TestMemory(t *testing.T) {
	dir := t.TempDir()
	m := recall(dir)
	alice := last{Owner: "1000", Host: "Head Office", Group: "staff", User: "alice"}
	if !keep(t, m, alice) || keep(t, m, alice) {
		t.Error("it is written when it is new, and only then")
	}
	keep(t, m, last{Owner: "1001", Host: "gw"})
	if got, ok := recall(dir).of("1000"); !ok || got != alice {
		t.Errorf("read back %+v, %v", got, ok)
	}
	fi, err := os.Stat(filepath.Join(dir, rememberFile))
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".new-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m := recall(t.TempDir())
	for i := range rememberUsers + 10 {
		m.keep(last{Owner: fmt.Sprint(i), Host: "gw"})
	}
	if len(m.list) != rememberUsers {
		t.Errorf("%d users", len(m.list))
	}
	if _, ok := m.of("0"); ok {
		t.Error("the oldest is still there")
	}
	if m.keep(last{Owner: "x", Host: strings.Repeat("h", rememberField+1)}) != nil {
		t.Error("an overlong name is kept")
	}
}

func TestMemoryOfABrokenFile(t *testing.T) {
	for name, text := range map[string]string{
		"no json": "{", "another shape": `{"a":1}`, "endless": strings.Repeat("[", rememberBytes+10), "empty": "",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, rememberFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		m := recall(dir)
		if len(m.list) != 0 {
			t.Errorf("%s: %+v", name, m.list)
		}
		if !keep(t, m, last{Owner: "1", Host: "gw"}) {
			t.Errorf("%s: not replaced", name)
		}
	}
}
