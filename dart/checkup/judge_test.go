package checkup

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

var (
	addr4 = netip.MustParseAddr("198.51.100.1")
	addr6 = netip.MustParseAddr("2001:db8:100::1")
	noon  = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
)

// healthy is what a good gateway looks like.
func healthy() Observations {
	path := Path{Dialled: 4 * time.Millisecond, MTU: 1500, Secured: true, Cipher: "TLS 1.3 TLS_AES_128_GCM_SHA256", Handshake: 12 * time.Millisecond,
		NotBefore: noon.AddDate(0, -1, 0), NotAfter: noon.AddDate(0, 1, 0)}
	six, four := path, path
	six.Addr, four.Addr = addr6, addr4
	return Observations{Host: "vpn.example", Port: 443, Now: noon, Links: Links{Up: []string{"eth0 192.0.2.2"}},
		Names: Names{Addrs: []netip.Addr{addr6, addr4}, Took: 3 * time.Millisecond}, Paths: []Path{six, four},
		Hello: Hello{Asked: true, Asks: "it asks for a login", Took: 5 * time.Millisecond}, UDP: UDP{Sent: true}}
}

// each changes all paths.
func each(o *Observations, change func(*Path)) {
	for i := range o.Paths {
		change(&o.Paths[i])
	}
}

func refused(code fault.Code, noRoute bool) func(*Observations) {
	return func(o *Observations) {
		each(o, func(p *Path) {
			*p = Path{Addr: p.Addr, Refused: fault.Newf(code, nil, "%s", p.Addr), NoRoute: noRoute}
		})
		o.Hello, o.UDP = Hello{}, UDP{}
	}
}

func silent(code fault.Code) func(*Observations) {
	return func(o *Observations) {
		each(o, func(p *Path) { *p = Path{Addr: p.Addr, MTU: 1500, TLS: fault.New(code, nil)} })
		o.Hello = Hello{}
	}
}

func untrusted(code fault.Code) func(*Observations) {
	return func(o *Observations) {
		each(o, func(p *Path) { p.Untrusted, p.Cipher, p.Key = fault.New(code, nil), "", "sha256:0a0b" })
		o.Hello = Hello{}
	}
}

func both(changes ...func(*Observations)) func(*Observations) {
	return func(o *Observations) {
		for _, c := range changes {
			c(o)
		}
	}
}

func web(w Web) func(*Observations) {
	return func(o *Observations) { w.Answered = true; o.Web = w }
}

