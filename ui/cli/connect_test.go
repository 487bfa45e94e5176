package cli

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

func text(name string) ipc.Field { return ipc.Field{Name: name, Label: name + ":", Type: "text"} }
func password(name string) ipc.Field {
	return ipc.Field{Name: name, Label: name + ":", Type: "password"}
}

// lastTime is a field with what was given the last time.
func lastTime(f ipc.Field, value string) ipc.Field {
	f.Last = value
	return f
}

func groups(def string) ipc.Field {
	return ipc.Field{Name: "group_list", Label: "Group:", Type: "select", Value: def,
		Options: []ipc.Option{{Value: "staff", Label: "Staff network"}, {Value: "admins", Label: "Administrators"}, {Value: "0", Label: "Named by a digit"}}}
}

func form(fields ...ipc.Field) step { return step{ask: &ipc.Prompt{Kind: "form", Fields: fields}} }
func again(fields ...ipc.Field) step {
	return step{ask: &ipc.Prompt{Kind: "form", Error: "Login failed.", Fields: fields}}
}
func banner() step { return step{ask: &ipc.Prompt{Kind: "banner", Message: "Authorised use only."}} }

var connected = step{}

func failure(c fault.Code, detail string) step {
	return step{fail: &ipc.Error{Code: string(c), Message: fault.Newf(c, nil, "%s", detail).Sentence()}}
}

