package tray

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// TestOneWayIn: the program comes onto Fyne's main thread at one place. fyne.Do is named once, as what post and park use, and its blocking sister, the driver's own ways and the older queue never.
func TestOneWayIn(t *testing.T) {
	files := token.NewFileSet()
	names, err := filepath.Glob("*.go") // of every system
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	named := map[string]int{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				switch s.Sel.Name {
				case "Do", "DoAndWait", "DoFromGoroutine", "QueueEvent":
					if x, ok := s.X.(*ast.Ident); ok && x.Name != "fyne" {
						break // of something else: sync.Once
					}
					named[s.Sel.Name]++
				}
			}
			return true
		})
	}
	if len(named) != 1 || named["Do"] != 1 {
		t.Errorf("ways onto the main thread: %v", named)
	}
}

// TestInbox: of what comes while the main thread is busy only the first asks for it; a parked one is woken and not asked; after the end nothing comes in.
func TestInbox(t *testing.T) {
	b := inbox{kick: make(chan struct{}, 1)}
	add := func(what string, asks bool) {
		t.Helper()
		if b.add(model.Tick{}) != asks {
			t.Errorf("%s: asks for the main thread: %v", what, !asks)
		}
	}
	add("the first", true)
	add("the second", false)
	if b.park() {
		t.Error("parked although there is something")
	}
	if n := len(b.take()); n != 2 {
		t.Errorf("took %d", n)
	}
	if !b.park() {
		t.Error("not parked")
	}
	add("while it is parked", false)
	select {
	case <-b.kick:
	default:
		t.Error("not woken")
	}
	add("another", false) // which wakes again, and must not wake the next time it parks
	b.unpark()
	if n := len(b.take()); n != 2 {
		t.Errorf("took %d", n)
	}
	if !b.park() || len(b.kick) != 0 {
		t.Error("a wakeup is left over")
	}
	b.unpark()
	b.close()
	add("after the end", false)
	if n := len(b.take()); n != 0 || b.park() {
		t.Error("the end is none")
	}
}
