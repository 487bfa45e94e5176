package profile

import (
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

func TestParseTarget(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want Target
	}{
		{"vpn.example.com", Target{"vpn.example.com", 443, "/"}},
		{"  VPN.Example.COM. ", Target{"vpn.example.com", 443, "/"}},
		{"vpn.example.com:8443", Target{"vpn.example.com", 8443, "/"}},
		{"vpn.example.com/staff", Target{"vpn.example.com", 443, "/staff"}},
		{"vpn.example.com:8443/staff/", Target{"vpn.example.com", 8443, "/staff"}},
		{"https://vpn.example.com", Target{"vpn.example.com", 443, "/"}},
		{"HTTPS://vpn.example.com:443/Remote Users", Target{"vpn.example.com", 443, "/Remote%20Users"}},
		{"https://vpn.example.com/a%20b/+CSCOE+/x.html", Target{"vpn.example.com", 443, "/a%20b/+CSCOE+/x.html"}},
		{"vpn.example.com/größe", Target{"vpn.example.com", 443, "/gr%C3%B6%C3%9Fe"}},
		{"192.0.2.1", Target{"192.0.2.1", 443, "/"}},
		{"127.0.0.1:4443", Target{"127.0.0.1", 4443, "/"}},
		{"[2001:DB8::1]", Target{"2001:db8::1", 443, "/"}},
		{"[2001:db8::1]:8443/g", Target{"2001:db8::1", 8443, "/g"}},
		{"[::ffff:192.0.2.1]", Target{"192.0.2.1", 443, "/"}},
		{"my_gateway", Target{"my_gateway", 443, "/"}},
		{"xn--mnchen-3ya.example", Target{"xn--mnchen-3ya.example", 443, "/"}},
	} {
		got, err := ParseTarget(tc.in)
		if err != nil || got != tc.want {
			t.Errorf("ParseTarget(%q) = %+v, %v; want %+v", tc.in, got, err, tc.want)
			continue
		}
		if again, err := ParseTarget(got.String()); err != nil || again != got {
			t.Errorf("ParseTarget(%q) = %+v, %v; want it unchanged", got, again, err)
		}
	}
}

func TestParseTargetRefuses(t *testing.T) {
	for _, in := range []string{
		"", " ", "/", "/group", ":443", "https://", "https:///x", "http://vpn.example.com", "ftp://vpn.example.com", "file:///etc/passwd", "unix:///run/x",
		"alice:s3cret@vpn.example.com", "https://alice@vpn.example.com/", "vpn.example.com?x=1", "vpn.example.com/g?x=1", "vpn.example.com/g#top",
		"vpn.example.com:", "vpn.example.com:0", "vpn.example.com:65536", "vpn.example.com:-1", "vpn.example.com:+1", "vpn.example.com:443x", "vpn.example.com:https",
		"2001:db8::1", "[2001:db8::1", "[2001:db8::1]x", "[vpn.example.com]", "[192.0.2.1]", "[fe80::1%eth0]", "[]", "0.0.0.0", "[::]", "224.0.0.1", "[ff02::1]",
		"192.0.2.256", "1.2.3", "0x7f.1", "2130706433", "vpn..example.com", ".example.com", "-vpn.example.com", "vpn-.example.com", "vpn example.com",
		"vpn.exa\x00mple.com", "vpn.example.com/a\rb", "vpn.example.com/%0d%0aHost", "vpn.example.com/a//b", "vpn.example.com/../x", "vpn.example.com/.",
		"vpn.example.com/a\\b", "münchen.example", "v;n.example.com", "$(id).example", strings.Repeat("a", 64) + ".example", strings.Repeat("a.", 127) + "example",
		"vpn.example.com/" + strings.Repeat("x", 1025), strings.Repeat("x", 4000),
	} {
		got, err := ParseTarget(in)
		if err == nil {
			t.Errorf("ParseTarget(%q) = %+v, want a refusal", in, got)
			continue
		}
		fe := fault.As(err)
		if fe.Code != fault.UseTarget || fe.Detail == "" {
			t.Errorf("ParseTarget(%q): %v, want USE-002 with a reason", in, err)
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the error repeats a password: %v", err)
		}
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{"vpn.example.com", "https://vpn.example.com:8443/staff", "[2001:db8::1]:8443/a b", "vpn.example.com/%41", "1.2.3.4:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseTarget(s)
		if err != nil {
			return
		}
		if got.Host == "" || got.Port == 0 || got.Path == "" || got.Path[0] != '/' || strings.ContainsAny(got.String(), " \r\n\x00@?#") {
			t.Fatalf("ParseTarget(%q) = %+v", s, got)
		}
		if again, err := ParseTarget(got.String()); err != nil || again != got {
			t.Fatalf("ParseTarget(%q) = %+v, which comes back as %+v, %v", s, got, again, err)
		}
	})
}
