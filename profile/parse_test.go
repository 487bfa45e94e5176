package profile

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

var update = flag.Bool("update", false, "write the goldens")

// dump is everything Parse gave, as text.
func dump(p *Profile, warned []Warning) string {
	var b strings.Builder
	values := Effective(nil, p)
	fmt.Fprintf(&b, "settings %+v\n", values.Settings())
	for _, h := range p.Hosts {
		fmt.Fprintf(&b, "host %q %s group=%q protocol=%s backups=%v\n", h.Name, h.Target, h.Group, h.Protocol, h.Backups)
	}
	for _, h := range p.Hosts {
		for _, pin := range h.Pins {
			fmt.Fprintf(&b, "pin %q %x\n", h.Name, pin[:4])
		}
	}
	for _, r := range values.Rows() {
		if r.Origin != OriginDefault {
			fmt.Fprintf(&b, "row %s = %q locked=%t %s\n", r.Name, r.Value, r.Locked, r.Status)
		}
	}
	for _, w := range warned {
		fmt.Fprintf(&b, "warning %s\n", w)
	}
	return b.String()
}

func TestProfilesOfTheField(t *testing.T) {
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(files) < 8 {
		t.Fatal("testdata is gone:", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p, warned, err := ParseFile(filepath.Base(file), data)
			if err != nil {
				t.Fatal(err)
			}
			got := dump(p, warned)
			golden := strings.TrimSuffix(file, ".xml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestEncodingDoesNotMatter(t *testing.T) {
	var dumps []string
	for _, file := range []string{"editor.xml", "powershell-utf16le.xml"} {
		data, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		p, warned, err := Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		dumps = append(dumps, dump(p, warned))
	}
	if dumps[0] != dumps[1] {
		t.Errorf("UTF-8 gave\n%s\nUTF-16 gave\n%s", dumps[0], dumps[1])
	}
}

func TestRefused(t *testing.T) {
	const head, tail = "<AnyConnectProfile>", "</AnyConnectProfile>"
	for _, tc := range []struct {
		name, doc string
		want      error // nil: any
	}{
		{"nothing", "", errEmpty},
		{"white space", " \r\n\t", ErrNotProfile},
		{"another document", "<html><body>Sign in</body></html>", ErrNotProfile},
		{"cut off", head + "<ServerList>", nil},
		{"wrongly nested", head + "<a><b></a></b>" + tail, nil},
		{"document type", `<!DOCTYPE x SYSTEM "file:///etc/shadow">` + head + tail, ErrDTD},
		{"entity bomb", `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>` + head + "<x>&b;</x>" + tail, ErrDTD},
		{"document type inside", head + `<!ELEMENT x ANY>` + tail, ErrDTD},
		{"undeclared entity", head + "<x>&secret;</x>" + tail, nil},
		{"too deep", head + strings.Repeat("<a>", maxDepth) + strings.Repeat("</a>", maxDepth) + tail, ErrTooDeep},
		{"too many elements", head + strings.Repeat("<a/>", maxElements) + tail, ErrTooMany},
		{"too many hosts", head + "<ServerList>" + strings.Repeat("<HostEntry><HostName>a.example</HostName></HostEntry>", maxHosts+1) + "</ServerList>" + tail, ErrTooMany},
		{"too big", head + strings.Repeat(" ", MaxSize) + tail, ErrTooBig},
		{"half a UTF-16 character", "\xff\xfe<", errEncoding},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, _, err := Parse([]byte(tc.doc))
			if err == nil || p != nil {
				t.Fatalf("accepted: %+v", p)
			}
			if fe := fault.As(err); fe.Code != fault.ProfInvalid || fe.Detail == "" {
				t.Errorf("got %v (%q), want PROF-001 with a detail", err, fe.Detail)
			}
			if tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func TestWarningsAreBounded(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("<AnyConnectProfile>")
	for i := range 10 * maxWarnings {
		fmt.Fprintf(&b, "<x%d/>", i)
	}
	b.WriteString("</AnyConnectProfile>")
	p, warned, err := Parse(b.Bytes())
	if err != nil || len(p.Details) != 10*maxWarnings {
		t.Fatal(len(p.Details), err)
	}
	if len(warned) != maxWarnings+1 || !strings.Contains(warned[maxWarnings].Text, "900 more") {
		t.Errorf("%d warnings, the last %q", len(warned), warned[len(warned)-1])
	}
}

func TestTableIsWhole(t *testing.T) {
	names, paths := map[string]bool{}, map[string]bool{}
	for _, e := range append(Elements(), PolicyElements()...) {
		if paths[e.Path] {
			t.Errorf("%s stands there twice", e.Path)
		}
		paths[e.Path] = true
		if i := strings.LastIndexByte(e.Path, '/'); i > 0 && !paths[e.Path[:i]] {
			t.Errorf("%s stands before its parent", e.Path)
		}
		if e.row() && !strings.HasPrefix(e.Path, inHost) {
			if names[e.Name()] {
				t.Errorf("the name %s stands there twice", e.Name())
			}
			names[e.Name()] = true
		}
		if e.Status != Honoured && e.Note == "" && e.Type != Group {
			t.Errorf("%s: not in force, and nothing says why", e.Path)
		}
		if e.Type == Text || e.Type == Group || e.Many || e.Default == "" && !e.row() {
			continue
		}
		if got, ok := e.canonical(e.Default); !ok || got != e.Default {
			t.Errorf("%s: the default %q is no value of it", e.Path, e.Default)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.xml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, warned, err := Parse(data)
		if err != nil {
			return
		}
		if len(p.Hosts) > maxHosts || len(warned) > maxWarnings+1 {
			t.Fatalf("%d hosts, %d warnings", len(p.Hosts), len(warned))
		}
		for _, h := range p.Hosts {
			for _, target := range append(h.Backups, h.Target) {
				if again, err := ParseTarget(target.String()); err != nil || again != target {
					t.Fatalf("%+v does not come back: %+v, %v", target, again, err)
				}
			}
			if h.Name == "" || h.Name != fault.Clean(h.Name) {
				t.Fatalf("the name %q is not clean", h.Name)
			}
		}
		for _, r := range Effective(nil, p).Rows() {
			if r.Value != clean(r.Value) && r.Name != "BackupServerList" {
				t.Fatalf("%s: the value %q is not clean", r.Name, r.Value)
			}
		}
	})
}
