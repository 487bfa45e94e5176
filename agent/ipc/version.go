package ipc

import (
	"slices"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// API counts what was added to the socket API, so that of two builds it can be said which is the older one. It grows with each addition that a client may want to know of; nothing is
// taken away. An agent from before it was counted says nothing, which is 0.
const API = 1

// The features an agent may offer, by the names in Version.Features. A client shows nothing that is not offered. Later ones have their names already: dart (a bundle on request), explain,
// ikev2, findings (conclusions of the diagnostics).
const (
	FeatureConnect     = "connect"     // POST connect, disconnect and prompts; GET state, events, hosts and stats
	FeatureTimeline    = "timeline"    // GET timeline
	FeatureRecord      = "record"      // GET record
	FeaturePreferences = "preferences" // GET and POST preferences
	FeatureProfiles    = "profiles"    // POST profiles
	FeatureImpair      = "impair"      // POST debug/impair
	FeatureSteps       = "steps"       // State.Step and State.Waiting
	FeatureTransport   = "transport"   // State.TransportCode and the times beside it
	FeatureBrowser     = "browser"     // prompts of kind browser
	FeatureTrust       = "trust"       // prompts of kind trust; GET and POST trust
	FeatureDart        = "dart"
	FeatureExplain     = "explain"
	FeatureIKEv2       = "ikev2"
	FeatureFindings    = "findings"
)

// uncounted is what agents offered that did not say.
var uncounted = []string{FeatureConnect, FeatureTimeline, FeatureRecord, FeaturePreferences, FeatureProfiles, FeatureImpair}

// Features is what the agent of this build offers, sorted.
func Features() []string {
	return slices.Sorted(slices.Values(append(slices.Clone(uncounted), FeatureSteps, FeatureTransport, FeatureBrowser, FeatureTrust)))
}

// Offers reports whether the agent of this version has a feature.
func (v Version) Offers(feature string) bool {
	if v.API == 0 {
		return slices.Contains(uncounted, feature)
	}
	return slices.Contains(v.Features, feature)
}

// Mismatch is what to tell a person about an agent that is older (AGENT-005) or newer (AGENT-006) than the client that asks; nil where they fit. Both work together all the same, as far as
// the older one goes.
func (v Version) Mismatch() *fault.Error {
	switch {
	case v.API < API:
		return fault.New(fault.AgentOlder, nil)
	case v.API > API:
		return fault.New(fault.AgentNewer, nil)
	}
	return nil
}
