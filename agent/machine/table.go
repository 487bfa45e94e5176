package machine

// rule is what one phase does with one kind of event.
type rule struct {
	name string
	do   func(*step)
}

// row lists what a phase does by kind of event.
type row [evEnd]rule

// keep is the rule for an event that means nothing here.
var keep = rule{"keep", func(*step) {}}

// anywhere is what holds in every phase unless the phase says otherwise. It names every kind of event.
var anywhere = row{
	EvTick:                keep, // deadlines are looked at after every event
	EvConnectRequested:    keep,
	EvDisconnectRequested: {"disconnect", (*step).disconnect},
	EvShutdown:            {"shutdown", (*step).shutdown},
	EvPromptNeeded:        {"withdraw", (*step).latePrompt},
	EvPromptAnswered:      keep,
	EvPromptCancelled:     keep,
	EvTunnelOpened:        {"close late tunnel", (*step).lateTunnel},
	EvAttemptFailed:       keep,
	EvReached:             {"cancel late reach", (*step).lateReach},
	EvReachFailed:         keep,
	EvRebound:             {"close late tunnel", (*step).lateTunnel},
	EvRebindFailed:        keep,
	EvNetworkApplied:      keep,
	EvApplyFailed:         keep,
	EvReverted:            keep,
	EvCarrierDown:         keep,
	EvPeerDead:            keep,
	EvServerClosed:        keep,
	EvRekeyDue:            keep,
	EvSilence:             keep,
	EvHeard:               keep,
	EvProbed:              keep,
	EvProbeFailed:         keep,
	EvTunnelClosed:        {"note closed", (*step).tunnelClosed},
	EvNetworkChanged:      {"note paths", (*step).notePaths},
	EvSuspending:          keep,
	EvResumed:             {"thaw", (*step).thaw},
	EvAnswered:            keep,
	EvWaitBegan:           keep,
	EvWaitEnded:           keep,
	EvDeviceGone:          keep,
	EvCarrierChanged:      keep,
	EvMTUChanged:          keep,
	EvRenewDue:            keep,
	EvKeysChanged:         keep,
	EvLooked:              keep,
	EvAdopted:             keep,
}

// idle is what the phases without a session do.
var idle = over(anywhere, row{
	EvConnectRequested:    {"connect", (*step).connect},
	EvDisconnectRequested: {"stay down", (*step).stayDown},
	EvShutdown:            {"stop", (*step).stayDown},
})

