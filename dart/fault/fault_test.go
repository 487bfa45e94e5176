package fault

import (
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write docs/error-codes.md")

// families is what the letters of a code stand for, in the order of docs/error-codes.md.
var families = [][2]string{
	{"AGENT", "the way to the agent"}, {"AUTH", "login"}, {"TLS", "trust in the gateway"}, {"NET", "reaching the gateway"}, {"GW", "what the gateway says"},
	{"TUN", "the tunnel"}, {"HOST", "changes to this machine"}, {"POL", "permission and policy"}, {"USE", "the command line"}, {"PROF", "profiles"}, {"INT", "Holdfast itself"},
}

var exits = map[int]string{1: "failed", 2: "usage", 3: "agent not reachable", 4: "authentication refused", 5: "gateway not reachable", 6: "gateway not trusted",
	7: "refused by policy or permission", 8: "timed out", 9: "not connected", 10: "input needed", 130: "interrupted"}

// constants reads the codes from the source: a map in memory cannot show that two names have one code.
func constants(t *testing.T) map[string]Code {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), "registry.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Code{}
	ast.Inspect(tree, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := v.Type.(*ast.Ident); ok && id.Name == "Code" {
			all[v.Names[0].Name] = Code(strings.Trim(v.Values[0].(*ast.BasicLit).Value, `"`))
		}
		return true
	})
	return all
}

// TestRegistry: every code is unique, well formed and has all that a user is told.
func TestRegistry(t *testing.T) {
	form := regexp.MustCompile(`^[A-Z]{2,5}-[0-9]{3}$`)
	names := map[Code]string{}
	for name, c := range constants(t) {
		if names[c] != "" {
			t.Errorf("%s and %s are both %s", name, names[c], c)
		}
		names[c] = name
		if _, ok := registry[c]; !ok {
			t.Errorf("%s is not in the registry", name)
		}
	}
	sentences := map[string]Code{}
	for _, c := range Codes() {
		e := Lookup(c)
		family, _, _ := strings.Cut(string(c), "-")
		switch {
		case !form.MatchString(string(c)) || familyText(family) == "":
			t.Errorf("%s: no such form or family", c)
		case names[c] == "":
			t.Errorf("%s has no constant", c)
		case e.Kind.String() == "none":
			t.Errorf("%s has no kind", c)
		case exits[e.Exit] == "":
			t.Errorf("%s: %d is no exit code of a failure", c, e.Exit)
		case e.Sentence == "" || (e.Hint == "" && c != UseInterrupted):
			t.Errorf("%s has no sentence or no hint", c)
		case Clean(e.Sentence) != e.Sentence || Clean(e.Hint) != e.Hint:
			t.Errorf("%s is not one clean line of 200 runes at most", c)
		case strings.HasSuffix(e.Sentence, ".") || unicode.IsUpper(rune(e.Sentence[0])) && !strings.HasPrefix(e.Sentence, "DNS"):
			t.Errorf("%s: a sentence begins small and ends without a full stop: it is printed after \"error: \"", c)
		case sentences[e.Sentence] != "":
			t.Errorf("%s and %s say the same", c, sentences[e.Sentence])
		}
		sentences[e.Sentence] = c
	}
	if len(names) != len(Codes()) {
		t.Errorf("%d constants, %d codes", len(names), len(Codes()))
	}
}

func familyText(family string) string {
	for _, f := range families {
		if f[0] == family {
			return f[1]
		}
	}
	return ""
}

// TestDocument: docs/error-codes.md is what the registry says. Write it with -update.
func TestDocument(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Error codes\n\nEvery failure is one line, `error: <sentence> (CODE)`, and one or more `hint:` lines. The code is what to quote to support; the exit code is the command line's.\n" +
		"*Kind* is what the agent does about it: it tries a *retryable* failure again while a session lives, logs in anew after *session-lost*, asks the user after\n*needs-user*, and gives up on *fatal* and *policy*. " +
		"While a session is being resumed, NET and TLS failures speak about the network in between and never end the session.\n\n" +
		"Generated from dart/fault/registry.go by `go test ./dart/fault -run TestDocument -update`.\n")
	for _, f := range families {
		fmt.Fprintf(&b, "\n## %s: %s\n\n| code | sentence | hint | kind | exit |\n|---|---|---|---|---:|\n", f[0], f[1])
		for _, c := range Codes() {
			if strings.HasPrefix(string(c), f[0]+"-") {
				e := Lookup(c)
				fmt.Fprintf(&b, "| %s | %s | %s | %v | %d |\n", c, cell(e.Sentence), cell(e.Hint), e.Kind, e.Exit)
			}
		}
	}
	const file = "../../docs/error-codes.md"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(file)
	if err != nil || string(have) != b.String() {
		t.Errorf("%s is out of date (%v): go test ./dart/fault -run TestDocument -update", file, err)
	}
}

