package ipc

import (
	"fmt"
	"os"
	"reflect"
	"slices"
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

// TestDocumentedKeys: docs/socket.md tells people what is on the socket; whatever is added here has a place there.
func TestDocumentedKeys(t *testing.T) {
	page, err := os.ReadFile("../../docs/socket.md")
	if err != nil {
		t.Fatal(err)
	}
	words := slices.Concat(Features(), []string{FeatureDart, FeatureExplain, FeatureIKEv2, FeatureFindings}, TransportCodes(), Problems(), []string{StepReach, StepLogin, StepTunnel, StepApply})
	for _, v := range []any{State{}, Session{}, Counters{}, LastReconnect{}, Waiting{}, Version{}, Event{}, Entry{}, Prompt{}, Field{}, Browser{}, Sign{}, Trust{}, Trusted{}, Distrust{}, Error{}} {
		s := reflect.TypeOf(v)
		for i := range s.NumField() {
			name, _, _ := strings.Cut(s.Field(i).Tag.Get("json"), ",")
			words = append(words, name)
		}
	}
	for _, w := range words {
		if w != "exit" && !strings.Contains(string(page), "`"+w+"`") { // exit is the command line's alone
			t.Errorf("nothing is said of %s", w)
		}
	}
}
