package ipc

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// docs/security.md tells people who may call what: its table is the one the server goes by.
func TestDocumentedVerbs(t *testing.T) {
	page, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "<!-- verbs: begin -->\n")
	table, _, ok2 := strings.Cut(rest, "<!-- verbs: end -->")
	if !ok || !ok2 {
		t.Fatal("the table is not there")
	}
	var want strings.Builder
	want.WriteString("| verb | who may call |\n|---|---|\n")
	for _, v := range verbs {
		fmt.Fprintf(&want, "| `%s %s` | %s |\n", v.method, v.path, v.may)
	}
	if table != want.String() {
		t.Errorf("docs/security.md says\n%s\nthe code says\n%s", table, want.String())
	}
}
