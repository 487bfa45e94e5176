package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/profile"
)

// policyFor is what an agent says that has the profile of testdata and these preferences.
func policyFor(t *testing.T, set map[string]string) ipc.Policy {
	t.Helper()
	p, _, err := readProfile("testdata/profile.xml")
	if err != nil {
		t.Fatal(err)
	}
	prefs, _, err := profile.ParsePreferences(nil, profile.OriginUser)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range set {
		e, _ := profile.Lookup(name)
		if err := prefs.Set(e, value); err != nil {
			t.Fatal(err)
		}
	}
	out := ipc.Policy{Target: "Head office", Profile: "profile.xml"}
	for _, r := range profile.Effective(nil, p, nil, prefs).Rows() {
		out.Settings = append(out.Settings, ipc.Setting{Name: r.Name, Value: r.Value, Origin: r.Origin, Locked: r.Locked, Why: r.Why, User: r.User, Status: r.Status.String()})
	}
	return out
}

// fits fails when a line is wider than a terminal of 80 columns.
func fits(t *testing.T, text string) {
	t.Helper()
	for l := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(l, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, l)
		}
	}
}

func TestPreferences(t *testing.T) {
	b := &backend{policy: policyFor(t, map[string]string{"ProxySettings": "IgnoreProxy"})}
	r := play(t, t.Context(), b, nil, "", "preferences")
	golden(t, "preferences", []byte(r.out))
	fits(t, r.out)
	if r := play(t, t.Context(), b, nil, "", "preferences", "set", "locallanaccess", "false"); r.exit != 0 || !strings.Contains(r.out, "LocalLanAccess is") {
		t.Errorf("set: %+v", r)
	}
	r = play(t, t.Context(), b, nil, "", "preferences", "reset", "ClearSmartcardPin")
	if want := "ClearSmartcardPin is false (default) from the next connect on.\nThis version does not act on it: see docs/compatibility.md.\n"; r.exit != 0 || r.out != want {
		t.Errorf("reset: %+v", r)
	}
	r = play(t, t.Context(), b, nil, "", "preferences", "--json")
	var rows map[string]policyRow
	if err := json.Unmarshal([]byte(r.out), &rows); err != nil || rows["ProxySettings"].Origin != "preferences" || !rows["AutoReconnect"].Locked || rows["AlwaysOn"].Value != "" {
		t.Errorf("--json: %v, %+v", err, r)
	}
	r = play(t, t.Context(), b, nil, "", "preferences", "--all")
	if r.exit != 0 || !strings.Contains(r.out, "\nAlwaysOn ") || !strings.Contains(r.out, "FROM profile.xml") {
		t.Errorf("--all: %+v", r)
	}
	fits(t, r.out)
	const cisco = "../../profile/testdata/preferences/cisco.xml"
	d := Deps{PreferenceFiles: []string{filepath.Join(t.TempDir(), "gone"), cisco}}
	want := "From " + cisco + ":\n  LocalLanAccess         false                chosen\n  AutoReconnect          false                chosen\n  AutoReconnectBehavior  DisconnectOnSuspend  chosen\n"
	if r := playWith(t.Context(), serve(t, b), d, nil, "", "preferences", "import"); r.exit != 0 || r.out != want {
		t.Errorf("import: %+v", r)
	}
	if r := playWith(t.Context(), serve(t, b), Deps{}, nil, "", "preferences", "import"); r.exit != 2 {
		t.Errorf("nothing to import: %+v", r)
	}
	b.refuse = fault.Newf(fault.PolLocked, nil, "AutoReconnect: corp.xml does not leave it to the user")
	if r := play(t, t.Context(), b, nil, "", "preferences", "set", "AutoReconnect", "false"); r.exit != 7 || !strings.Contains(r.err, "POL-012") {
		t.Errorf("locked: %+v", r)
	}
	if r := playWith(t.Context(), serve(t, b), d, nil, "", "preferences", "import"); r.exit != 0 || strings.Count(r.out, " locked\n") != 3 {
		t.Errorf("import of what is locked: %+v", r)
	}
	for _, args := range [][]string{{"preferences", "set", "x"}, {"preferences", "reset"}, {"preferences", "sett"}} {
		if r := play(t, t.Context(), &backend{}, nil, "", args...); r.exit != 2 {
			t.Errorf("%v: %+v", args, r)
		}
	}
}

