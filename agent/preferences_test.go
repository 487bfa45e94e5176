package agent

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
	"github.com/holdfast-vpn/holdfast/profile"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// setting is one of the values that an agent has in force for somebody.
func (r *running) setting(p localsock.Peer, name string) ipc.Setting {
	r.t.Helper()
	list, err := r.Preferences(r.t.Context(), p)
	if err != nil {
		r.t.Fatal(err)
	}
	i := slices.IndexFunc(list.Settings, func(s ipc.Setting) bool { return s.Name == name })
	if i < 0 {
		r.t.Fatalf("there is no %s", name)
	}
	return list.Settings[i]
}

func set(pairs ...string) ipc.Preference {
	r := ipc.Preference{Set: map[string]string{}}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		r.Set[name] = value
	}
	return r
}

// TestPreferencesAreInForce: what a user chose, and what root chose for all, changes what the next connect does, where the profile leaves it to them.
func TestPreferencesAreInForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := storeOf(t, `<AutoReconnect UserControllable="true">true</AutoReconnect>`, "")
		w := newWire()
		w.set.LocalLAN = true
		r := start(t, &scripted{open: func(context.Context, protocol.Target, protocol.Prompter) (protocol.Tunnel, error) { return w, nil }})
		r.cfg.Profiles = func() *profile.Store { return store }
		lan := func(p localsock.Peer) bool {
			r.connect(p, "Head Office")
			r.want("connected")
			on := r.m.Routes().LocalLAN
			if err := r.Disconnect(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			r.want("disconnected")
			w = newWire()
			w.set.LocalLAN = true
			return on
		}
		if lan(alice) {
			t.Error("on by default")
		}
		for _, step := range []struct {
			who         localsock.Peer
			what        ipc.Preference
			code        fault.Code
			alice, bobs bool
			origin      string // of alice's
		}{
			{alice, set("locallanaccess=true"), "", true, false, profile.OriginUser},
			{alice, ipc.Preference{Set: map[string]string{"LocalLanAccess": "perhaps"}}, fault.UseBad, true, false, profile.OriginUser},
			{alice, set("LocalLanAccess=false", "AlwaysOn=true"), fault.PolLocked, true, false, profile.OriginUser},
			{alice, set("AutoUpdate=false"), fault.PolLocked, true, false, profile.OriginUser},
			{alice, set("NoSuchThing=1"), fault.UseBad, true, false, profile.OriginUser},
			{root, ipc.Preference{Set: map[string]string{"LocalLanAccess": "true"}, Global: true}, "", true, true, profile.OriginUser},
			{alice, set("LocalLanAccess=false"), "", false, true, profile.OriginUser},
			{alice, ipc.Preference{Reset: []string{"LocalLanAccess"}}, "", true, true, profile.OriginGlobal},
		} {
			err := r.Prefer(t.Context(), step.who, step.what)
			if got := fault.As(err); (err != nil) != (step.code != "") || err != nil && got.Code != step.code {
				t.Errorf("%+v: %v, want %s", step.what, err, step.code)
			}
			if a, b := lan(alice), lan(bob); a != step.alice || b != step.bobs {
				t.Errorf("%+v: alice %t, bob %t", step.what, a, b)
			}
			if s := r.setting(alice, "LocalLanAccess"); s.Origin != step.origin || s.Locked || !s.User {
				t.Errorf("%+v: %+v", step.what, s)
			}
		}
		if s := r.setting(alice, "AlwaysOn"); !s.Locked || s.User || s.Why == "" {
			t.Errorf("%+v", s)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		for name, mode := range map[string]os.FileMode{"": 0o700, "user-1000.xml": 0o600, "global.xml": 0o600} {
			if fi, err := os.Stat(filepath.Join(r.dir, "preferences", name)); err != nil || fi.Mode().Perm() != mode {
				t.Errorf("%s: %v, %v", name, fi, err)
			}
		}
	})
}

