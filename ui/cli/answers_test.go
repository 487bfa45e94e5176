package cli

import (
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
)

func TestWhatAnswerMayFill(t *testing.T) {
	for name, want := range map[string]struct{ secret, oneTime bool }{
		"password": {true, false}, "Password": {true, false}, "password2": {false, true}, "password3": {false, true},
		"secondary_password": {true, false}, "new_password": {true, false}, "new_password2": {true, false}, "verify_pin": {true, false}, "verify_password": {true, false},
		"whichpin": {true, false}, "answer": {false, true}, "answer2": {false, true}, "otp": {false, true}, "otp_code": {false, true}, "OTP2": {false, true},
		"username": {false, false}, "group_list": {false, false}, "passcode": {false, false},
	} {
		if got := secretName(name); got != want.secret {
			t.Errorf("secretName(%q) = %t", name, got)
		}
		if got := oneTime(name); got != want.oneTime {
			t.Errorf("oneTime(%q) = %t", name, got)
		}
	}
}

func TestChoose(t *testing.T) {
	f := ipc.Field{Options: []ipc.Option{{Value: "a", Label: "First"}, {Value: "1", Label: "b"}, {Value: "b", Label: "Third"}}}
	for in, want := range map[string]string{"a": "a", "First": "a", "first": "a", "b": "b", "1": "1", "0": "a", "2": "b", " Third ": "b", "3": "", "-1": "", "x": "", "": ""} {
		got, err := choose(f, in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("choose(%q) = %q, %v; want %q", in, got, err, want)
		}
		if err != nil && fault.As(err).Code != fault.AuthGroup {
			t.Errorf("choose(%q): %v", in, err)
		}
	}
}

func FuzzReadInput(f *testing.F) {
	f.Add("secret\nusername=alice\npassword2=1\n", true, true)
	f.Add("a=b\r\n\r\n=\n", false, true)
	f.Fuzz(func(t *testing.T, in string, password, rest bool) {
		var a answers
		if a.readInput(strings.NewReader(in), password, rest) != nil {
			return
		}
		if password && (a.password == nil || a.password.value.Empty() || a.password.value.Len() > maxLine+64) {
			t.Fatalf("the password of %q is not there or too long", in)
		}
		if len(a.fields) > maxGiven {
			t.Fatalf("%d answers", len(a.fields))
		}
		p := &ipc.Prompt{Fields: []ipc.Field{{Name: "x", Type: "password"}, {Name: "y", Type: "password"}}}
		first, _, err := a.fill(p, true)
		if err != nil {
			t.Fatal(err)
		}
		second, _, _ := a.fill(p, true)
		if len(first) > 0 && len(second) > 0 {
			for name, v := range second {
				if !first[name].Empty() && v.Equal(first[name]) && a.fields[name] == nil {
					t.Fatalf("a secret of %q is used twice", in)
				}
			}
		}
	})
}

func TestSourcesAreUsedOnce(t *testing.T) {
	a := answers{password: &source{value: redact.NewString("p")}}
	p := &ipc.Prompt{Fields: []ipc.Field{{Name: "password", Type: "password"}}}
	if out, _, _ := a.fill(p, true); len(out) != 1 {
		t.Fatalf("first round: %v", out)
	}
	if out, missing, _ := a.fill(p, true); len(out) != 0 || len(missing) != 1 {
		t.Fatalf("second round: %v, missing %v", out, missing)
	}
}
