package authxml

import (
	"os"
	"path/filepath"
	"testing"
)

// seed adds the recorded documents and some hostile ones.
func seed(f *testing.F) {
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		doc, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(doc)
	}
	f.Add([]byte(asaPrelogin))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY a "b">]><auth>&a;</auth>`))
	f.Add([]byte(completeOfAnASA))
	f.Add([]byte(samlOfAnASA))
	f.Add([]byte(`<auth id="main"><csdLinux token="1"/><opaque is-for="sg">1</opaque><form><select name="group_list"><option override-name="a" override-label="b" secondary_username="c">x</option></select></form></auth>`))
	f.Add([]byte(`<config-auth type="complete"><opaque><![CDATA[x]]></opaque><error param1="%s">%s%s</error></config-auth>`))
}

// FuzzParseResponse: no panic, and whatever can be written again means the same.
func FuzzParseResponse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, doc []byte) {
		r, err := ParseResponse(doc)
		if err != nil {
			return
		}
		again, err := r.Append(nil)
		if err != nil {
			return // values that are read leniently are written strictly
		}
		r2, err := ParseResponse(again)
		if err != nil {
			t.Fatalf("%v\n%s", err, again)
		}
		if p, q := r.Config.Profile, r2.Config.Profile; !r.Bare && ((p == nil) != (q == nil) || p != nil && *p != *q) {
			t.Fatalf("%+v\n%+v", p, q)
		}
		if r2.Type != r.Type || r2.Message != r.Message || r2.Error != r.Error || string(r2.Opaque) != string(r.Opaque) || (r2.Form == nil) != (r.Form == nil) || (r2.SSO == nil) != (r.SSO == nil) {
			t.Fatalf("%s\n%s", reveal(r), reveal(r2))
		}
	})
}

// FuzzParseRequest: no panic, and whatever can be written again means the same.
func FuzzParseRequest(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, doc []byte) {
		r, err := ParseRequest(doc)
		if err != nil {
			return
		}
		again, err := r.Append(nil)
		if err != nil {
			return
		}
		r2, err := ParseRequest(again)
		if err != nil {
			t.Fatalf("%v\n%s", err, again)
		}
		if r2.Type != r.Type || r2.GroupSelect != r.GroupSelect || string(r2.Opaque) != string(r.Opaque) {
			t.Fatalf("%+v\n%+v", r, r2)
		}
		if r.Type == TypeReply && len(r2.Fields) != len(r.Fields) {
			t.Fatalf("%d fields became %d", len(r.Fields), len(r2.Fields))
		}
	})
}