// TestPreferencesOfABrokenFile: it has chosen nothing, and the next choice begins anew.
func TestPreferencesOfABrokenFile(t *testing.T) {
	for name, text := range map[string]string{"no XML": "{", "another document": "<a/>", "endless": strings.Repeat(" ", maxPreferences+1)} {
		p := preferences{dir: t.TempDir(), log: slog.New(slog.DiscardHandler)}
		if err := os.WriteFile(filepath.Join(p.dir, "user-7.xml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		e, _ := profile.Lookup("LocalLanAccess")
		value := func() string {
			r, _ := profile.Effective(nil, nil, p.load("7")...).Find("LocalLanAccess")
			return r.Value + " " + r.Origin
		}
		if got := value(); got != "true default" {
			t.Errorf("%s: %s", name, got)
		}
		if err := p.change("7", false, func(c *profile.Preferences) error { return c.Set(e, "false") }); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := value(); got != "false preferences" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if a, b := fileOf("../../etc/passwd"), fileOf(""); strings.ContainsAny(a+b, "/.") {
		t.Errorf("%s, %s", a, b)
	}
}

func TestImport(t *testing.T) {
	const lax, broken = "<AnyConnectLocalPolicy/>", "<AnyConnectProfile>"
	dir := filepath.Join(t.TempDir(), "deep", "profile")
	a := &Agent{cfg: Config{ProfileDir: dir, Log: slog.New(slog.DiscardHandler)}}
	odd := "\xef\xbb\xbf\r\n<!-- kept -->" + testProfile + "\r\n\r\n"
	for _, step := range []struct {
		who    localsock.Peer
		req    ipc.ImportRequest
		result string
		code   fault.Code
	}{
		{alice, ipc.ImportRequest{Name: "corp.xml", Content: []byte(odd)}, "", fault.PolRoot},
		{root, ipc.ImportRequest{Name: "corp.xml", Content: []byte(odd)}, "imported", ""},
		{root, ipc.ImportRequest{Name: "corp.xml", Content: []byte(odd)}, "unchanged", ""},
		{root, ipc.ImportRequest{Name: "corp.xml", Content: []byte(testProfile)}, "", fault.ProfThere},
		{root, ipc.ImportRequest{Name: "corp.xml", Content: []byte(broken), Replace: true}, "", fault.ProfInvalid},
		{root, ipc.ImportRequest{Name: profile.PolicyFile, Content: []byte(lax)}, "imported", ""},
		{root, ipc.ImportRequest{Name: profile.PolicyFile, Content: []byte(testProfile), Replace: true}, "", fault.ProfPolicy},
		{root, ipc.ImportRequest{Name: "../corp.xml", Content: []byte(odd)}, "", fault.UseBad},
		{root, ipc.ImportRequest{Name: "/etc/passwd", Content: []byte(odd)}, "", fault.UseBad},
		{root, ipc.ImportRequest{Name: `a\b.xml`, Content: []byte(odd)}, "", fault.UseBad},
		{root, ipc.ImportRequest{Name: ".hidden.xml", Content: []byte(odd)}, "", fault.UseBad},
		{root, ipc.ImportRequest{Name: "corp.xml\n", Content: []byte(odd)}, "", fault.UseBad},
		{root, ipc.ImportRequest{Name: "corp", Content: []byte(odd)}, "", fault.UseBad},
	} {
		done, err := a.Import(t.Context(), step.who, step.req)
		if done.Result != step.result || (err != nil) != (step.code != "") || err != nil && fault.As(err).Code != step.code {
			t.Errorf("%q: %+v, %v; want %s%s", step.req.Name, done, err, step.result, step.code)
		}
	}
	if done, err := a.Import(t.Context(), root, ipc.ImportRequest{Name: "corp.xml", Content: []byte(testProfile), Replace: true}); err != nil || done.Result != "replaced" || done.Hosts != 2 {
		t.Errorf("%+v, %v", done, err)
	}
	if done, err := a.Import(t.Context(), root, ipc.ImportRequest{Name: "odd.xml", Content: []byte(odd)}); err != nil || done.Hosts != 2 {
		t.Errorf("%+v, %v", done, err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "odd.xml")); err != nil || string(got) != odd {
		t.Errorf("not byte for byte: %q, %v", got, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 3 {
		t.Errorf("left behind: %v", left)
	}
	store, warnings := profile.Load(dir) // also: the modes are those that Load trusts
	if p, err := store.Policy(); len(store.Profiles) != 2 || p == nil || err != nil {
		t.Errorf("%d profiles, %v, %v, %v", len(store.Profiles), p, err, warnings)
	}
}

// TestManualHostsAreTold: one profile that allows its own hosts only is enough, whichever host is chosen; a client knows before it asks.
func TestManualHostsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		write := func(name, settings string) {
			t.Helper()
			doc := "<AnyConnectProfile><ClientInitialization>" + settings + "</ClientInitialization><ServerList><HostEntry><HostName>" + name + "</HostName><HostAddress>" + name + ".example</HostAddress></HostEntry></ServerList></AnyConnectProfile>"
			if err := os.WriteFile(filepath.Join(dir, name+".xml"), []byte(doc), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r := start(t, &scripted{open: opens(newWire())})
		r.cfg.Profiles = func() *profile.Store { s, _ := profile.Load(dir); return s }
		told := func() bool {
			t.Helper()
			p, err := r.Preferences(t.Context(), alice)
			if err != nil || p.ManualHosts == nil {
				t.Fatalf("%+v, %v", p, err)
			}
			return *p.ManualHosts
		}
		write("a", "")
		if !told() {
			t.Error("without a profile that forbids it")
		}
		write("b", "<AllowManualHostInput>false</AllowManualHostInput>")
		if s := r.setting(alice, "AllowManualHostInput"); told() || s.Value != "true" {
			t.Errorf("the first host's profile says %s", s.Value)
		}
		if _, err := r.Connect(t.Context(), alice, ipc.ConnectRequest{Target: "elsewhere.example"}); fault.As(err).Code != fault.PolManual {
			t.Errorf("connecting elsewhere: %v", err)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}
