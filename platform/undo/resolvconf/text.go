package resolvconf

import (
	"bytes"
	"net/netip"
	"strings"
)

const (
	begin = "# Holdfast begin: this part belongs to the VPN session and goes with it."
	end   = "# Holdfast end."
)

// Limits of what stub resolvers read: three servers (MAXNS of resolv.h), six domains and 256 characters of search list (before glibc 2.26).
const (
	maxServers     = 3
	maxSearch      = 6
	maxSearchBytes = 256
)

// Compose returns the content for the servers and search domains, in their order, as many as stub resolvers read, between our marks.
func Compose(servers []netip.Addr, search []string) []byte {
	b := append([]byte(begin+"\n"), Lines(servers, search)...)
	return append(b, end+"\n"...)
}

// Lines is Compose without the marks.
func Lines(servers []netip.Addr, search []string) []byte {
	var b bytes.Buffer
	line := ""
	for i, s := range search {
		if i == maxSearch || len(line)+1+len(s) > maxSearchBytes {
			break
		}
		line += " " + s
	}
	if line != "" {
		b.WriteString("search" + line + "\n")
	}
	for i, s := range servers {
		if i == maxServers {
			break
		}
		b.WriteString("nameserver " + s.String() + "\n")
	}
	return b.Bytes()
}

// Servers returns the name servers of a resolv.conf, in order, without repetition; lines that are none are passed over.
func Servers(content []byte) []netip.Addr {
	var out []netip.Addr
	seen := map[netip.Addr]bool{}
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(fields[1]); err == nil && !seen[a] {
			seen[a] = true
			out = append(out, a)
		}
	}
	return out
}

// Search returns the search domains of a resolv.conf: the last search or domain line counts, as in resolv.conf(5).
func Search(content []byte) []string {
	var out []string
	for line := range strings.Lines(string(content)) {
		if fields := strings.Fields(line); len(fields) > 1 && (fields[0] == "search" || fields[0] == "domain") {
			out = fields[1:]
		}
	}
	return out
}

// Marked reports whether a part of ours is in the content.
func Marked(content []byte) bool { return bytes.Contains(content, []byte(begin)) }

// Foreign returns the content without our part, whose lines are those of wrote; with nothing in wrote, all that Compose could have written counts as ours. Whatever
// else stands between the markers was put in by somebody and stays. If that leaves no name server although there was one, those of the displaced file follow.
func Foreign(content []byte, wrote [][]byte, was File) []byte {
	mine := map[string]bool{}
	for _, w := range wrote {
		for line := range strings.Lines(string(w)) {
			mine[strings.TrimRight(line, "\n")] = true
		}
	}
	var b strings.Builder
	ours := false
	for line := range strings.Lines(string(content)) {
		switch bare := strings.TrimRight(line, "\r\n"); {
		case bare == begin:
			ours = true
		case bare == end:
			ours = false
		case ours && (mine[bare] || len(wrote) == 0 && composable(bare)):
		default:
			b.WriteString(line)
		}
	}
	out := []byte(b.String())
	if len(Servers(out)) > 0 || len(Servers(content)) == 0 {
		return out
	}
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	for _, s := range Servers(was.Content) {
		out = append(out, "nameserver "+s.String()+"\n"...)
	}
	return out
}

// composable reports whether Compose writes such lines.
func composable(line string) bool {
	return strings.HasPrefix(line, "search ") || strings.HasPrefix(line, "nameserver ")
}
