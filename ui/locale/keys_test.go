package locale

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// spoken are the keys that are put together of what the agent says by code; fault.json, reason.json and transport.json have tests of their own that hold them to their registries.
var spoken = []string{"fault.", "reason.", "transport."}

// keyForm is what a key looks like, or its beginning where it ends in a dot. Its first part is the name of a file.
var keyForm = regexp.MustCompile(`^([a-z]+)\.([A-Za-z0-9-]+\.?)*$`)

// used finds the keys, and beginnings of keys, in the program's source: every string literal in ui that begins with the name of a part and a dot. A key is written out in one literal, or as the beginning to
// which code adds ("tray.state." + s.String()), never put together of pieces that a search would not find.
func used(t *testing.T) (keys, beginnings map[string]string) {
	t.Helper()
	keys, beginnings = map[string]string{}, map[string]string{}
	var parts []string
	files, err := texts.ReadDir("text/en")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		parts = append(parts, strings.TrimSuffix(f.Name(), ".json"))
	}
	err = filepath.WalkDir("..", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == "cli" {
			return fs.SkipDir // English throughout: docs/translating.md
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, l := range literals(t, name, source) {
			m := keyForm.FindStringSubmatch(l.text)
			if m == nil || !slices.Contains(parts, m[1]) || slices.Contains([]string{".png", ".svg", ".go", ".json"}, filepath.Ext(l.text)) {
				continue
			}
			if strings.HasSuffix(l.text, ".") || l.added {
				beginnings[l.text] = name
			} else {
				keys[l.text] = name
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys, beginnings
}

// literal is a string literal; added says that code adds something behind it.
type literal struct {
	text  string
	added bool
}

// literals are those of one file, without its imports.
func literals(t *testing.T, name string, source []byte) []literal {
	tree, err := parser.ParseFile(token.NewFileSet(), name, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []literal
	added := map[ast.Expr]bool{}
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BinaryExpr:
			if n.Op == token.ADD {
				added[n.X] = true
			}
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
				all = append(all, literal{text, added[n]})
			}
		}
		return true
	})
	return all
}

// TestKeysExist: every key that the program uses has a text, and every beginning has some.
func TestKeysExist(t *testing.T) {
	words := catalogue(t, English)
	keys, beginnings := used(t)
	for key, where := range keys {
		if _, ok := words[key]; !ok {
			t.Errorf("%s uses %s, which has no text", where, key)
		}
	}
	for beginning, where := range beginnings {
		found := slices.Contains(spoken, beginning)
		for key := range words {
			found = found || strings.HasPrefix(key, beginning)
		}
		if !found {
			t.Errorf("%s puts keys together that begin with %s; none does", where, beginning)
		}
	}
}

// TestKeysUsed: no text is left over.
func TestKeysUsed(t *testing.T) {
	keys, beginnings := used(t)
	for key := range catalogue(t, English) {
		_, found := keys[key]
		for beginning := range beginnings {
			found = found || strings.HasPrefix(key, beginning)
		}
		for _, beginning := range spoken {
			found = found || strings.HasPrefix(key, beginning)
		}
		if !found {
			t.Errorf("nothing uses %s", key)
		}
	}
}
