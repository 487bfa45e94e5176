package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

func TestTransportForPeople(t *testing.T) {
	noon := time.Date(2026, 5, 4, 12, 0, 0, 0, time.Local)
	at := func(d time.Duration) *time.Time { t := noon.Add(d); return &t }
	for _, tt := range []struct {
		name string
		st   ipc.State
		want string
	}{
		{"the faster one", ipc.State{Transport: "dtls", TransportSince: at(-time.Hour)}, "DTLS"},
		{"an older agent", ipc.State{Transport: "tls", TransportReason: "UDP blocked"}, "TLS: UDP blocked"},
		{"just begun", ipc.State{Transport: "tls", TransportReason: "DTLS is being set up", TransportCode: ipc.TransportSetup, TransportSince: at(0)}, "TLS: DTLS is being set up"},
		{"blocked", ipc.State{Transport: "tls", TransportReason: "UDP blocked", TransportCode: ipc.TransportUDPBlocked, TransportSince: at(-78 * time.Minute), TransportRetryAt: at(4 * time.Minute)},
			"TLS: this network blocks UDP since 10:42, next try in 4 min"},
		{"since yesterday, under way", ipc.State{Transport: "tls", TransportReason: "x", TransportCode: ipc.TransportUDPUnstable, TransportSince: at(-13 * time.Hour), TransportRetryAt: at(-time.Second)},
			"TLS: UDP comes and goes since 2026-05-03 23:00, trying again now"},
		{"for good", ipc.State{Transport: "tls", TransportReason: "gateway offers no DTLS", TransportCode: ipc.TransportNoOffer, TransportSince: at(-time.Hour)}, "TLS: gateway offers no DTLS"},
		{"in the agent's words", ipc.State{Transport: "tls", TransportReason: "DTLS refused: it\x1b[2J broke off", TransportCode: "of tomorrow", TransportSince: at(-time.Hour), TransportRetryAt: at(time.Minute)},
			"TLS: DTLS refused: it [2J broke off since 11:00, next try in 1 min"},
	} {
		if got := transport(tt.st, noon); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestVersionOfAnotherAgent(t *testing.T) {
	for newer, want := range map[int]string{-1: "older", 0: "", 1: "newer"} {
		r := play(t, t.Context(), &backend{newer: newer}, nil, "", "version")
		if r.exit != 0 || want == "" && r.err != "" || !strings.Contains(r.err, want) || want != "" && !strings.Contains(r.err, "\nhint: ") {
			t.Errorf("%d: %+v", newer, r)
		}
	}
}
