package profile

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

func doc(hosts ...string) []byte {
	var b strings.Builder
	b.WriteString("<AnyConnectProfile><ServerList>")
	for _, h := range hosts {
		name, address, _ := strings.Cut(h, "=")
		b.WriteString("<HostEntry><HostName>" + name + "</HostName><HostAddress>" + address + "</HostAddress></HostEntry>")
	}
	b.WriteString("</ServerList></AnyConnectProfile>")
	return []byte(b.String())
}

func write(t *testing.T, dir, name string, data []byte, mode os.FileMode) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // past the umask
		t.Fatal(err)
	}
}

func TestLoadMergesInOrder(t *testing.T) {
	own, imported := safeDir(t), safeDir(t)
	write(t, own, "b.xml", doc("Office=b.example", "Only B=onlyb.example"), 0o644)
	write(t, own, "a.XML", doc("Office=a.example/staff"), 0o600)
	write(t, own, "broken.xml", []byte("<AnyConnectProfile>"), 0o644)
	write(t, own, "notes.txt", doc("No=no.example"), 0o644)
	write(t, imported, "cisco.xml", doc("office=c.example"), 0o644)
	s, warned := Load(own, filepath.Join(own, "missing"), imported)

	var got []string
	for _, h := range s.Hosts() {
		got = append(got, h.Profile+":"+h.Name+"="+h.Target.String())
	}
	want := "a.XML:Office=a.example/staff b.xml:Office=b.example b.xml:Only B=onlyb.example cisco.xml:office=c.example"
	if strings.Join(got, " ") != want {
		t.Errorf("hosts %q, want %q", got, want)
	}
	if len(warned) != 1 || warned[0].File != "broken.xml" {
		t.Errorf("warnings %v, want one about broken.xml", warned)
	}
	for _, tc := range []struct{ name, want string }{
		{"Office", "a.example/staff"}, {"office", "c.example"}, {"OFFICE", "a.example/staff"}, {"only b", "onlyb.example"},
		{"https://b.example/", "b.example"}, {"a.example", ""}, {"nobody", ""}, {"", ""},
	} {
		h, p, ok := s.Find(tc.name)
		if ok != (tc.want != "") || (ok && (h.Target.String() != tc.want || p.File != h.Profile)) {
			t.Errorf("Find(%q) = %+v, %t; want %s", tc.name, h, ok, tc.want)
		}
	}
	var empty *Store
	if _, _, ok := empty.Find("Office"); ok || empty.Hosts() != nil {
		t.Error("a nil store is not empty")
	}
}

func TestLoadDistrusts(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // no modes there; Load says what stands in for them
	}
	dir, elsewhere := safeDir(t), safeDir(t)
	write(t, elsewhere, "real.xml", doc("Linked=l.example"), 0o644)
	write(t, dir, "inner.xml.orig", doc("Linked=i.example"), 0o644)
	write(t, dir, "group.xml", doc("Group=g.example"), 0o664)
	write(t, dir, "others.xml", doc("Others=o.example"), 0o646)
	write(t, dir, "good.xml", doc("Good=good.example"), 0o644)
	write(t, dir, "huge.xml", append(doc("Huge=h.example"), make([]byte, MaxSize)...), 0o644)
	for link, to := range map[string]string{"out.xml": filepath.Join(elsewhere, "real.xml"), "in.xml": "inner.xml.orig", "gone.xml": "nothing"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "dir.xml"), 0o755); err != nil {
		t.Fatal(err)
	}
	makeFIFO(t, filepath.Join(dir, "fifo.xml"))
	want := map[string]string{"group.xml": "write", "others.xml": "write", "huge.xml": "4 MiB", "out.xml": "link", "in.xml": "link", "gone.xml": "link", "fifo.xml": "regular"}
	if os.Geteuid() == 0 {
		write(t, dir, "stranger.xml", doc("Stranger=s.example"), 0o644)
		if err := os.Chown(filepath.Join(dir, "stranger.xml"), 12345, 12345); err != nil {
			t.Fatal(err)
		}
		want["stranger.xml"] = "another user"
	}

	s, warned := Load(dir)
	if hosts := s.Hosts(); len(hosts) != 1 || hosts[0].Name != "Good" {
		t.Errorf("hosts %+v, want Good alone", hosts)
	}
	for _, w := range warned {
		if why, ok := want[w.File]; !ok || !strings.Contains(w.Text, why) {
			t.Errorf("warning %q, want it to say %q", w, why)
		}
		delete(want, w.File)
	}
	if len(want) > 0 {
		t.Errorf("no warning about %v", want)
	}
}

