package profile

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestCompatibilityPage holds docs/compatibility.md to the tables of elements.
func TestCompatibilityPage(t *testing.T) {
	const page = "../docs/compatibility.md"
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want := string(b)
	for _, part := range []struct {
		name  string
		table []Element
	}{{"profile elements", Elements()}, {"local policy", PolicyElements()}} {
		begin, end := "<!-- "+part.name+": begin -->\n", "<!-- "+part.name+": end -->\n"
		head, rest, ok := strings.Cut(want, begin)
		_, tail, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s has no place for: %s", page, part.name)
		}
		want = head + begin + elementTable(part.table) + end + tail
	}
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

// elementTable is a table of elements as the page has it.
func elementTable(table []Element) string {
	var b strings.Builder
	b.WriteString("| element | value | default | user may change | status |\n|---|---|---|---|---|\n")
	for _, e := range table {
		value, user := e.Values(), [...]string{"no", "if the profile says so", "yes"}[e.Control]
		if e.Type == Group {
			value = "–"
		}
		if e.Many {
			value += "; several"
		}
		for _, a := range e.Attrs {
			value += "; @" + a.Name + ": " + a.Values()
		}
		standard := "–"
		if e.Default != "" {
			standard = "`" + e.Default + "`"
		}
		status := "**" + e.Status.String() + "**"
		switch {
		case e.Note == "":
		case e.Status == NotYet:
			status += ": waits for " + e.Note
		default:
			status += ": " + e.Note
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", e.Path, strings.TrimPrefix(value, "–; "), standard, user, status)
	}
	return b.String()
}