// table lists every pair of phase and event.
var table = [phaseEnd]row{
	Disconnected: over(idle, row{
		EvAdopted: {"take it up", (*step).adopt},
	}),
	Paused:  idle,
	Blocked: idle,
	Connecting: over(anywhere, row{
		EvPromptNeeded:  {"ask", (*step).ask},
		EvTunnelOpened:  {"establish", (*step).opened},
		EvAttemptFailed: {"next server or fail", (*step).loginFailed},
		EvAnswered:      {"note answer", (*step).gatewayAnswered},
		EvWaitBegan:     {"stop our time", (*step).waitBegan},
		EvWaitEnded:     {"go on", (*step).waitEnded},
		EvLooked:        {"next server or fail", (*step).looked},
		EvDeviceGone:    {"end", (*step).deviceGone},
	}),
	Authenticating: over(anywhere, row{
		EvPromptNeeded:    {"ask", (*step).ask},
		EvPromptAnswered:  {"go on", (*step).promptAnswered},
		EvPromptCancelled: {"refuse", (*step).promptCancelled},
		EvTunnelOpened:    {"establish", (*step).opened},
		EvAttemptFailed:   {"next server or fail", (*step).loginFailed},
		EvDeviceGone:      {"end", (*step).deviceGone},
	}),
	Establishing: over(anywhere, row{
		EvNetworkApplied: {"start", (*step).applied},
		EvApplyFailed:    {"undo", (*step).applyFailed},
		EvCarrierDown:    {"note loss", (*step).lostEarly},
		EvPeerDead:       {"note loss", (*step).lostEarly},
		EvServerClosed:   {"note loss", (*step).lostEarly},
		EvRekeyDue:       {"note rekey", (*step).noteRekey},
		EvRenewDue:       {"note rekey", (*step).noteRekey},
		EvMTUChanged:     {"note plan", (*step).notePlan},
		EvDeviceGone:     {"end", (*step).deviceGone},
		EvSuspending:     {"freeze or end", (*step).suspend},
	}),
	Connected: over(anywhere, row{
		EvReached:        {"commit or wait", (*step).reached},
		EvReachFailed:    {"try again", (*step).reachFailed},
		EvCarrierDown:    {"reconnect", (*step).carrierDown},
		EvPeerDead:       {"reconnect", (*step).peerDead},
		EvServerClosed:   {"ask again or end", (*step).serverClosed},
		EvRekeyDue:       {"renew", (*step).rekey},
		EvRenewDue:       {"renew", (*step).rekey},
		EvKeysChanged:    {"show it", (*step).keysChanged},
		EvSilence:        {"probe", (*step).silence},
		EvHeard:          {"keep the carrier", (*step).heard},
		EvProbed:         {"keep the carrier", (*step).probed},
		EvProbeFailed:    {"go on looking", (*step).probeFailed},
		EvNetworkChanged: {"probe or move", (*step).networkChanged},
		EvSuspending:     {"freeze or end", (*step).suspend},
		EvResumed:        {"probe", (*step).resumed},
		EvDeviceGone:     {"end", (*step).deviceGone},
		EvCarrierChanged: {"show it", (*step).carrierChanged},
		EvMTUChanged:     {"apply it", (*step).mtuChanged},
		EvLooked:         {"note it", (*step).looked},
		EvNetworkApplied: {"account for it", (*step).refitted},
		EvApplyFailed:    {"undo", (*step).applyFailed},
	}),
	Reconnecting: over(anywhere, row{
		EvConnectRequested: {"try now", (*step).urged},
		EvReached:          {"commit or wait", (*step).reached},
		EvReachFailed:      {"try again", (*step).reachFailed},
		EvRebound:          {"go on", (*step).rebound},
		EvRebindFailed:     {"try again or log in", (*step).rebindFailed},
		EvCarrierDown:      {"note loss", (*step).carrierDown},
		EvPeerDead:         {"note loss", (*step).peerDead},
		EvServerClosed:     {"ask again or end", (*step).serverClosed},
		EvHeard:            {"keep the carrier", (*step).heard},
		EvProbed:           {"keep the carrier", (*step).probed},
		EvProbeFailed:      {"go on looking", (*step).probeFailed},
		EvNetworkChanged:   {"start over", (*step).networkChanged},
		EvSuspending:       {"freeze or end", (*step).suspend},
		EvResumed:          {"probe", (*step).resumed},
		EvDeviceGone:       {"end", (*step).deviceGone},
		EvCarrierChanged:   {"show it", (*step).carrierChanged},
		EvMTUChanged:       {"note plan", (*step).notePlan},
		EvLooked:           {"name a portal", (*step).looked},
		EvNetworkApplied:   {"note it", (*step).inPlace},
		EvApplyFailed:      {"undo", (*step).applyFailed},
	}),
	Disconnecting: over(anywhere, row{
		EvConnectRequested:    {"connect after", (*step).connectAfter},
		EvDisconnectRequested: {"stay down", (*step).stayDown},
		EvShutdown:            {"stop", (*step).stayDown},
		EvReverted:            {"finish", (*step).reverted},
		EvApplyFailed:         {"finish", (*step).revertFailed},
	}),
}

// over returns base with the rules of r in place of its own.
func over(base, r row) row {
	for k, rule := range r {
		if rule.do != nil {
			base[k] = rule
		}
	}
	return base
}