func TestConnect(t *testing.T) {
	for _, tc := range []struct {
		name    string
		args    string
		stdin   string
		who     *person
		steps   []step
		exit    int
		answers string // of all forms, parted by " | "
		stderr  string // part of it
	}{
		{name: "nothing is asked", steps: []step{connected}},
		{name: "user, group and password from flags and standard input", args: "--user alice --group Administrators --password-stdin --no-input", stdin: "Pa55word\n",
			steps: []step{form(text("username"), groups("staff")), form(password("password")), connected}, answers: "username=alice group_list=admins | password=Pa55word"},
		{name: "group by number", args: "--group 1", steps: []step{form(groups("staff")), connected}, answers: "group_list=admins"},
		{name: "group by value before number", args: "--group 0", steps: []step{form(groups("staff")), connected}, answers: "group_list=0"},
		{name: "group that is not offered", args: "--group nobody", steps: []step{form(groups(""))}, exit: 2, stderr: "hint: it offers: Staff network, Administrators, Named by a digit"},
		{name: "a person begins with what he gave the last time", who: &person{replies: []string{"", ""}}, steps: []step{form(lastTime(text("username"), "alice"), lastTime(groups("staff"), "admins")), connected},
			answers: "username=alice group_list=admins"},
		{name: "a script does not", args: "--no-input", steps: []step{form(lastTime(groups("staff"), "admins")), connected}, answers: "group_list=staff"},
		{name: "a script does not have a name either", args: "--no-input", steps: []step{form(lastTime(text("username"), "alice"))}, exit: 10, stderr: "it wants username"},
		{name: "the gateway's default group", args: "--no-input", steps: []step{form(groups("staff")), connected}, answers: "group_list=staff"},
		{name: "no default group and nobody to choose", args: "--no-input", steps: []step{form(groups(""))}, exit: 10, stderr: "it wants group_list (AUTH-002)"},
		{name: "password without a newline", args: "--password-stdin", stdin: "p", steps: []step{form(password("password")), connected}, answers: "password=p"},
		{name: "password with spaces and a carriage return", args: "--password-stdin", stdin: " a b \r\nrest", steps: []step{form(password("password")), connected}, answers: "password= a b "},
		{name: "the password fills the first password field only", args: "--password-stdin", stdin: "x\n", steps: []step{form(password("password"), password("secondary_password"))},
			exit: 10, stderr: "it wants secondary_password"},
		{name: "the password is used once", args: "--password-stdin --no-input", stdin: "x\n", steps: []step{form(password("password")), form(password("password2"))},
			exit: 10, answers: "password=x", stderr: "it wants password2"},
		{name: "the key that was refused is shown for comparison", steps: []step{{fail: &ipc.Error{Code: "TLS-001", Message: "the gateway's certificate is not trusted", Hint: "it showed sha256:11"}}},
			exit: 6, stderr: "hint: it showed sha256:11\nhint: if your"},
		{name: "wrong password and nobody to ask", args: "--password-stdin --no-input", stdin: "x\n", steps: []step{form(password("password")), again(password("password"))},
			exit: 4, answers: "password=x", stderr: "error: the gateway refused the login: Login failed. (AUTH-001)"},
		{name: "wrong user name and nobody to ask", args: "--user bob", steps: []step{again(text("username"))}, exit: 4},
		{name: "one-time code from --answer", args: "--password-stdin --answer password2=123456", stdin: "x\n",
			steps: []step{form(password("password")), form(password("password2")), connected}, answers: "password=x | password2=123456"},
		{name: "codes of other names", args: "--answer answer=1 --answer otp_code=2 --answer token_id=3", steps: []step{form(password("answer"), password("otp_code"), text("token_id")), connected},
			answers: "answer=1 otp_code=2 token_id=3"},
		{name: "--answer never fills a password", args: "--answer pass=1", steps: []step{form(password("pass"))}, exit: 2},
		{name: "an answer is used once", args: "--answer answer=1", steps: []step{form(password("answer")), again(password("answer"))}, exit: 4, answers: "answer=1"},
		{name: "everything from standard input", args: "--answers-stdin", stdin: "username=alice\n\ngroup_list=Staff network\npassword=a=b\nsecondary_password=second\n",
			steps:   []step{form(text("username"), groups("")), form(password("password"), password("secondary_password")), connected},
			answers: "username=alice group_list=staff | password=a=b secondary_password=second"},
		{name: "the password's line comes before the answers", args: "--password-stdin --answers-stdin", stdin: "first\npassword2=second\n",
			steps: []step{form(password("password")), form(password("password2")), connected}, answers: "password=first | password2=second"},
		{name: "a named answer goes before the password's line", args: "--password-stdin --answers-stdin", stdin: "line\npassword=named\n",
			steps: []step{form(password("password"), password("secondary_password")), connected}, answers: "password=named secondary_password=line"},
		{name: "a preset text", args: "--no-input", steps: []step{form(ipc.Field{Name: "realm", Type: "text", Value: "corp"}), connected}, answers: "realm=corp"},
		{name: "no terminal", steps: []step{form(password("password"))}, exit: 10},
		{name: "banner accepted by flag", args: "--accept-banner --no-input", steps: []step{banner(), connected}, answers: "accept"},
		{name: "banner and nobody to accept", args: "--no-input", steps: []step{banner()}, exit: 10, stderr: "hint: give --accept-banner"},
		{name: "a way of login that is not there yet", steps: []step{{ask: &ipc.Prompt{Kind: "retina"}}}, exit: 1, stderr: "AUTH-005"},

		{name: "a person answers", who: &person{replies: []string{"alice", "1", "Pa55word"}},
			steps: []step{form(text("username"), groups("staff")), form(password("password")), connected}, answers: "username=alice group_list=admins | password=Pa55word"},
		{name: "a person takes the defaults", args: "--user alice", who: &person{replies: []string{"", ""}}, steps: []step{again(text("username"), groups("staff")), connected},
			answers: "username=alice group_list=staff"},
		{name: "a person answers by label, after a slip", who: &person{replies: []string{"9", "administrators"}}, steps: []step{form(groups("staff")), connected},
			answers: "group_list=admins", stderr: "Type one of the numbers or names above."},
		{name: "a person is asked for the rest only", args: "--user alice", who: &person{replies: []string{"pw"}}, steps: []step{form(text("username"), password("password")), connected},
			answers: "username=alice password=pw"},
		{name: "a person tries again", who: &person{replies: []string{"wrong", "right"}}, steps: []step{form(password("password")), again(password("password")), connected},
			answers: "password=wrong | password=right", stderr: "Login failed."},
		{name: "a person accepts", who: &person{replies: []string{"what", "y"}}, steps: []step{banner(), connected}, answers: "accept", stderr: "Authorised use only."},
		{name: "a person declines", who: &person{replies: []string{"n"}}, steps: []step{banner(), failure(fault.PolBanner, "")}, exit: 7, answers: "decline"},
		{name: "the terminal ends", who: &person{replies: []string{"EOF"}}, steps: []step{form(password("password"))}, exit: 10},
		{name: "a person, but --no-input", args: "--no-input", who: &person{}, steps: []step{form(password("password"))}, exit: 10},

		{name: "untrusted", steps: []step{failure(fault.TLSUntrusted, "signed by nobody")}, exit: 6,
			stderr: "error: the gateway's certificate is not trusted: signed by nobody (TLS-001)\nhint: if your administrator"},
		{name: "no such name", steps: []step{failure(fault.NetNoName, "")}, exit: 5},
		{name: "slow", steps: []step{failure(fault.GwTimeout, "")}, exit: 8},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := &backend{steps: tc.steps}
			r := play(t, t.Context(), b, tc.who, tc.stdin, append([]string{"connect", "vpn.example.com"}, strings.Fields(tc.args)...)...)
			if r.exit != tc.exit {
				t.Errorf("exit %d, want %d\n%s", r.exit, tc.exit, r.err)
			}
			if got := strings.Join(b.answers, " | "); got != tc.answers {
				t.Errorf("answers %q, want %q", got, tc.answers)
			}
			if !strings.Contains(r.err, tc.stderr) {
				t.Errorf("stderr %q lacks %q", r.err, tc.stderr)
			}
			switch {
			case tc.exit == 0 && r.out != "Connected to vpn.example.com as 10.11.0.50/24 over TLS.\n":
				t.Errorf("stdout %q", r.out)
			case tc.exit != 0 && (r.out != "" || b.st.State != "disconnected"):
				t.Errorf("stdout %q, state %s: want nothing, and no attempt left", r.out, b.st.State)
			}
		})
	}
}

