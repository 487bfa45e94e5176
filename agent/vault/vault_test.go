package vault

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
	"github.com/holdfast-vpn/holdfast/protocol/strap"
)

const (
	canary    = "token-canary-1f3a"
	canaryKey = "key-canary-77c0"
)

// whole is a session with something in every field, and a client certificate for one of its two servers.
func whole(t testing.TB) Session {
	t.Helper()
	client, err := gateway.SelfSigned("alice")
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(client.Certificate.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	target := protocol.Target{
		Name: "Office", Host: "vpn.example.com", Port: 443, Group: "staff", Path: "/staff", User: "alice", Hostname: "laptop", Families: protocol.IPv4First,
		Trust:    protocol.Trust{CAPEM: []byte("PEM"), Pins: [][32]byte{{1, 2}}, Require: [][64]byte{{3}}},
		Fixed:    []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")},
		Identity: &protocol.Identity{Chain: client.Certificate.Certificate, Leaf: leaf},
	}
	backup := target
	backup.Host, backup.Identity = "backup.example.com", nil
	s := Session{
		Owner: "1000", Attempt: "c7", Connect: 7, Prompts: 3, Name: "Office", Profile: "office.xml", Servers: []protocol.Target{target, backup},
		Policy: machine.Policy{AutoReconnect: true, DisconnectOnSuspend: true, Backups: 1, IgnorePortals: true, LockUp: true}, Budget: time.Minute, LocalLAN: true, KeepsUser: true, Keeps: true,
		Ref: protocol.SessionRef{
			Target: target, Token: redact.NewString(canary), Gateway: netip.MustParseAddrPort("192.0.2.1:443"), LeafKey: [32]byte{9}, MTU: 1390,
			Prior: []netip.Prefix{netip.MustParsePrefix("10.0.0.5/24")}, Key: strap.Key{Secret: redact.NewString(canaryKey)},
		},
		Settings: protocol.Settings{
			Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.5/24"), netip.MustParsePrefix("2001:db8:11::5/64")}, MTU: 1400, DNS: []netip.Addr{netip.MustParseAddr("10.0.0.1")},
			NBNS: []netip.Addr{netip.MustParseAddr("10.0.0.2")}, Search: []string{"corp.example"}, SplitDNS: []string{"lab.example"}, TunnelAllDNS: true,
			SplitInclude: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, SplitExclude: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, TunnelAll: true,
			DynamicInclude: []string{"a.example"}, DynamicExclude: []string{"b.example"}, BypassProtocol: true, LocalLAN: true, Banner: "Welcome\n", DPD: 30 * time.Second,
			Keepalive: 20 * time.Second, IdleTimeout: time.Hour, DisconnectedTimeout: 10 * time.Minute, SessionTimeout: 8 * time.Hour, TimeoutAlert: time.Minute,
			RekeyTime: time.Hour, RekeyMethod: "ssl", DynDNS: true, Gateway: netip.MustParseAddrPort("192.0.2.1:443"), Local: netip.MustParseAddr("198.51.100.7"), Server: "ASA",
			Cipher: "TLS_AES_128_GCM_SHA256", Group: "staff", User: "alice", Raw: []protocol.Header{{Name: "X-CSTP-MTU", Value: "1400"}},
		},
		Path:     machine.Path{IfIndex: 2, Name: "eth0", Local: netip.MustParseAddr("198.51.100.7"), NextHop: netip.MustParseAddr("198.51.100.1")},
		Kept:     machine.Kept{Login: time.Hour, Expires: 9 * time.Hour, Tunnels: 2, Sessions: 1, Relogin: true, Last: machine.Reconnect{Level: machine.LevelSession, Code: 9, Detected: 1, Outage: 2, At: 3}},
		Counters: ipc.Counters{TxBytes: 1, RxBytes: 2, TxPackets: 3, RxPackets: 4, Drops: 5}, Saved: machine.Instant{Mono: time.Hour, Boot: 2 * time.Hour}, Adoptions: 1,
		Timeline: []ipc.Entry{{Seq: 12, At: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Phase: "connected", Event: "rebound", Reason: "back", Effects: []string{"start-pump"}, TookMS: 1.5}},
		Seq:      12,
	}
	return s
}

// same compares two sessions, the token and the key by their bytes.
func same(a, b Session) bool {
	if !a.Ref.Token.Equal(b.Ref.Token) || !a.Ref.Key.Equal(b.Ref.Key.Secret) {
		return false
	}
	a.Ref.Token, b.Ref.Token, a.Ref.Key, b.Ref.Key = redact.Secret{}, redact.Secret{}, strap.Key{}, strap.Key{}
	return reflect.DeepEqual(a, b)
}

// fill gives everything that whole has left out some value: what is added to a session one day is kept, too, or the round trip fails.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if p := v.Type().PkgPath(); p == "net/netip" || p == "time" || p == "crypto/x509" || v.Type() == reflect.TypeFor[redact.Secret]() {
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		if v.Len() == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		}
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		if v.Len() == 0 {
			v.SetString("x")
		}
	default:
		switch {
		case v.CanInt() && v.IsZero():
			v.SetInt(1)
		case v.CanUint() && v.IsZero():
			v.SetUint(1)
		}
	}
}

