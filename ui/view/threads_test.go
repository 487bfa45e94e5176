package view

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestOneThread: the package starts no goroutine and lets none in; it does not know Fyne's application either, which needs cgo.
func TestOneThread(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 10 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			if i.Path.Value == `"fyne.io/fyne/v2/app"` || i.Path.Value == `"sync"` {
				t.Errorf("%s imports %s", name, i.Path.Value)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s: a goroutine", set.Position(n.Pos()))
			case *ast.SelectorExpr:
				if of, ok := n.X.(*ast.Ident); ok && (of.Name == "fyne" && strings.HasPrefix(n.Sel.Name, "Do") || of.Name == "time" && (n.Sel.Name == "AfterFunc" || strings.HasPrefix(n.Sel.Name, "New") || n.Sel.Name == "Tick")) {
					t.Errorf("%s: %s.%s", set.Position(n.Pos()), of.Name, n.Sel.Name)
				}
			}
			return true
		})
	}
}