func TestConnectUsage(t *testing.T) {
	for _, tc := range []struct{ args, stdin, stderr string }{
		{"connect a b", "", "takes at most 1 argument"},
		{"connect http://vpn.example.com", "", "only https"},
		{"connect https://alice:pw@vpn.example.com", "", "USE-002"},
		{"connect x --protocol ikev1", "", "USE-006"},
		{"connect x --protocol ipsec", "", "USE-006"},
		{"connect x --protocol pptp", "", "--protocol is ssl"},
		{"connect x --pkcs11 u", "", "USE-006"},
		{"connect x --psk-stdin", "", "USE-006"},
		{"connect x --ike-id i", "", "USE-006"},
		{"connect x --eap m", "", "USE-006"},
		{"connect x --allow-weak-crypto", "", "USE-006"},
		{"connect x --timeout 0s", "", "--timeout"},
		{"connect x --timeout soon", "", "--timeout"},
		{"connect x --pin sha1:00", "", "--pin"},
		{"connect x --pin sha256:00", "", "--pin"},
		{"connect x --ca /does/not/exist", "", "--ca"},
		{"connect x --answer otp", "", "FIELD=VALUE"},
		{"connect x --answer =1", "", "FIELD=VALUE"},
		{"connect x --answer otp=1 --answer otp=2", "", "answered twice"},
		{"connect x --answer password=1", "", "must not carry password"},
		{"connect x --answer Password=1", "", "must not carry"},
		{"connect x --answer secondary_password=1", "", "must not carry"},
		{"connect x --answer secondary_password2=1", "", "must not carry"},
		{"connect x --answer new_password=1", "", "must not carry"},
		{"connect x --answer verify_pin=1", "", "must not carry"},
		{"connect x --answer whichpin=1", "", "must not carry"},
		{"connect x --password-stdin", "", "--password-stdin"},
		{"connect x --password-stdin", "\n", "the line is empty"},
		{"connect x --answers-stdin", "nonsense\n", "FIELD=VALUE"},
		{"connect x --answers-stdin", "a=1\na=2\n", "answered twice"},
		{"connect x --answers-stdin", "a=" + strings.Repeat("x", 5000), "longer than"},
		{"connect x --nonsense", "", "--nonsense"},
		{"state --wait up", "", "--wait is one of"},
		{"state --timeout 1s", "", "needs --wait"},
		{"timeline --follow --save f", "", "do not go together"},
		{"profile", "", ""},
		{"profile burn", "", "no command"},
		{"profile check", "", "needs a FILE"},
		{"disconnect now", "", "takes no arguments"},
		{"nonsense", "", "no command"},
		{"rescue", "", "no command"},
	} {
		if tc.stderr == "" {
			continue
		}
		t.Run(tc.args, func(t *testing.T) {
			b := &backend{}
			r := play(t, t.Context(), b, nil, tc.stdin, strings.Fields(tc.args)...)
			if r.exit != 2 || !strings.Contains(r.err, tc.stderr) || r.out != "" {
				t.Errorf("exit %d, stderr %q; want 2 and %q", r.exit, r.err, tc.stderr)
			}
			if len(b.requests) > 0 {
				t.Error("the agent was asked all the same")
			}
		})
	}
}