func newVault(t *testing.T) (*Vault, string, string) {
	t.Helper()
	state, run := t.TempDir(), t.TempDir()
	return New(state, run), filepath.Join(state, sealedName), filepath.Join(run, keyName)
}

// TestRoundTrip: everything comes back, on each system that keeps sessions.
func TestRoundTrip(t *testing.T) {
	s := whole(t)
	fill(reflect.ValueOf(&s).Elem())
	plain, err := marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	back, err := unmarshal(plain)
	if err != nil || !same(s, back) {
		t.Errorf("%v\nkept %+v\nback %+v", err, s, back)
	}
	bare := s
	bare.Servers, bare.Ref.Target.Identity = bare.Servers[1:], nil
	if plain, err = marshal(bare); err != nil {
		t.Fatal(err)
	}
	if back, err := unmarshal(plain); err != nil || !same(bare, back) {
		t.Errorf("without certificates: %v", err)
	}
}

// TestVault: what is saved is loaded, replaced, and gone after Discard.
func TestVault(t *testing.T) {
	v, sealed, key := newVault(t)
	if _, err := v.Load(); !errors.Is(err, ErrNone) {
		t.Errorf("an empty vault: %v", err)
	}
	s := whole(t)
	var files [][]byte
	for range 2 {
		if err := v.Save(s); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(sealed)
		if err != nil || bytes.Contains(b, []byte(canary)) || bytes.Contains(b, []byte(canaryKey)) || bytes.Contains(b, []byte("alice")) {
			t.Fatalf("the file shows something, %v", err)
		}
		files = append(files, b)
	}
	if bytes.Equal(files[0][:len(header)+12], files[1][:len(header)+12]) {
		t.Error("two files have one nonce")
	}
	for _, path := range []string{sealed, key} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if got, err := New(v.state, v.runtime).Load(); err != nil || !same(s, got) {
		t.Errorf("another process: %v", err)
	}
	for _, want := range []bool{true, false} {
		if had, err := v.Discard(); err != nil || had != want {
			t.Errorf("Discard: %t, %v", had, err)
		}
	}
	for _, dir := range []string{v.state, v.runtime} {
		if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
			t.Errorf("left: %v, %v", left, err)
		}
	}
	if _, err := v.Load(); !errors.Is(err, ErrNone) {
		t.Errorf("after Discard: %v", err)
	}
	if had, err := New(filepath.Join(v.state, "never"), v.runtime).Discard(); had || err != nil {
		t.Errorf("no directory: %t, %v", had, err)
	}
}