// safeDir is a directory that Load trusts, whatever the umask.
func safeDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// What holds for a profile holds for its directory: who can write to that can put any profile there.
func TestLoadDistrustsDirectories(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // no modes there; trusted says what stands in for them
	}
	for _, c := range []struct {
		name, why string
		prepare   func(t *testing.T, dir string) error
	}{
		{"as it should be", "", func(*testing.T, string) error { return nil }},
		{"group may write", "write", func(_ *testing.T, dir string) error { return os.Chmod(dir, 0o775) }},
		{"others may write, sticky or not", "write", func(_ *testing.T, dir string) error { return os.Chmod(dir, 0o757|os.ModeSticky) }},
		{"a link", "link", func(_ *testing.T, dir string) error {
			return errors.Join(os.Rename(dir, dir+".real"), os.Symlink(dir+".real", dir))
		}},
		{"a file", "no directory", func(_ *testing.T, dir string) error {
			return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o644))
		}},
		{"a FIFO", "no directory", func(t *testing.T, dir string) error { err := os.RemoveAll(dir); makeFIFO(t, dir); return err }},
		{"another user's", "another user", func(_ *testing.T, dir string) error {
			if os.Geteuid() != 0 {
				return os.Chmod(dir, 0o000) // as near as one comes without root: it cannot be opened
			}
			return os.Chown(dir, 12345, 12345)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(safeDir(t), "profile")
			if err := errors.Join(os.Mkdir(dir, 0o755), os.Chmod(dir, 0o755)); err != nil {
				t.Fatal(err)
			}
			write(t, dir, "a.xml", doc("Office=a.example"), 0o644)
			if err := c.prepare(t, dir); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })
			s, warned := Load(dir)
			switch {
			case c.why == "":
				if len(s.Hosts()) != 1 || len(warned) != 0 {
					t.Errorf("hosts %v, warnings %v", s.Hosts(), warned)
				}
			case len(s.Hosts()) != 0 || len(warned) != 1 || warned[0].File != dir || os.Geteuid() == 0 && !strings.Contains(warned[0].Text, c.why):
				t.Errorf("hosts %v, warnings %v, want one about %q", s.Hosts(), warned, c.why)
			}
		})
	}
}

// TestLoadLeavesOutWhatWasImported: a profile that Cisco's folder has as well is not there twice, whichever of the two changed since.
func TestLoadLeavesOutWhatWasImported(t *testing.T) {
	own, imported := safeDir(t), safeDir(t)
	write(t, own, "corp.xml", doc("Office=new.example"), 0o644)
	write(t, own, "renamed.xml", doc("Branch=b.example"), 0o644)
	write(t, imported, "corp.xml", doc("Office=old.example"), 0o644)
	write(t, imported, "branch.xml", doc("Branch=b.example"), 0o644)
	write(t, imported, "lab.xml", doc("Lab=l.example"), 0o644)
	s, warned := Load(own, imported)
	var got []string
	for _, h := range s.Hosts() {
		got = append(got, h.Name+"="+h.Target.String())
	}
	if want := "Office=new.example Branch=b.example Lab=l.example"; strings.Join(got, " ") != want {
		t.Errorf("hosts %q, want %q", got, want)
	}
	if len(warned) != 2 || !strings.Contains(warned[0].Text, "renamed.xml is there already") || !strings.Contains(warned[1].Text, "corp.xml is there already") {
		t.Errorf("warnings %v", warned)
	}
}

func TestLoadPolicy(t *testing.T) {
	const strict, lax = "<AnyConnectLocalPolicy><StrictCertificateTrust>true</StrictCertificateTrust></AnyConnectLocalPolicy>", "<AnyConnectLocalPolicy/>"
	own, cisco := safeDir(t), safeDir(t)
	write(t, own, "corp.xml", doc("Office=a.example"), 0o644)
	write(t, cisco, PolicyFile, []byte(lax), 0o644)
	load := func() *Store {
		s, _ := Load(own)
		s.LoadPolicy(filepath.Join(own, "gone", PolicyFile), filepath.Join(own, "gone.xml"), filepath.Join(cisco, PolicyFile))
		if len(s.Profiles) != 1 {
			t.Errorf("%d profiles", len(s.Profiles))
		}
		return s
	}
	if p, err := load().Policy(); err != nil || p == nil || p.StrictTrust() || p.File != filepath.Join(cisco, PolicyFile) {
		t.Errorf("Cisco's: %+v, %v", p, err)
	}
	write(t, own, PolicyFile, []byte(strict), 0o644)
	if p, err := load().Policy(); err != nil || !p.StrictTrust() || p.File != PolicyFile {
		t.Errorf("ours: %+v, %v", p, err)
	}
	write(t, own, PolicyFile, []byte("<AnyConnectLocalPolicy>"), 0o644)
	if p, err := load().Policy(); p != nil || fault.As(err).Code != fault.ProfPolicy || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("broken: %+v, %v", p, err)
	}
	if runtime.GOOS != "windows" {
		write(t, own, PolicyFile, []byte(lax), 0o666)
		if p, err := load().Policy(); p != nil || fault.As(err).Code != fault.ProfPolicy {
			t.Errorf("writable by others: %+v, %v", p, err)
		}
	}
	var none *Store
	if p, err := none.Policy(); p != nil || err != nil || !none.ManualHosts() {
		t.Error("a nil store has a policy")
	}
}
