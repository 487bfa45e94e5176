package ipc

import (
	"slices"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

func TestVersionMismatch(t *testing.T) {
	for name, tt := range map[string]struct {
		agent Version
		want  fault.Code
	}{
		"from before it was counted": {Version{Version: "0.1.0"}, fault.AgentOlder},
		"the same":                   {Version{Version: "9", API: API}, ""},
		"newer":                      {Version{API: API + 1}, fault.AgentNewer},
	} {
		got := fault.Code("")
		if f := tt.agent.Mismatch(); f != nil {
			got = f.Code
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestVersionOffers(t *testing.T) {
	old := Version{Version: "0.1.0"}
	if !old.Offers(FeaturePreferences) || old.Offers(FeatureTransport) {
		t.Error("an agent from before features were named offers what there was then, and no more")
	}
	now := Version{API: API, Features: Features()}
	for _, f := range []string{FeatureConnect, FeaturePreferences, FeatureTimeline, FeatureRecord, FeatureSteps, FeatureTransport} {
		if !now.Offers(f) {
			t.Errorf("this build does not offer %s", f)
		}
	}
	for _, f := range []string{FeatureDart, FeatureExplain, FeatureIKEv2, FeatureFindings, ""} {
		if now.Offers(f) {
			t.Errorf("this build offers %q", f)
		}
	}
	if !slices.IsSorted(now.Features) {
		t.Error("not sorted")
	}
	newer := Version{API: API + 1, Features: []string{FeatureDart}}
	if newer.Offers(FeatureConnect) || !newer.Offers(FeatureDart) {
		t.Error("a newer agent offers what it says")
	}
}
