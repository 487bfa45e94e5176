package profile

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestCompatibilityPage holds docs/compatibility.md to the table of elements.
func TestCompatibilityPage(t *testing.T) {
	const page, begin, end = "../docs/compatibility.md", "<!-- profile elements: begin -->\n", "<!-- profile elements: end -->\n"
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the elements", page)
	}
	var table strings.Builder
	table.WriteString("| element | default | user may change | status |\n|---|---|---|---|\n")
	for _, e := range Elements() {
		user := "no"
		if e.UserControllable {
			user = "yes"
		}
		value := "–"
		if e.Default != "" {
			value = "`" + e.Default + "`"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", e.Path, value, user, e.Status)
	}
	want := head + begin + table.String() + end + tail
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(b) {
		t.Errorf("%s is not what the table says: run with -update", page)
	}
}
