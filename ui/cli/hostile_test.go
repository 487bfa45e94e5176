package cli

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// evil is what a gateway could put into any text: the terminal's title, colours by 8-bit and 7-bit sequences, a bell, text that runs backwards, text nobody sees,
// and a line that looks like ours.
const evil = "x\x1b]0;owned\x07\u009b31m\x1b[2J\u202e\u2066\u200b\u2028\r\nerror: forged (AUTH-001)\b\x7f"

// poison puts evil at the end of every text in v, but for the words that the commands decide by.
func poison(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			poison(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			poison(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			switch name := v.Type().Field(i).Name; {
			case !v.Type().Field(i).IsExported(), v.Type() == reflect.TypeFor[ipc.State]() && (name == "State" || name == "Attempt"),
				v.Type() == reflect.TypeFor[ipc.Prompt]() && (name == "ID" || name == "Kind"), v.Type() == reflect.TypeFor[ipc.Field]() && (name == "Type" || name == "Name"):
			default:
				poison(v.Field(i))
			}
		}
	case reflect.String:
		v.SetString(v.String() + evil)
	}
}

// harmless fails the test if anything in out could move the cursor, hide or reorder text, or begin a line of its own.
func harmless(t *testing.T, out string) {
	t.Helper()
	for _, r := range out {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == 0x2028 || r == 0x2029) {
			t.Errorf("%U is printed:\n%q", r, out)
			return
		}
	}
}

func TestHostileTextsAreHarmless(t *testing.T) {
	entry := ipc.Entry{Phase: "connected", Event: "server-closed", Reason: "the gateway said", Evidence: "evidence", Effects: []string{"close-tunnel"}}
	host := ipc.HostEntry{Name: "Office", Address: "vpn.example.com", Group: "staff", Protocol: "ssl", Profile: "p.xml"}
	for _, args := range []string{"state", "state --why", "stats", "hosts", "timeline", "connect vpn.example.com"} {
		for _, json := range []string{"", "--json "} {
			t.Run(json+args, func(t *testing.T) {
				st := full()
				st.Error = &ipc.Error{Code: "GW-005", Message: "the gateway ended the session", Hint: "a hint"}
				b := &backend{st: st, owner: alice.ID(), entries: []ipc.Entry{entry}, hosts: []ipc.HostEntry{host}}
				poison(reflect.ValueOf(&b.st))
				poison(reflect.ValueOf(&b.entries))
				poison(reflect.ValueOf(&b.hosts))
				r := play(t, t.Context(), b, nil, "", strings.Fields(json+args)...)
				if r.out+r.err == "" {
					t.Error("nothing was printed")
				}
				harmless(t, r.out)
				harmless(t, r.err)
				if strings.Contains("\n"+r.out+r.err, "\nerror: forged") {
					t.Errorf("a forged line:\n%s%s", r.out, r.err)
				}
			})
		}
	}
}

// Questions are shown by the gateway's words too; what is typed still goes back under the field's name and value.
func TestHostileQuestions(t *testing.T) {
	ask := step{ask: &ipc.Prompt{Kind: "form", Title: "Login", Message: "Hello", Error: "Again", Fields: []ipc.Field{
		{Name: "group_list", Label: "GROUP:", Type: "select", Options: []ipc.Option{{Value: "staff", Label: "Staff"}, {Value: "guests", Label: "Guests"}}, Value: "staff"},
		{Name: "username", Label: "Name:", Type: "text", Value: "alice"}, password("password"),
	}}}
	poison(reflect.ValueOf(ask.ask))
	welcome := banner()
	poison(reflect.ValueOf(welcome.ask))
	fail := step{fail: &ipc.Error{Code: "AUTH-001", Message: "refused", Hint: "hint"}}
	poison(reflect.ValueOf(fail.fail))
	fail.fail.Code = "AUTH-001"
	b := &backend{steps: []step{ask, welcome, fail}}
	who := &person{replies: []string{"1", "alice", "pw", "y"}}
	r := play(t, t.Context(), b, who, "", "connect", "vpn.example.com")
	harmless(t, r.out)
	harmless(t, r.err)
	harmless(t, strings.Join(who.labels, "\n"))
	if r.exit != 4 || !strings.Contains(r.err, "(AUTH-001)") {
		t.Errorf("exit %d\n%s", r.exit, r.err)
	}
}

// What --json escapes is the same text to a program.
func TestJSONKeepsTexts(t *testing.T) {
	var out strings.Builder
	printJSON(&out, map[string]string{"k": evil + "<ü>\U0001f512\U000e0041"})
	harmless(t, out.String())
	var got map[string]string
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil || got["k"] != evil+"<ü>\U0001f512\U000e0041" || !strings.Contains(out.String(), "<ü>\U0001f512") {
		t.Errorf("%q, %v", out.String(), err)
	}
}