// cell is a text in a table of Markdown.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func TestError(t *testing.T) {
	cause := errors.New("read tcp: broken")
	e := Newf(NetLost, cause, "after %d s\n\x1b[2J", 5).Hint("look at the cable")
	if e.Kind != Retryable || e.Exit() != 5 {
		t.Errorf("%v, exit %d", e.Kind, e.Exit())
	}
	if got, want := e.Sentence(), Lookup(NetLost).Sentence+": after 5 s [2J"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if got := e.Error(); !strings.Contains(got, "(NET-005): read tcp: broken") {
		t.Error(got)
	}
	if h := e.AllHints(); len(h) != 2 || h[0] != "look at the cable" || h[1] != Lookup(NetLost).Hint {
		t.Errorf("%q", h)
	}
	if !errors.Is(e, cause) {
		t.Error("the cause is lost")
	}
}

func TestAs(t *testing.T) {
	inner := New(TLSPin, nil)
	if As(fmt.Errorf("dial: %w", inner)) != inner {
		t.Error("not found in the chain")
	}
	if e := As(io.EOF); e.Code != Internal || !errors.Is(e, io.EOF) {
		t.Errorf("a stranger became %v", e)
	}
	if As(nil) != nil || KindOf(nil) != 0 || KindOf(io.EOF) != Fatal || KindOf(inner) != Fatal {
		t.Error("nil or kind")
	}
	if e := Lookup("NONE-999"); e != Lookup(Internal) {
		t.Errorf("an unknown code is %+v", e)
	}
	if e := New(UseInterrupted, nil); len(e.AllHints()) != 0 || e.Error() != "interrupted (USE-005)" {
		t.Errorf("%v %q", e, e.AllHints())
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                              "",
		"plain text":                    "plain text",
		"  a \t\r\n b  ":                "a b",
		"red\x1b[31m\x07bell":           "red [31m bell",
		"gnp.exe\u202eyal":              "gnp.exe yal",
		"zero\u200bwidth\ufeff":         "zero width",
		"line\u2028sep\u0085nel":        "line sep nel",
		"bad \xff\xfe utf8":             "bad utf8",
		"ünïcode 漢字 stays":              "ünïcode 漢字 stays",
		"wide\u3000en\u2000quad":        "wide en quad",
		"soft\u00adhyphen\U000e0041tag": "soft hyphen tag",
		"\u3164filler\u2800":            "filler",
		"\u00a0no-break\u00a0":          "no-break",
		strings.Repeat("x", 200):        strings.Repeat("x", 200),
		strings.Repeat("x", 201):        strings.Repeat("x", 199) + "…",
		strings.Repeat("x", 200) + " ":  strings.Repeat("x", 199) + "…",
	} {
		if got := Clean(in); got != want {
			t.Errorf("%q became %q, not %q", in, got, want)
		}
	}
}

// FuzzClean: one line, nothing that moves a cursor or hides, 200 runes at most, and clean stays clean.
func FuzzClean(f *testing.F) {
	f.Add("a\x1b]0;title\x07b\u202e\u2066c\xff")
	f.Add(strings.Repeat("漢 ", 300))
	f.Fuzz(func(t *testing.T, in string) {
		out := Clean(in)
		if !utf8.ValidString(out) || utf8.RuneCountInString(out) > 200 || strings.TrimSpace(out) != out || strings.Contains(out, "  ") {
			t.Fatalf("%q became %q", in, out)
		}
		for _, r := range out {
			if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
				t.Fatalf("%q became %q: %U is left", in, out, r)
			}
		}
		if again := Clean(out); again != out {
			t.Fatalf("%q cleaned twice is %q", out, again)
		}
	})
}
