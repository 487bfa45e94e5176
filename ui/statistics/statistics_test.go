package statistics

import (
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// TestModes: each way of sending packets is told apart, for each family on its own.
func TestModes(t *testing.T) {
	yes, no := true, false
	for name, tc := range map[string]struct {
		state     ipc.State
		four, six Word
	}{
		"everything, and only IPv4 inside":    {ipc.State{TunnelAll: &yes, Addresses: []string{"10.0.0.2/32"}}, TunnelAll, DropAll},
		"everything but networks":             {ipc.State{TunnelAll: &yes, Addresses: []string{"10.0.0.2/32", "fd00::2/128"}, SplitExclude: []string{"192.168.0.0/16"}}, SplitExclude, SplitExclude},
		"networks of one family":              {ipc.State{TunnelAll: &no, Addresses: []string{"10.0.0.2/32"}, SplitInclude: []string{"10.0.0.0/8"}}, SplitTunnel, BypassAll},
		"no session":                          {ipc.State{}, BypassAll, BypassAll},
		"a gateway that says what no one can": {ipc.State{TunnelAll: &no, SplitInclude: []string{"10.0.0.0/99", "x"}}, BypassAll, BypassAll},
	} {
		rows := Of(ipc.Stats{State: tc.state}, time.Time{})[0].Rows
		if rows[1].Value.Word != tc.four || rows[2].Value.Word != tc.six {
			t.Errorf("%s: %v and %v, want %s and %s", name, rows[1].Value, rows[2].Value, tc.four, tc.six)
		}
	}
}

// TestKeys: no two rows share a key, every word has English, and a state that is not ours is shown as it came.
func TestKeys(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Of(ipc.Stats{State: ipc.State{State: "dreaming\n"}}, time.Time{}) {
		for _, r := range s.Rows {
			if seen[r.Key] {
				t.Errorf("row %s twice", r.Key)
			}
			seen[r.Key] = true
			if r.Value.String() == "" {
				t.Errorf("row %s says nothing", r.Key)
			}
		}
		if s.Key == "connection" && s.Rows[0].Value.String() != "dreaming" {
			t.Errorf("an unknown state became %q", s.Rows[0].Value)
		}
	}
	for _, s := range states {
		if english[Word(s)] == "" {
			t.Errorf("no word for %s", s)
		}
	}
	if got := (Value{Word: Remaining, Left: 125 * time.Minute}).String(); got != "2 Hours 5 Minutes Remaining" {
		t.Error(got)
	}
}