func TestConnectRequest(t *testing.T) {
	b := &backend{steps: []step{connected}}
	hex := strings.Repeat("AB:", 31) + "AB"
	r := play(t, t.Context(), b, nil, "", "connect", "vpn.example.com/staff", "--user", "alice", "--group", "g", "--timeout", "90s",
		"--pin", "sha256:"+hex, "--pin", "pin-sha256:qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=")
	if r.exit != 0 {
		t.Fatal(r)
	}
	got := b.requests[0]
	if got.Target != "vpn.example.com/staff" || got.User != "alice" || got.Group != "g" || got.TimeoutMS != 90_000 {
		t.Errorf("%+v", got)
	}
	if want := "sha256:" + strings.Repeat("ab", 32); len(got.Pins) != 2 || got.Pins[0] != want {
		t.Errorf("pins %q", got.Pins)
	}
}

func TestAlreadyConnected(t *testing.T) {
	b := &backend{st: ipc.State{State: "connected", Attempt: "c0", Target: "vpn.example.com"}, owner: alice.ID()}
	if r := play(t, t.Context(), b, nil, "", "connect", "vpn.example.com"); r.exit != 0 {
		t.Errorf("the same target: %+v", r)
	}
	b = &backend{st: b.st, owner: b.owner, refuse: fault.New(fault.PolConnected, nil)}
	r := play(t, t.Context(), b, nil, "", "connect", "other.example.com")
	if r.exit != 1 || !strings.Contains(r.err, "hint: end it first: holdfast disconnect") || b.ended > 0 {
		t.Errorf("another target: %+v, ended %d", r, b.ended)
	}
}

// TestConnectAtAPortal: a session that waits at a captive portal is waited for within --timeout, the person is told how to help, and the session stays.
func TestConnectAtAPortal(t *testing.T) {
	yes := true
	b := &backend{st: ipc.State{State: "reconnecting", Attempt: "c0", Target: "vpn.example.com", CaptivePortal: &yes,
		Error: &ipc.Error{Code: "NET-007", Message: "this network wants you to sign in first: port 80 sends us to login.hotel", Hint: fault.Lookup(fault.NetPortal).Hint + "\nor disconnect first"}}, owner: alice.ID()}
	r := play(t, t.Context(), b, nil, "", "connect", "vpn.example.com", "--timeout", "1s")
	want := "note: this network wants you to sign in first: port 80 sends us to login.hotel (NET-007)\nhint: or disconnect first\nhint: " + fault.Lookup(fault.NetPortal).Hint + "\n" +
		"error: this network wants you to sign in first: port 80 sends us to login.hotel (NET-007)\n"
	if r.exit != 5 || !strings.HasPrefix(r.err, want) || !strings.Contains(r.err, "hint: the session is kept") || b.ended > 0 || b.st.State != "reconnecting" {
		t.Errorf("exit %d, ended %d, %s\n%s", r.exit, b.ended, b.st.State, r.err)
	}
}

func TestPendingPromptIsAnswered(t *testing.T) {
	pending := ipc.Prompt{ID: "p9", Kind: "form", Fields: []ipc.Field{password("password")}}
	state := ipc.State{State: "authenticating", Attempt: "c7", Target: "vpn.example.com", Prompt: &pending}
	b := &backend{st: state, owner: alice.ID(), steps: []step{connected}}
	if r := play(t, t.Context(), b, &person{replies: []string{"pw"}}, "", "connect"); r.exit != 0 || len(b.requests) > 0 {
		t.Errorf("%+v, requests %v", r, b.requests)
	}
	b = &backend{st: state, owner: alice.ID()}
	if r := play(t, t.Context(), b, nil, "", "connect"); r.exit != 10 || b.ended > 0 || b.st.Prompt == nil {
		t.Errorf("nobody there: %+v, ended %d: the question must stay open", r, b.ended)
	}
}