// TestJudge: each thing that can be broken is blamed on one layer, with its code and its exit code.
func TestJudge(t *testing.T) {
	expired := func(now time.Time) func(*Observations) {
		return both(untrusted(fault.TLSExpired), func(o *Observations) { o.Now = now })
	}
	for name, tt := range map[string]struct {
		change func(*Observations)
		layer  string
		code   fault.Code
		says   string // in some row
	}{
		"healthy":                      {func(*Observations) {}, "", "", "✓ mtu 1500 bytes, and a full packet got there"},
		"how a session resolves names": {func(o *Observations) { o.Names.By = "systemd-resolved" }, "", "", "a session would use systemd-resolved"},
		"a resolv.conf that cannot be changed": {func(o *Observations) {
			o.Names.Fixed = fault.Newf(fault.HostFixed, nil, "it is read-only")
		}, DNS, fault.HostFixed, "it is read-only"},
		"no interface":     {both(refused(fault.NetNoRoute, true), func(o *Observations) { o.Links.Up = nil }), Link, fault.NetNoPath, "- tcp"},
		"no default route": {refused(fault.NetNoRoute, true), Link, fault.NetNoRoute, "- tcp"},
		"no way to a name server": {func(o *Observations) {
			o.Names = Names{Fault: fault.New(fault.NetSilent, nil), NoRoute: true}
			o.Paths, o.Hello, o.UDP = nil, Hello{}, UDP{}
		}, Link, fault.NetNoRoute, "- dns"},
		"no name server answers": {func(o *Observations) {
			o.Names = Names{Fault: fault.New(fault.NetSilent, nil)}
			o.Paths, o.Hello, o.UDP = nil, Hello{}, UDP{}
		}, DNS, fault.NetSilent, "- captive-portal"},
		"no such name": {func(o *Observations) {
			o.Names = Names{Fault: fault.New(fault.NetNoName, nil)}
			o.Paths, o.Hello, o.UDP = nil, Hello{}, UDP{}
		}, DNS, fault.NetNoName, "✓ link"},
		"port closed":                         {refused(fault.NetRefused, false), TCP, fault.NetRefused, "- tls not reached"},
		"closed beside a web page":            {both(refused(fault.NetRefused, false), web(Web{Status: 200, Page: true})), TCP, fault.NetRefused, "✓ captive-portal"},
		"closed, and a profile without looks": {both(refused(fault.NetRefused, false), func(o *Observations) { o.NoWeb = true }), TCP, fault.NetRefused, "- captive-portal not looked for"},
		"closed beside a redirect away":       {both(refused(fault.NetRefused, false), web(Web{Status: 302, Elsewhere: "login.hotel"})), Portal, fault.NetPortal, "login.hotel"},
		"silent":                              {refused(fault.NetSilent, false), TCP, fault.NetSilent, "- captive-portal port 80 does not answer"},
		"host unreachable":                    {refused(fault.NetNoRoute, false), TCP, fault.NetNoRoute, "✓ link"},
		"no TLS":                              {silent(fault.TLSHandshake), TLS, fault.TLSHandshake, "✓ tcp"},
		"no TLS, a page on port 80":           {both(silent(fault.TLSHandshake), web(Web{Status: 200, Page: true})), Portal, fault.NetPortal, "- tls"},
		"no TLS, the network wants a login":   {both(silent(fault.TLSHandshake), web(Web{Status: 511})), Portal, fault.NetPortal, "wants a sign-in"},
		"handshake stalls":                    {silent(fault.NetSilent), TLS, fault.NetSilent, "- mtu 1500 bytes as far"},
		"handshake stalls with full packets":  {func(o *Observations) { each(o, func(p *Path) { p.Small = true }) }, MTU, fault.NetSize, "✓ gateway"},
		"full packets stall in one family":    {func(o *Observations) { o.Paths[0].Small = true }, "", "", "✓ mtu 1500"},
		"small path":                          {func(o *Observations) { each(o, func(p *Path) { p.MTU = 1200 }) }, "", "", "✓ mtu 1200 bytes, which is little"},
		"jumbo path":                          {func(o *Observations) { each(o, func(p *Path) { p.MTU = 9000 }) }, "", "", "✓ mtu 9000 bytes"},
		"wrong name":                          {untrusted(fault.TLSName), Certificate, fault.TLSName, "✓ tls the gateway speaks it"},
		"wrong name beside a gateway's page":  {both(untrusted(fault.TLSName), web(Web{Status: 200, Page: true})), Certificate, fault.TLSName, "✓ captive-portal"},
		"wrong name and a redirect away":      {both(untrusted(fault.TLSName), web(Web{Status: 302, Elsewhere: "login.hotel"})), Portal, fault.NetPortal, "- certificate"},
		"untrusted":                           {untrusted(fault.TLSUntrusted), Certificate, fault.TLSUntrusted, "- gateway not asked"},
		"another pin":                         {both(untrusted(fault.TLSPin), func(o *Observations) { o.Pinned = true }), Certificate, fault.TLSPin, "its key is sha256:0a0b"},
		"expired":                             {expired(noon.AddDate(1, 0, 0)), Certificate, fault.TLSExpired, "- clock it says 2027-05-04 12:00 UTC"},
		"expired by both clocks":              {both(expired(noon.AddDate(1, 0, 0)), web(Web{Date: noon.AddDate(1, 0, 0)})), Certificate, fault.TLSExpired, "✓ clock agrees"},
		"expired by ours alone":               {both(expired(noon.AddDate(1, 0, 0)), web(Web{Date: noon})), Clock, fault.HostClock, "- certificate"},
		"not valid yet":                       {expired(noon.AddDate(-1, 0, 0)), Clock, fault.HostClock, "- certificate"},
		"not valid yet by both clocks":        {both(expired(noon.AddDate(-1, 0, 0)), web(Web{Date: noon.AddDate(-1, 0, 0)})), Certificate, fault.TLSExpired, "✓ clock"},
		"clocks apart, no harm":               {func(o *Observations) { o.Hello.Date = noon.Add(-10 * time.Minute) }, "", "", "✓ clock 10m off"},
		"a web server":                        {func(o *Observations) { o.Hello.Fault = fault.New(fault.NetNotVPN, nil) }, Gateway, fault.NetNotVPN, "✓ certificate"},
		"a pinned gateway":                    {func(o *Observations) { o.Pinned = true }, "", "", "✓ certificate its key"},
		"one family is broken":                {func(o *Observations) { o.Paths[0] = Path{Addr: addr6, Refused: fault.New(fault.NetSilent, nil)} }, "", "", "open; 2001:db8:100::1: the gateway does not answer"},
		"UDP refused":                         {func(o *Observations) { o.UDP.Refused = fault.New(fault.NetRefused, nil) }, "", "", "- udp-443 refused on port 443"},
		"UDP answered":                        {func(o *Observations) { o.UDP.Answered = true }, "", "", "✓ udp-443"},
		"UDP silent":                          {func(*Observations) {}, "", "", "- udp-443 no answer"},
		"interfaces not told":                 {func(o *Observations) { o.Links = Links{Unknown: true} }, "", "", "- link this machine does not tell"},
		"on this machine": {func(o *Observations) {
			each(o, func(p *Path) { p.Addr = netip.MustParseAddr("127.0.0.1") })
			o.Links.Up = nil
		}, "", "", "- link not needed"},
	} {
		t.Run(name, func(t *testing.T) {
			o := healthy()
			tt.change(&o)
			r := Judge(o)
			if v := r.Verdict; v.Layer != tt.layer || v.Code != tt.code {
				t.Errorf("blames %q %q, want %q %q", v.Layer, v.Code, tt.layer, tt.code)
			}
			var rows []string
			crosses := 0
			for _, l := range r.Layers {
				m := "✗ "
				switch {
				case l.Skipped && l.OK:
					t.Errorf("%s is both skipped and well", l.Layer)
				case l.Skipped:
					m = "- "
				case l.OK:
					m = "✓ "
				default:
					crosses++
				}
				rows = append(rows, m+l.Layer+" "+l.Detail)
			}
			all := strings.Join(rows, "\n")
			if want := min(len(tt.layer), 1); crosses != want || len(rows) != 10 {
				t.Errorf("%d crosses in %d rows", crosses, len(rows))
			}
			if !strings.Contains(all, tt.says) {
				t.Errorf("no row says %q:\n%s", tt.says, all)
			}
			if r.Verdict.Message == "" || r.Verdict.Hint == "" || strings.Contains(r.Verdict.Hint, "session") {
				t.Errorf("verdict %+v", r.Verdict)
			}
			wantExit := 0
			if tt.code != "" {
				wantExit = fault.Lookup(tt.code).Exit
			}
			if r.Exit() != wantExit || r.Well() != (tt.layer == "") {
				t.Errorf("exit %d, well %v", r.Exit(), r.Well())
			}
		})
	}
}

// TestSentOn: a gateway that sends us on is neither well nor broken.
func TestSentOn(t *testing.T) {
	o := healthy()
	o.Hello = Hello{Asked: true, Elsewhere: "gw2.example/\x1b[2J"}
	r := Judge(o)
	if !r.Well() || !strings.Contains(r.Verdict.Hint, "holdfast doctor gw2.example/ [2J") {
		t.Errorf("%+v", r.Verdict)
	}
}

// TestEveryTitle: every layer that can be blamed has words to begin with.
func TestEveryTitle(t *testing.T) {
	for _, c := range causes {
		if titles[c] == "" {
			t.Errorf("%s has no title", c)
		}
	}
}
