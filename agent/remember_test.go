package agent

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/holdfast-vpn/holdfast/platform/localsock"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// keep writes what the memory wants written, and reports whether it did.
func keep(t *testing.T, m *memory, l last) bool {
	t.Helper()
	write := m.keep(l)
	if write == nil {
		return false
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	return true
}

func TestMemory(t *testing.T) {
	dir := t.TempDir()
	m := recall(dir)
	alice := last{Owner: "1000", Host: "Head Office", Group: "staff", User: "alice"}
	if !keep(t, m, alice) || keep(t, m, alice) {
		t.Error("it is written when it is new, and only then")
	}
	keep(t, m, last{Owner: "1001", Host: "gw"})
	if got, ok := recall(dir).of("1000"); !ok || got != alice {
		t.Errorf("read back %+v, %v", got, ok)
	}
	fi, err := os.Stat(filepath.Join(dir, rememberFile))
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".new-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestMemoryOfHosts: each host has what it was given itself, and the one used last is the one that a bare connect takes.
func TestMemoryOfHosts(t *testing.T) {
	m := recall(t.TempDir())
	office, lab := last{Owner: "1000", Host: "Head Office", User: "alice", Chose: "Staff"}, last{Owner: "1000", Host: "Lab", User: "root"}
	for _, l := range []last{office, lab, {Owner: "1001", Host: "Lab", User: "bob"}} {
		keep(t, m, l)
	}
	if m.at("1000", "Head Office") != office || m.at("1000", "Lab") != lab || m.at("1001", "Head Office") != (last{}) {
		t.Errorf("%+v", m.list)
	}
	if got, _ := m.of("1000"); got != lab {
		t.Errorf("the last one is %+v", got)
	}
	keep(t, m, office)
	if got, _ := m.of("1000"); got != office || len(m.list) != 3 {
		t.Errorf("the last one is %+v of %d", got, len(m.list))
	}
	m.forget("1000")
	if m.at("1000", "Lab") != (last{}) || m.at("1001", "Lab").User != "bob" {
		t.Errorf("after forgetting: %+v", m.list)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m := recall(t.TempDir())
	for i := range rememberAll + 10 {
		m.keep(last{Owner: fmt.Sprint(i), Host: "gw"})
	}
	if len(m.list) != rememberAll {
		t.Errorf("%d entries", len(m.list))
	}
	if _, ok := m.of("0"); ok {
		t.Error("the oldest is still there")
	}
	for i := range rememberHosts + 3 {
		m.keep(last{Owner: "x", Host: fmt.Sprint("gw", i)})
	}
	if m.at("x", "gw2") != (last{}) || m.at("x", "gw3").Host != "gw3" || len(m.list) != rememberAll {
		t.Errorf("%d entries: %+v", len(m.list), m.list[len(m.list)-rememberHosts:])
	}
	if m.keep(last{Owner: "x", Host: strings.Repeat("h", rememberField+1)}) != nil {
		t.Error("an overlong name is kept")
	}
}

func TestMemoryOfABrokenFile(t *testing.T) {
	for name, text := range map[string]string{
		"no json": "{", "another shape": `{"a":1}`, "endless": strings.Repeat("[", rememberBytes+10), "empty": "",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, rememberFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		m := recall(dir)
		if len(m.list) != 0 {
			t.Errorf("%s: %+v", name, m.list)
		}
		if !keep(t, m, last{Owner: "1", Host: "gw"}) {
			t.Errorf("%s: not replaced", name)
		}
	}
}

// TestQuestionsBeginWithTheLastAnswers: whoever connects to a host again is offered the name and the group of the last time, in the question, whatever other hosts he used since; nobody else is.
func TestQuestionsBeginWithTheLastAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []protocol.Last
		r := start(t, &scripted{open: func(_ context.Context, at protocol.Target, _ protocol.Prompter) (protocol.Tunnel, error) {
			seen = append(seen, at.Last)
			w := newWire()
			if at.Host == "lab.example.com" {
				w.set.User, w.set.Group = "root", ""
			}
			return w, nil
		}})
		for _, step := range []struct {
			who  localsock.Peer
			host string
			want protocol.Last
		}{
			{alice, "vpn.example.com", protocol.Last{}},
			{alice, "lab.example.com", protocol.Last{}},
			{alice, "vpn.example.com", protocol.Last{Group: "staff", User: "alice"}},
			{alice, "lab.example.com", protocol.Last{User: "root"}},
			{bob, "vpn.example.com", protocol.Last{}},
		} {
			r.connect(step.who, step.host)
			r.want("connected")
			if got := seen[len(seen)-1]; got != step.want {
				t.Errorf("%s: %+v, want %+v", step.host, got, step.want)
			}
			if err := r.Disconnect(t.Context(), step.who); err != nil {
				t.Fatal(err)
			}
			r.want("disconnected")
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}