// TestShowInForce: with an agent the user's own choices count, without one the documents alone; a profile can be named by file, by its own name and by a host.
func TestShowInForce(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("testdata/profile.xml")
	if err != nil {
		t.Fatal(err)
	}
	other := []byte("<AnyConnectProfile><ServerList><HostEntry><HostName>Other</HostName><HostAddress>o.example</HostAddress></HostEntry></ServerList></AnyConnectProfile>")
	for name, content := range map[string][]byte{"profile.xml": data, "zz.xml": other} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d := Deps{ProfileDirs: []string{dir}}
	origin := func(r result, name string) string {
		t.Helper()
		var rows map[string]policyRow
		if err := json.Unmarshal([]byte(r.out), &rows); err != nil || r.exit != 0 {
			t.Fatalf("%v: %+v", err, r)
		}
		return rows[name].Origin
	}
	b := &backend{policy: policyFor(t, map[string]string{"ProxySettings": "IgnoreProxy"})}
	r := playWith(t.Context(), serve(t, b), d, nil, "", "profile", "show", "--json")
	if origin(r, "ProxySettings") != "preferences" || origin(r, "AutoReconnect") != "profile.xml" || origin(r, "ClientInitialization/BypassDownloader") == "" {
		t.Errorf("with an agent: %+v", r)
	}
	if want := "note: there is also zz.xml: holdfast profile show zz.xml\n"; r.err != want {
		t.Errorf("notes %q, want %q", r.err, want)
	}
	nobody := func(string) *ipc.Client { return ipc.NewClient(filepath.Join(dir, "none.sock")) }
	if r := playWith(t.Context(), nobody, d, nil, "", "profile", "show", "--json"); origin(r, "ProxySettings") != "default" || origin(r, "AutoReconnect") != "profile.xml" {
		t.Errorf("without an agent: %+v", r)
	}
	for _, what := range []string{"zz.xml", "other", filepath.Join(dir, "zz.xml")} {
		if r := playWith(t.Context(), nobody, d, nil, "", "profile", "show", what); r.exit != 0 || !strings.Contains(r.out, "o.example") {
			t.Errorf("%s: %+v", what, r)
		}
	}
	b.refuse = fault.New(fault.ProfPolicy, nil)
	if r := playWith(t.Context(), serve(t, b), d, nil, "", "profile", "show"); r.exit != 7 || !strings.Contains(r.err, "PROF-005") {
		t.Errorf("a broken policy: %+v", r)
	}
	if r := playWith(t.Context(), nobody, d, nil, "", "profile", "show", "nothing.xml"); r.exit != 2 {
		t.Errorf("no such thing: %+v", r)
	}
}

func TestProfileOfEveryElementFits(t *testing.T) {
	r := playWith(t.Context(), nil, Deps{}, nil, "", "profile", "show", "../../profile/testdata/every-element.xml")
	table, _, _ := strings.Cut(r.out, "\nIn lists")
	if r.exit != 0 || !strings.Contains(table, "FROM every-element.xml") {
		t.Errorf("%+v", r)
	}
	fits(t, table)
}

