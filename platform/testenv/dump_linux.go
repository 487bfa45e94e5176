package testenv

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// dumps are the questions whose answers together are the network state that a VPN may change.
var dumps = []string{
	"ip -j link show",
	"ip -j address show",
	"ip -j -4 route show table all",
	"ip -j -6 route show table all",
	"ip -j -4 rule show",
	"ip -j -6 rule show",
	"nft list ruleset",
	"stat -c %F:%a:%u:%g:%N /etc/resolv.conf",
	"cat /etc/resolv.conf",
	"ls -A /etc",
	"grep -r . /proc/sys/net/ipv4/conf /proc/sys/net/ipv4/ip_forward",
	"grep -r . /proc/sys/net/ipv6/conf/all /proc/sys/net/ipv6/conf/default",
}

// Dump returns everything of the namespace's network that a VPN may change, as text: links, addresses, routes of all tables, rules, resolv.conf with its mode,
// the names in /etc, and the settings of addresses and routing. Equal states give equal text: it waits for what the kernel does on its own after a change.
func Dump(t testing.TB, n *NS) string {
	t.Helper()
	n.await(t, "a local route for each IPv6 address", func() bool {
		addresses := n.Run(t, "ip", "-6", "-o", "address", "show")
		routes := n.Run(t, "ip", "-6", "route", "show", "table", "local", "type", "local")
		return strings.Count(addresses, "inet6") == strings.Count(routes, "\n")
	})
	var b strings.Builder
	for _, d := range dumps {
		args := strings.Fields(d)
		// some settings cannot be read, a resolv.conf may not exist: what then is said belongs to the dump
		out, _ := n.plain(args[0], args[1:]...).CombinedOutput()
		text := string(out)
		if args[0] == "ip" { // one element of the list per line, without what depends on its place in it
			text = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(text), "["), "]")
			text = strings.ReplaceAll(text, "},{", "}\n{")
		}
		b.WriteString("# " + d + "\n" + text + "\n")
	}
	return b.String()
}

// carrier are the words by which a tun link shows whether somebody has it open, and whether somebody had it open before.
var carrier = strings.NewReplacer(`"NO-CARRIER",`, "", `,"LOWER_UP"`, "", `"linkdown"`, "", `"operstate":"UNKNOWN"`, `"operstate":"UP"`, `"operstate":"DOWN"`, `"operstate":"UP"`)

// index is a link's number: one that was made again has another.
var index = regexp.MustCompile(`"ifindex":\d+,`)

// Standing returns a dump without what changes when a process that has a tun link open goes and another one comes.
func Standing(dump string) string { return index.ReplaceAllString(carrier.Replace(dump), "") }

// await polls until ok, for what happens in the kernel a moment after the call that caused it.
func (n *NS) await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for range 500 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("namespace %q: still waiting for %s", n.name, what)
}

// Diff returns the lines that only one of two dumps has, "" when they are equal.
func Diff(before, after string) string {
	if before == after {
		return ""
	}
	count := map[string]int{}
	for _, l := range strings.Split(before, "\n") {
		count[l]--
	}
	for _, l := range strings.Split(after, "\n") {
		count[l]++
	}
	var b strings.Builder
	for _, l := range strings.Split(before+"\n"+after, "\n") {
		switch {
		case count[l] < 0:
			b.WriteString("- " + l + "\n")
			count[l]++
		case count[l] > 0:
			b.WriteString("+ " + l + "\n")
			count[l]--
		}
	}
	if b.Len() == 0 {
		return "the order of lines differs"
	}
	return b.String()
}