// TestRefuses: what is not ours alone, or not whole, is no session; and Discard removes it.
func TestRefuses(t *testing.T) {
	change := func(path string, f func([]byte) []byte) error {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, f(b), 0o600)
	}
	for name, spoil := range map[string]func(v *Vault, sealed, key string) error{
		"cut off": func(_ *Vault, sealed, _ string) error {
			return change(sealed, func(b []byte) []byte { return b[:len(b)-1] })
		},
		"empty": func(_ *Vault, sealed, _ string) error { return change(sealed, func([]byte) []byte { return nil }) },
		"one bit changed": func(_ *Vault, sealed, _ string) error {
			return change(sealed, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		},
		"another version": func(_ *Vault, sealed, _ string) error {
			return change(sealed, func(b []byte) []byte { b[len(header)-2] = '2'; return b })
		},
		"too long":             func(_ *Vault, sealed, _ string) error { return os.Truncate(sealed, maxFile+1) },
		"another key":          func(_ *Vault, _, key string) error { return change(key, func([]byte) []byte { return newKey() }) },
		"a short key":          func(_ *Vault, _, key string) error { return change(key, func(b []byte) []byte { return b[1:] }) },
		"no key: another boot": func(_ *Vault, _, key string) error { return os.Remove(key) },
		"the key came along, the boot id did not": func(v *Vault, sealed, key string) error {
			k, err := os.ReadFile(key)
			if err != nil {
				return err
			}
			b, err := seal(k, "3e6c0f5e-another-boot", whole(t))
			return errors.Join(err, os.WriteFile(sealed, b, 0o600))
		},
		"a link": func(_ *Vault, sealed, _ string) error {
			return errors.Join(os.Rename(sealed, sealed+"2"), os.Symlink(sealed+"2", sealed))
		},
		"a key that is a link": func(_ *Vault, _, key string) error {
			return errors.Join(os.Rename(key, key+"2"), os.Symlink(key+"2", key))
		},
		"a second name":      func(_ *Vault, sealed, _ string) error { return os.Link(sealed, sealed+"2") },
		"others may read it": func(_ *Vault, sealed, _ string) error { return os.Chmod(sealed, 0o640) },
		"a directory":        func(_ *Vault, sealed, _ string) error { return errors.Join(os.Remove(sealed), os.Mkdir(sealed, 0o700)) },
	} {
		t.Run(name, func(t *testing.T) {
			v, sealed, key := newVault(t)
			err := v.Save(whole(t))
			if err == nil {
				err = spoil(v, sealed, key)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := v.Load(); !errors.Is(err, ErrBroken) || strings.Contains(err.Error(), canary) {
				t.Errorf("Load: %v", err)
			}
			if had, err := v.Discard(); err != nil || !had {
				t.Errorf("Discard: %t, %v", had, err)
			}
			if _, err := v.Load(); !errors.Is(err, ErrNone) {
				t.Errorf("after Discard: %v", err)
			}
		})
	}
}

// TestSaveLeavesNoHalf: a name in the way, of a process that died or of somebody who prepared it, is not written through.
func TestSaveLeavesNoHalf(t *testing.T) {
	v, sealed, _ := newVault(t)
	precious := filepath.Join(t.TempDir(), "precious")
	if err := errors.Join(os.WriteFile(precious, []byte("precious"), 0o600), os.Symlink(precious, sealed+newSuffix)); err != nil {
		t.Fatal(err)
	}
	s := whole(t)
	if err := v.Save(s); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(precious); err != nil || string(b) != "precious" {
		t.Errorf("written through a link: %q, %v", b, err)
	}
	s.Settings.Banner = strings.Repeat("x", maxFile)
	if err := v.Save(s); err == nil {
		t.Error("a session without end was saved")
	}
	if got, err := v.Load(); err != nil || got.Settings.Banner != "Welcome\n" {
		t.Errorf("the one before is gone: %v", err)
	}
}

// TestUnmarshalRefuses what no version of ours wrote.
func TestUnmarshalRefuses(t *testing.T) {
	good, err := marshal(whole(t))
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(good, &fields); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(map[string]json.RawMessage){
		"another version":        func(m map[string]json.RawMessage) { m["version"] = json.RawMessage("2") },
		"no token":               func(m map[string]json.RawMessage) { delete(m, "token") },
		"no session":             func(m map[string]json.RawMessage) { delete(m, "session") },
		"a field of the future":  func(m map[string]json.RawMessage) { m["more"] = json.RawMessage("1") },
		"chains that do not fit": func(m map[string]json.RawMessage) { m["chains"] = json.RawMessage("[[]]") },
		"a chain of nothing":     func(m map[string]json.RawMessage) { m["chains"] = json.RawMessage(`[["AAAA"],[],[]]`) },
	} {
		m := map[string]json.RawMessage{}
		for k, v := range fields {
			m[k] = v
		}
		change(m)
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := unmarshal(b); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNoOtherSecret: of everything that is kept, only the token and the key beside it are secrets; another one would be written as a mask.
func TestNoOtherSecret(t *testing.T) {
	var found []string
	seen := map[reflect.Type]bool{}
	var walk func(path string, v reflect.Type)
	walk = func(path string, v reflect.Type) {
		switch {
		case v == reflect.TypeFor[redact.Secret]():
			found = append(found, path)
			return
		case seen[v], v == reflect.TypeFor[x509.Certificate]():
			return
		}
		seen[v] = true
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				walk(path+"."+v.Field(i).Name, v.Field(i).Type)
			}
		case reflect.Slice, reflect.Array, reflect.Pointer, reflect.Map:
			walk(path, v.Elem())
		}
	}
	walk("Session", reflect.TypeFor[Session]())
	if fmt.Sprint(found) != "[Session.Ref.Token Session.Ref.Key.Secret]" {
		t.Errorf("secrets: %v", found)
	}
}

// FuzzOpen: whatever is found, it is refused or read, and what is read is written again as it was.
func FuzzOpen(f *testing.F) {
	key := bytes.Repeat([]byte{7}, keyLen)
	s := whole(f)
	sealed, err := seal(key, "boot", s)
	if err != nil {
		f.Fatal(err)
	}
	plain, err := marshal(s)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add(plain)
	f.Add([]byte(nil))
	f.Add(header)
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := open(key, "boot", b); err == nil && s.Ref.Token.Empty() {
			t.Error("a file was opened that holds no session")
		}
		s, err := unmarshal(b)
		if err != nil {
			return
		}
		again, err := marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := unmarshal(again); err != nil || !back.Ref.Token.Equal(s.Ref.Token) {
			t.Errorf("read, and not read again: %v", err)
		}
	})
}