func TestCheckOfALocalPolicy(t *testing.T) {
	if r := playWith(t.Context(), nil, Deps{}, nil, "", "profile", "check", "../../profile/testdata/policy/every-element.xml"); r.exit != 0 || !strings.Contains(r.out, "is a local policy and can be used") {
		t.Errorf("%+v", r)
	}
	file := filepath.Join(t.TempDir(), "p.xml")
	if err := os.WriteFile(file, []byte("<AnyConnectLocalPolicy>\n<FipsMode>x</FipsMode></AnyConnectLocalPolicy>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := playWith(t.Context(), nil, Deps{}, nil, "", "profile", "check", file); r.exit != 7 || !strings.Contains(r.err, "line 2: FipsMode") || !strings.Contains(r.err, "PROF-005") {
		t.Errorf("%+v", r)
	}
}

func TestImportAndExport(t *testing.T) {
	own, cisco, older := t.TempDir(), t.TempDir(), t.TempDir()
	for _, dir := range []string{own, cisco, older} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile("testdata/profile.xml")
	if err != nil {
		t.Fatal(err)
	}
	odd := append([]byte("\xef\xbb\xbf\r\n"), bytes.Replace(data, []byte("<ServerList>"), []byte("<!-- odd -->\r\n<ServerList>"), 1)...)
	for path, content := range map[string][]byte{
		filepath.Join(own, "same.xml"): data, filepath.Join(cisco, "same.xml"): data,
		filepath.Join(own, "other.xml"): data, filepath.Join(cisco, "other.xml"): odd,
		filepath.Join(cisco, "new.XML"): odd, filepath.Join(cisco, "broken.xml"): []byte("<AnyConnectProfile>\n<x>"),
		filepath.Join(cisco, "AnyConnectProfile.xsd"): []byte("<schema/>"), filepath.Join(older, "new.XML"): data,
	} {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d := Deps{ProfileDirs: []string{own, cisco, older, filepath.Join(own, "gone")}, PolicyFiles: []string{filepath.Join(own, "gone.xml")}}
	r := playWith(t.Context(), nil, d, nil, "", "profile", "import", "--dry-run")
	golden(t, "profile-import", []byte(strings.ReplaceAll(r.out, own, "/etc/holdfast/profile")))
	if r.exit != 0 {
		t.Errorf("%+v", r)
	}
	if r := playWith(t.Context(), nil, d, nil, "", "profile", "import", "--dry-run", "--replace", filepath.Join(cisco, "other.xml")); !strings.Contains(r.out, "replaced") {
		t.Errorf("%+v", r)
	}

	b := &backend{root: true}
	r = playWith(t.Context(), serve(t, b), d, nil, "", "profile", "import", filepath.Join(cisco, "new.XML"), filepath.Join(cisco, "broken.xml"), filepath.Join(cisco, "same.xml"))
	if r.exit != 1 || !strings.Contains(r.err, "PROF-001") || len(b.imported) != 2 || b.imported[0].Name != "new.XML" || !bytes.Equal(b.imported[0].Content, odd) {
		t.Errorf("%+v, %d imported", r, len(b.imported))
	}
	if r := playWith(t.Context(), serve(t, &backend{}), d, nil, "", "profile", "import", filepath.Join(cisco, "new.XML")); r.exit != 7 || !strings.Contains(r.err, "POL-003") {
		t.Errorf("no root: %+v", r)
	}
	if r := playWith(t.Context(), nil, Deps{ProfileDirs: []string{own, filepath.Join(own, "gone")}}, nil, "", "profile", "import"); r.exit != 0 || !strings.HasPrefix(r.out, "Nothing to import") {
		t.Errorf("nothing: %+v", r)
	}
	if r := playWith(t.Context(), nil, d, nil, "", "profile", "import", filepath.Join(own, "gone.xml")); r.exit != 2 {
		t.Errorf("no such file: %+v", r)
	}

	if r := playWith(t.Context(), nil, d, nil, "", "profile", "export", "new.XML"); r.exit != 0 || r.out != string(odd) {
		t.Errorf("export: %+v", r)
	}
	out := filepath.Join(t.TempDir(), "out.xml")
	for _, exit := range []int{0, 2} { // a second time the file is there
		if r := playWith(t.Context(), nil, d, nil, "", "profile", "export", "new.XML", "-o", out); r.exit != exit {
			t.Errorf("-o: %+v", r)
		}
	}
	if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, odd) {
		t.Errorf("written: %q, %v", got, err)
	}
	for _, args := range [][]string{{"profile", "export"}, {"profile", "export", "nobody.xml"}} {
		if r := playWith(t.Context(), nil, d, nil, "", args...); r.exit != 2 || !strings.Contains(r.err, "same.xml") {
			t.Errorf("%v: %+v", args, r)
		}
	}
}
