package ipc

import (
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

func TestPreferencesOverTheSocket(t *testing.T) {
	a := &agent{state: State{State: stateDown}}
	m, _ := serve(t, a)
	got, err := m.client(alice).Preferences(t.Context())
	if err != nil || got.Target != "gw" || len(got.Settings) != 1 || !got.Settings[0].User {
		t.Errorf("%+v, %v", got, err)
	}
	if err := m.client(alice).Prefer(t.Context(), Preference{Set: map[string]string{"a": "b"}, Reset: []string{"c"}}); err != nil {
		t.Error(err)
	}
	if err := m.client(alice).Prefer(t.Context(), Preference{Set: map[string]string{"a": "b"}, Global: true}); fault.As(err).Code != fault.PolRoot {
		t.Errorf("alice chooses for all: %v", err)
	}
	if err := m.client(root).Prefer(t.Context(), Preference{Set: map[string]string{"a": "b"}, Global: true}); err != nil {
		t.Error(err)
	}
	done, err := m.client(root).Import(t.Context(), ImportRequest{Name: "corp.xml", Content: []byte{0xff, 0, '<'}, Replace: true})
	if err != nil || done.Result != "imported" || done.Hosts != 3 {
		t.Errorf("%+v, %v", done, err)
	}
	if want := "preferences:1000 prefer:1000:map[a:b]:[c]:false prefer:0:map[a:b]:[]:true import:0:corp.xml:true"; a.called() != want {
		t.Errorf("called %s, want %s", a.called(), want)
	}
	if _, err := m.client(root).Import(t.Context(), ImportRequest{Name: "big.xml", Content: make([]byte, MaxProfile)}); err != nil {
		t.Errorf("the largest profile that may be: %v", err)
	}
	for body, path := range map[string]string{
		`{}`:                                 "/v1/preferences",
		`{"set":{"a":"b\u001b"}}`:            "/v1/preferences",
		`{"set":{"a\n":"b"}}`:                "/v1/preferences",
		`{"reset":["\u202e"]}`:               "/v1/preferences",
		`{"file":"/etc/shadow"}`:             "/v1/preferences",
		`{"path":"/etc/shadow"}`:             "/v1/profiles",
		`{"name":"a\u0000b"}`:                "/v1/profiles",
		`{"name":"a.xml","content":"<xml>"}`: "/v1/profiles",
		`{"set":{` + strings.Repeat(`"a":"b",`, 100) + `"c":"` + strings.Repeat("x", 2000) + `"}}`: "/v1/preferences",
	} {
		if st, b := m.raw(t, root, http.MethodPost, path, body); code(st, b) != fault.UseRequest {
			t.Errorf("%s %s: %d %s", path, body, st, b)
		}
	}
}

func TestTwoVerbsOfOnePath(t *testing.T) {
	m, _ := serve(t, &agent{state: State{State: stateDown}})
	if st, _ := m.raw(t, root, http.MethodDelete, "/v1/preferences", ""); st != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", st)
	}
}
