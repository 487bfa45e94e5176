package locale

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// equal holds the English part of a registry's words to the registry: key by key, both ways.
func equal(t *testing.T, part string, registry map[string]string) {
	t.Helper()
	words := catalogue(t, English)
	for key, want := range registry {
		if got := words[key].texts["other"]; got != want {
			t.Errorf("%s is %q, the registry has %q", key, got, want)
		}
	}
	for key := range words {
		if _, ok := registry[key]; !ok && strings.HasPrefix(key, part+".") {
			t.Errorf("%s is not in the registry", key)
		}
	}
}

// shell are the codes that a person meets on the command line only: their remedies may name a command or a flag, and nothing else is said in a window.
var shell = map[fault.Code]bool{
	fault.HostLocked: true, fault.HostOther: true, fault.HostPackaged: true, fault.UseBad: true, fault.UseWait: true, fault.UseRecord: true, fault.UseReplay: true, fault.ProfThere: true,
}

// TestFaults: the English sentences and hints are those of dart/fault. Where a hint speaks of holdfast's commands, there is another for a person who has a window in front of him.
func TestFaults(t *testing.T) {
	words, registry := catalogue(t, English), map[string]string{}
	command := regexp.MustCompile(`holdfast (connect|disconnect|state|hosts|version|preferences|profile)|--[a-z]|docs/|on a terminal|with sudo`)
	for _, c := range fault.Codes() {
		e, key := fault.Lookup(c), "fault."+string(c)
		registry[key+".sentence"] = e.Sentence
		if e.Hint != "" {
			registry[key+".hint"] = e.Hint
		}
		window, ok := words[key+".window"]
		if ok {
			registry[key+".window"] = window.texts["other"]
		}
		if command.MatchString(e.Hint) && !ok && !shell[c] {
			t.Errorf("%s needs a hint for who has no command line: fault.%s.window beside %q", c, c, e.Hint)
		}
		if command.MatchString(window.texts["other"]) {
			t.Errorf("fault.%s.window names a command: %q", c, window.texts["other"])
		}
	}
	equal(t, "fault", registry)
}

// TestReasons: the English texts are those of docs/reason-codes.md, which is made of the machine's. The machine itself is none of ui's business.
func TestReasons(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "reason-codes.md"))
	if err != nil {
		t.Fatal(err)
	}
	registry := map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \| (.+?) \| (.*?) ?\|$`).FindAllStringSubmatch(string(page), -1) {
		registry["reason."+row[1]] = row[2]
		if row[3] != "" {
			registry["reason."+row[1]+".done"] = row[3]
		}
	}
	if len(registry) < 100 {
		t.Fatalf("only %d texts found", len(registry))
	}
	equal(t, "reason", registry)
}

// TestTransports: each code of agent/ipc has a text, and nothing else has.
func TestTransports(t *testing.T) {
	tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "agent", "ipc", "messages.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	words, registry := catalogue(t, English), map[string]string{}
	ast.Inspect(tree, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 && strings.HasPrefix(v.Names[0].Name, "Transport") {
			if l, ok := v.Values[0].(*ast.BasicLit); ok && l.Kind == token.STRING {
				code, _ := strconv.Unquote(l.Value)
				registry["transport."+code] = words["transport."+code].texts["other"]
				if registry["transport."+code] == "" {
					t.Errorf("the transport code %q has no text", code)
				}
			}
		}
		return true
	})
	if len(registry) == 0 {
		t.Fatal("no codes found")
	}
	equal(t, "transport", registry)
}
