package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/checkup"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// ill is a report on a gateway whose certificate is for another name.
func ill() checkup.Report {
	return checkup.Report{Target: "Head office", Layers: []checkup.Layer{
		{Layer: checkup.Link, OK: true, Detail: "eth0 192.0.2.2"},
		{Layer: checkup.DNS, OK: true, Detail: "198.51.100.1", TookMS: 3},
		{Layer: checkup.Certificate, Detail: "the gateway's certificate is for another name: it is for www.example\x1b[2J", Code: fault.TLSName},
		{Layer: checkup.UDP443, Skipped: true, Detail: "not reached"},
	}, Verdict: checkup.Verdict{Layer: checkup.Certificate, Code: fault.TLSName, Message: "certificate: the gateway's certificate is for another name", Hint: "connect with the name that is in the certificate"}}
}

func well() checkup.Report {
	return checkup.Report{Target: "vpn.example", Session: true, Layers: []checkup.Layer{{Layer: checkup.Link, OK: true, Detail: "eth0 192.0.2.2"}},
		Verdict: checkup.Verdict{Message: "nothing stands in the way of a login", Hint: "log in with: holdfast connect"}}
}

// doctors answers with a report and keeps what it was asked.
func doctors(r checkup.Report, err error, asked *DoctorOptions) Deps {
	return Deps{Doctor: func(_ context.Context, o DoctorOptions) (checkup.Report, error) {
		*asked = o
		if o.Progress != nil {
			o.Progress("the name")
		}
		return r, err
	}}
}

func TestDoctor(t *testing.T) {
	var asked DoctorOptions
	pin := "sha256:" + strings.Repeat("0A:", 31) + "0A"
	r := playWith(t.Context(), ipc.NewClient, doctors(ill(), nil, &asked), nil, "", "doctor", " Head office ", "--pin", pin, "--timeout", "5s")
	golden(t, "doctor", []byte(r.out+r.err))
	if r.exit != 6 {
		t.Errorf("exit %d", r.exit)
	}
	if asked.Target != "Head office" || asked.Timeout != 5*time.Second || len(asked.Pins) != 1 || asked.Pins[0] != "sha256:"+strings.Repeat("0a", 32) || asked.Progress != nil {
		t.Errorf("asked %+v", asked)
	}
	r = playWith(t.Context(), ipc.NewClient, doctors(well(), nil, &asked), &person{}, "", "doctor", "vpn.example")
	if r.exit != 0 || !strings.HasSuffix(r.out, "Nothing stands in the way of a login.\nhint: log in with: holdfast connect\n") {
		t.Errorf("%+v", r)
	}
	if !strings.HasPrefix(r.err, "\r\x1b[KChecking the name…\r\x1b[Knote: a session is up") {
		t.Errorf("progress and note: %q", r.err)
	}
}

// TestDoctorJSON: one object, with the error that every command gives.
func TestDoctorJSON(t *testing.T) {
	var asked DoctorOptions
	r := playWith(t.Context(), ipc.NewClient, doctors(ill(), nil, &asked), &person{}, "", "--json", "doctor", "vpn.example")
	if r.exit != 6 || r.err != "" || strings.Count(r.out, "\n") != 1 {
		t.Fatalf("%+v", r)
	}
	var got struct {
		Target  string
		Layers  []map[string]any
		Verdict map[string]any
		Error   ipc.Error
	}
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Target != "Head office" || len(got.Layers) != 4 || got.Verdict["layer"] != "certificate" || got.Error.Exit != 6 || got.Error.Code != "TLS-002" {
		t.Errorf("%+v", got)
	}
	for _, l := range got.Layers {
		for _, key := range []string{"layer", "ok", "skipped", "detail", "took_ms"} {
			if _, there := l[key]; !there {
				t.Errorf("%v has no %s", l, key)
			}
		}
	}
	if r = playWith(t.Context(), ipc.NewClient, doctors(well(), nil, &asked), nil, "", "--json", "doctor", "vpn.example"); r.exit != 0 || strings.Contains(r.out, `"error"`) {
		t.Errorf("%+v", r)
	}
}

func TestDoctorRefusals(t *testing.T) {
	var asked DoctorOptions
	for name, tt := range map[string]struct {
		err  error
		args []string
		exit int
	}{
		"no target":        {nil, nil, 2},
		"another scheme":   {nil, []string{"http://vpn.example/"}, 2},
		"a pin that is no": {nil, []string{"vpn.example", "--pin", "x"}, 2},
		"a time too short": {nil, []string{"vpn.example", "--timeout", "1ms"}, 2},
		"no such target":   {fault.New(fault.UseTarget, nil), []string{"?"}, 2},
		"broken":           {errors.New("x"), []string{"vpn.example"}, 1},
	} {
		r := playWith(t.Context(), ipc.NewClient, doctors(well(), tt.err, &asked), nil, "", append([]string{"doctor"}, tt.args...)...)
		if r.exit != tt.exit || !strings.HasPrefix(r.err, "error: ") || r.out != "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestMarks(t *testing.T) {
	var b bytes.Buffer
	writeLayers(&b, ill(), true)
	if out := b.String(); !strings.Contains(out, "\x1b[32m✓\x1b[0m link") || !strings.Contains(out, "\x1b[31m✗\x1b[0m certificate") || !strings.Contains(out, "– udp-443") {
		t.Errorf("%q", out)
	}
}

// TestConnectPointsAtDoctor: only where there is no gateway to be found.
func TestConnectPointsAtDoctor(t *testing.T) {
	for code, want := range map[fault.Code]bool{fault.NetSilent: true, fault.NetNotVPN: true, fault.TLSUntrusted: false, fault.AuthRefused: false} {
		var asked DoctorOptions
		b := &backend{refuse: fault.New(code, nil)}
		r := playWith(t.Context(), serve(t, b), doctors(well(), nil, &asked), nil, "", "connect", "Head office", "--no-input")
		if got := strings.Contains(r.err, "hint: see which layer fails: holdfast doctor \"Head office\"\n"); got != want || r.exit != fault.Lookup(code).Exit {
			t.Errorf("%s: %+v", code, r)
		}
	}
}
