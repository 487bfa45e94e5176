package profile

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// every lists the paths of all elements of a document, without numbers.
func every(n *node, at string, paths map[string]bool) {
	for _, k := range n.kids {
		path := join(at, k.name)
		paths[path] = true
		every(k, path, paths)
	}
}

// TestCorpusHasEveryElement: no element of the tables is left out of the tests below.
func TestCorpusHasEveryElement(t *testing.T) {
	doc, warned, err := ReadDocument(read(t, "testdata/every-element.xml"), profileRoot)
	if err != nil || len(warned) > 0 {
		t.Fatal(err, warned)
	}
	have := map[string]bool{}
	every(doc.root.child(clientInit), "", have)
	every(doc.root.child("ServerList"), "", have)
	for _, e := range Elements() {
		if !have[e.Path] && e.Path != blockUntrusted {
			t.Errorf("%s is missing", e.Path)
		}
	}
	if _, warned, err := Parse(read(t, "testdata/every-element.xml")); err != nil || len(warned) > 0 {
		t.Errorf("a good profile has warnings: %v %v", err, warned)
	}

	doc, _, err = ReadDocument(read(t, "testdata/policy/every-element.xml"), policyRoot)
	if err != nil {
		t.Fatal(err)
	}
	have = map[string]bool{}
	every(doc.root, "", have)
	for _, e := range PolicyElements() {
		if !have[e.Path] {
			t.Errorf("local policy: %s is missing", e.Path)
		}
	}
}

// TestRoundTrip: a document that is not changed is the bytes that came, and a change of one text changes these bytes only.
func TestRoundTrip(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.xml")
	for _, file := range files {
		data := read(t, file)
		p, _, err := Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(p.Bytes(), data) {
			t.Errorf("%s: not what was read", file)
		}
		doc, _, err := ReadDocument(data, profileRoot)
		if err != nil {
			t.Fatal(err)
		}
		for path := range leaves(doc.root, "") {
			before, ok := doc.Get(path)
			if !ok || before == "" || before != clean(before) {
				continue
			}
			if err := doc.Set(path, before); err != nil || doc.changed {
				t.Fatalf("%s: %s: setting what is there: %v", file, path, err)
			}
		}
	}
}

// leaves lists the paths of all elements, numbered.
func leaves(n *node, at string) map[string]*node {
	out := map[string]*node{}
	seen := map[string]int{}
	for _, k := range n.kids {
		seen[k.name]++
		path := join(at, k.name)
		if seen[k.name] > 1 || n.nth(k.name, 2) != nil {
			path += "[" + string(rune('0'+seen[k.name]%10)) + "]"
		}
		if seen[k.name] < 10 {
			out[path] = k
			for p, l := range leaves(k, path) {
				out[p] = l
			}
		}
	}
	return out
}

func TestSet(t *testing.T) {
	const base = "<?xml version='1.0'?>\r\n<!-- top -->\r\n<p:AnyConnectProfile xmlns:p=\"urn:x\"  b='2' a='1'>\r\n\t<p:ClientInitialization>\r\n\t\t<p:AutoReconnect>tr<!-- c -->ue\r\n\t\t\t<p:Inner/>\r\n\t\t</p:AutoReconnect>\r\n\t\t<p:Empty  x = '1' />\r\n\t</p:ClientInitialization>\r\n</p:AnyConnectProfile>\r\n"
	for _, tc := range []struct{ path, text, from, to string }{
		{"ClientInitialization/AutoReconnect", "false", "tr<!-- c -->ue", "false<!-- c -->"},
		{"ClientInitialization/Empty", "a<b&c", "<p:Empty  x = '1' />", "<p:Empty  x = '1'>a&lt;b&amp;c</p:Empty>"},
		{"ClientInitialization/AutoReconnect/Inner", "x", "<p:Inner/>", "<p:Inner>x</p:Inner>"},
		{"ClientInitialization/New/Deep", "y", "<p:Empty  x = '1' />", "<p:Empty  x = '1' />\r\n\t\t<p:New><p:Deep>y</p:Deep></p:New>"},
		{"ServerList", "z", "</p:ClientInitialization>", "</p:ClientInitialization>\r\n\t<p:ServerList>z</p:ServerList>"},
	} {
		for _, enc := range []struct {
			name string
			of   func(string) []byte
		}{
			{"UTF-8", func(s string) []byte { return []byte(s) }},
			{"UTF-8 with a mark", func(s string) []byte { return []byte("\xef\xbb\xbf\n" + s) }},
			{"UTF-16LE", func(s string) []byte { return wide(s, 0) }},
			{"UTF-16BE", func(s string) []byte { return wide(s, 1) }},
			{"Latin-1", func(s string) []byte { return []byte(strings.Replace(s, "top", "\xfc", 1)) }},
		} {
			doc, _, err := ReadDocument(enc.of(base), profileRoot)
			if err != nil {
				t.Fatal(err)
			}
			if err := doc.Set(tc.path, tc.text); err != nil {
				t.Fatalf("%s: %v", tc.path, err)
			}
			if got, want := doc.Bytes(), enc.of(strings.Replace(base, tc.from, tc.to, 1)); !bytes.Equal(got, want) {
				t.Errorf("%s, %s:\n%q, want\n%q", enc.name, tc.path, got, want)
			}
			if got, ok := doc.Get(tc.path); !ok || got != tc.text {
				t.Errorf("%s: Get gives %q", tc.path, got)
			}
		}
	}
	doc, _, err := ReadDocument([]byte(base), profileRoot)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"a b", "x/<y", "x/y\"", "1"} {
		if doc.Set(path, "v") == nil {
			t.Errorf("%q is taken for a path", path)
		}
	}
	if doc.Set("x", "two\nlines") == nil {
		t.Error("two lines are taken for one")
	}
	if err := doc.Remove("ClientInitialization/AutoReconnect"); err != nil || strings.Contains(string(doc.Bytes()), "AutoReconnect") {
		t.Errorf("removed: %v, %s", err, doc.Bytes())
	}
	if err := doc.Remove("ClientInitialization/AutoReconnect"); err != nil {
		t.Error("removing twice:", err)
	}
}

// wide is s as UTF-16 with a mark, little endian for 0.
func wide(s string, big int) []byte {
	return []coding{utf16Little, utf16Big}[big].encode(nil, []byte("\ufeff"+s))
}

// FuzzDocument: what is read comes back byte for byte; after a change it is read again, and nothing but the change is different.
func FuzzDocument(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.xml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "ClientInitialization/AutoReconnect", "false")
	}
	f.Add([]byte("<AnyConnectProfile/>"), "ClientInitialization/New", "a&b")
	f.Fuzz(func(t *testing.T, data []byte, path, text string) {
		doc, _, err := ReadDocument(data, profileRoot)
		if err != nil {
			return
		}
		if !bytes.Equal(doc.Bytes(), data) {
			t.Fatal("not what was read")
		}
		kept := bytes.Clone(data)
		if doc.Set(path, text) != nil {
			return
		}
		if !bytes.Equal(data, kept) {
			t.Fatal("the caller's bytes were changed")
		}
		if got, ok := doc.Get(path); ok && got != text {
			t.Fatalf("set %q, got %q", text, got)
		}
		again, _, err := ReadDocument(doc.Bytes(), profileRoot)
		if err != nil {
			if fault.As(err).Code == fault.ProfInvalid && len(doc.Bytes()) > MaxSize {
				return
			}
			t.Fatalf("not readable after a change: %v\n%q", err, doc.Bytes())
		}
		if got, ok := again.Get(path); ok && got != text {
			t.Fatalf("written %q, read %q", text, got)
		}
	})
}
