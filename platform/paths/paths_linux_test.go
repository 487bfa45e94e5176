package paths

import "testing"

func TestContract(t *testing.T) {
	if got, want := Default(), (Dirs{"/var/lib/holdfast", "/run/holdfast", "/etc/holdfast/profile"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := Socket("/tmp/x"); got != "/tmp/x/agent.sock" {
		t.Errorf("socket %q", got)
	}
}