func TestInterrupted(t *testing.T) {
	t.Run("while a person is asked", func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		who := &person{asked: make(chan struct{}, 1)}
		b := &backend{steps: []step{form(password("password"))}}
		go func() {
			<-who.asked
			interrupt()
		}()
		r := play(t, ctx, b, who, "", "connect", "vpn.example.com")
		if r.exit != 130 || b.ended != 1 || !strings.Contains(r.err, "error: interrupted (USE-005)") {
			t.Errorf("%+v, ended %d times", r, b.ended)
		}
	})
	t.Run("while the gateway is silent", func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		b := &backend{}
		dial := serve(t, b)
		go func() {
			_, _ = await(t.Context(), dial(""), endTime, func(s ipc.State) bool { return s.State == "connecting" })
			interrupt()
		}()
		if r := playWith(ctx, dial, Deps{}, nil, "", "connect", "vpn.example.com"); r.exit != 130 || b.ended != 1 {
			t.Errorf("%+v, ended %d times", r, b.ended)
		}
	})
}

func TestWithdrawnQuestion(t *testing.T) {
	who := &person{asked: make(chan struct{}, 1)}
	b := &backend{steps: []step{form(password("password")), connected}}
	dial := serve(t, b)
	go func() { // another client of the same user answers
		<-who.asked
		_ = b.Answer(context.Background(), alice, "p1", ipc.Answer{})
	}()
	if r := playWith(t.Context(), dial, Deps{}, who, "", "connect", "vpn.example.com"); r.exit != 0 {
		t.Errorf("%+v", r)
	}
}

func TestNoSecretIsShown(t *testing.T) {
	const canary = "c4nary-S3cret"
	for _, tc := range []struct {
		name, args, stdin string
		who               *person
		steps             []step
	}{
		{"accepted", "--password-stdin", canary + "\n", nil, []step{form(password("password")), connected}},
		{"refused", "--password-stdin --json", canary + "\n", nil, []step{form(password("password")), again(password("password"))}},
		{"answers", "--answers-stdin --json", "password=" + canary + "\nsecondary_password=" + canary + "\n", nil,
			[]step{form(password("password"), password("secondary_password")), failure(fault.AuthRefused, "no")}},
		{"a line without =", "--answers-stdin", canary + "\n", nil, nil},
		{"answered twice", "--answers-stdin", "password=" + canary + "\npassword=" + canary + "\n", nil, nil},
		{"too long", "--password-stdin --json", strings.Repeat(canary, 1000), nil, nil},
		{"typed", "", "", &person{replies: []string{canary, canary, canary}}, []step{form(password("password")), again(password("password"), password("answer")), connected}},
		{"not a choice", "--answers-stdin", "group_list=" + canary + "\n", nil, []step{form(groups("staff"))}},
		{"as an answer", "--answer password=" + canary, "", nil, nil},
		{"in the target", "https://alice:" + canary + "@vpn.example.com", "", nil, nil},
		{"as a shorthand", "-p" + canary, "", nil, nil},
		{"as a flag", "--password=" + canary, "", nil, nil},
		{"as a wrong value", "--timeout=" + canary, "", nil, nil},
		{"as a wrong switch", "--no-input=" + canary, "", nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := play(t, t.Context(), &backend{steps: tc.steps}, tc.who, tc.stdin, append([]string{"connect"}, strings.Fields(tc.args)...)...)
			if strings.Contains(r.out+r.err, canary) || strings.Contains(r.out+r.err, canary[:6]) {
				t.Errorf("the secret is shown:\n%s\n%s", r.out, r.err)
			}
		})
	}
}

func TestJSONError(t *testing.T) {
	r := play(t, t.Context(), &backend{}, nil, "", "--json", "stats")
	var body ipc.ErrorBody
	if err := json.Unmarshal([]byte(r.out), &body); err != nil {
		t.Fatalf("%v in %q", err, r.out)
	}
	if e := body.Error; r.exit != 9 || e.Exit != 9 || e.Code != "USE-003" || e.Message == "" || e.Hint == "" {
		t.Errorf("exit %d, %+v", r.exit, e)
	}
	if !strings.HasPrefix(r.err, "error: there is no session (USE-003)\nhint: ") {
		t.Errorf("stderr %q", r.err)
	}
}
