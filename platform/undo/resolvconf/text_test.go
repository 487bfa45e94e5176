package resolvconf

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

var one = []netip.Addr{netip.MustParseAddr("10.0.0.53")}

func TestCompose(t *testing.T) {
	long := strings.Repeat("a", 60) + ".example"
	for _, c := range []struct {
		name    string
		servers string
		search  []string
		want    string
	}{
		{"servers and domains", "10.0.0.53 2001:db8::53", []string{"corp.example", "example"}, "search corp.example example\nnameserver 10.0.0.53\nnameserver 2001:db8::53\n"},
		{"no domains", "10.0.0.53", nil, "nameserver 10.0.0.53\n"},
		{"as many servers as are read", "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4", nil, "nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n"},
		{"as many domains as are read", "10.0.0.53", strings.Fields("a b c d e f g"), "search a b c d e f\nnameserver 10.0.0.53\n"},
		{"as long a list as is read", "10.0.0.53", []string{long, long, long, long}, "search " + long + " " + long + " " + long + "\nnameserver 10.0.0.53\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var servers []netip.Addr
			for _, s := range strings.Fields(c.servers) {
				servers = append(servers, netip.MustParseAddr(s))
			}
			if got := string(Compose(servers, c.search)); got != begin+"\n"+c.want+end+"\n" {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

func TestForeign(t *testing.T) {
	ours := string(Compose(one, []string{"corp.example"}))
	was := File{Kind: Regular, Content: []byte("nameserver 192.0.2.1\noptions edns0\n")}
	for _, c := range []struct{ name, content, want string }{
		{"nothing of ours", "nameserver 9.9.9.9\n", "nameserver 9.9.9.9\n"},
		{"a server before", "nameserver 9.9.9.9\n" + ours, "nameserver 9.9.9.9\n"},
		{"a server behind, without an end of line", ours + "nameserver 9.9.9.9", "nameserver 9.9.9.9"},
		{"a server between the markers", strings.Replace(ours, "search", "nameserver 9.9.9.9\nsearch", 1), "nameserver 9.9.9.9\n"},
		{"the end marker is gone", strings.Replace(ours, end, "nameserver 9.9.9.9", 1), "nameserver 9.9.9.9\n"},
		{"a comment alone does not leave the machine without a server", "# mine\n" + ours, "# mine\nnameserver 192.0.2.1\n"},
		{"our part alone", ours, "nameserver 192.0.2.1\n"},
		{"our lines outside the markers are somebody's", "nameserver 10.0.0.53\n" + ours, "nameserver 10.0.0.53\n"},
		{"emptied", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(Foreign([]byte(c.content), [][]byte{[]byte(ours)}, was)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if got := Foreign([]byte(ours+"options rotate\n"), nil, File{Kind: Absent}); string(got) != "options rotate\n" {
		t.Errorf("without a journal: %q", got)
	}
}

func TestMixed(t *testing.T) {
	for _, c := range []struct {
		content, next, before string
		want                  bool
	}{
		{"newOLD", "new", "oldOLD", true},
		{"oldOLD", "new", "oldOLD", false},
		{"new", "new", "oldOLD", false},
		{"newOLDx", "new", "oldOLD", false},
		{"longer", "longer", "short", false},
	} {
		if got := mixed([]byte(c.content), []byte(c.next), []byte(c.before)); got != c.want {
			t.Errorf("mixed(%q, %q, %q) = %v", c.content, c.next, c.before, got)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("nameserver 192.0.2.1\nsearch a b\n"))
	f.Add(Compose(one, []string{"corp.example"}))
	f.Add([]byte(begin + "\nnameserver 1.1.1.1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		was := File{Kind: Regular, Content: b}
		for _, wrote := range [][][]byte{nil, {Compose(one, nil)}} {
			rest := Foreign(b, wrote, was)
			if Marked(rest) && !strings.Contains(string(rest), begin+" ") && slices.Contains(strings.Split(string(rest), "\n"), begin) {
				t.Errorf("a marker is left in %q", rest)
			}
			if len(Servers(b)) > 0 && len(Servers(rest)) == 0 {
				t.Errorf("no server is left of %q", b)
			}
		}
		Search(b)
	})
}
