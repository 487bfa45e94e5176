package impair

import (
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Spec{
		"off":                 {},
		"dtls=drop,30s":       {Kind: DTLSDrop, For: 30 * time.Second},
		"tls=stall,10s":       {Kind: TLSStall, For: 10 * time.Second},
		"tls=close":           {Kind: TLSClose},
		"link=down,3s":        {Kind: LinkDown, For: 3 * time.Second},
		"gateway=refuse,5s":   {Kind: GatewayRefuse, For: 5 * time.Second},
		"mtu=1280,30s":        {Kind: MTU, Size: 1280, For: 30 * time.Second},
		"loss=20%,30s":        {Kind: Loss, Percent: 20, For: 30 * time.Second},
		"latency=200ms,30s":   {Kind: Latency, Delay: 200 * time.Millisecond, For: 30 * time.Second},
		"latency=1.5s,1m30s":  {Kind: Latency, Delay: 1500 * time.Millisecond, For: 90 * time.Second},
		"sleep=10s":           {Kind: Sleep, Delay: 10 * time.Second},
		"mtu=576,100ms":       {Kind: MTU, Size: 576, For: 100 * time.Millisecond},
		"gateway=refuse,600s": {Kind: GatewayRefuse, For: 10 * time.Minute},
	} {
		got, err := Parse(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
		if again, err := Parse(got.String()); err != nil || again != got {
			t.Errorf("%q comes back as %q: %+v, %v", text, got, again, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"", "on", "dtls", "dtls=drop", "dtls=drop,", "dtls=drop,0s", "dtls=drop,-1s", "dtls=drop,99ms", "dtls=drop,11m", "dtls=drop,1s,1s", "dtls=stall,1s", "DTLS=drop,1s",
		" dtls=drop,1s", "tls=close,1s", "tls=close,", "link=up,1s", "gateway=198.51.100.1,1s", "mtu=575,1s", "mtu=1501,1s", "mtu=+1280,1s", "mtu=01280,1s", "mtu=1280", "loss=20,1s", "loss=0%,1s",
		"loss=101%,1s", "loss=%,1s", "latency=0s,1s", "latency=6s,1s", "latency=1s", "sleep=2s", "sleep=11m", "sleep=10s,1s", "sleep", "off,1s", "off=1", "dtls=drop,9999999h999999h99999h9999h99h9999h99h99h9999h99h"} {
		if got, err := Parse(text); err == nil || fault.As(err).Code != fault.UseBad {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

// FuzzParse: what is taken is in bounds, and the same when it is read again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"off", "dtls=drop,30s", "mtu=1280,30s", "loss=20%,30s", "latency=200ms,30s", "sleep=10s", "tls=close", "mtu=1280,1e3s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(s.String()); err != nil || again != s {
			t.Errorf("%q is %q, which is %+v, %v", text, s, again, err)
		}
		if s.Kind >= kinds || s.For < 0 || s.For > maxFor || s.Delay < 0 || s.Delay > maxFor || s.Size != 0 && (s.Size < minMTU || s.Size > maxMTU) || s.Percent < 0 || s.Percent > 100 {
			t.Errorf("%q is out of bounds: %+v", text, s)
		}
	})
}
