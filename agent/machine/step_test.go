package machine

import "testing"

// TestEveryPairHasARule: a phase that forgot a kind of event would panic.
func TestEveryPairHasARule(t *testing.T) {
	for p := range phaseEnd {
		for k := EvTick; k < evEnd; k++ {
			if r := table[p][k]; r.do == nil || r.name == "" {
				t.Errorf("%v has no rule for %v", p, k)
			}
		}
	}
}
