// Package agent is the shell around the pure machine: it owns the session, runs what agent/machine decides, and is the only thing that changes the host.
//
//	clients --agent/ipc--> client.go --calls--.                         .--> attempt workers --> protocol.Connector
//	network, power, timer, clocks ------------+--> loop --machine.Step--+--> applier ---------> platform.Host
//	workers, tunnels -------------- reports --'      |                  '--> pump (agent/dataplane)
//	                                                 '--> state, timeline, prompts --> ipc.Hub
//
// One goroutine, the loop, owns the machine's State and everything alive behind its numbers (resources). It never waits: what takes time is done by a worker,
// and comes back as exactly one report through the inbox. A worker that hangs costs its deadline, which stands in the State, and nothing else; what it
// brings too late is closed. Clients' calls run in the loop as short functions; the state is read beside it, so that it can be asked when the loop is stuck.
//
//	goroutine        owns                                   ends
//	loop             State, resources, record, timeline     context done and Disconnected reached, or 5 s later
//	attempt workers  one login, reach, commit, probe, close with their one report
//	watchers         one tunnel's notifications             Tunnel.Close
//	guard            the end of one device                  that
//	applier          device, pump, all changes of the host  inbox closed; runs the final revert
//	keeper           the vault                              after the others, with everything written
//
// Run waits for all of them, 5 s at most.
//
// An agent ends in one of three ways. An end undoes everything. Left (Run's context has the cause ErrRestarting), a session stays: the vault is written, tunnels are closed without a word, the device stays. Killed, it
// is the same with what the vault had by then, which is written whenever packets begin to flow. The next agent gets it as Config.Saved and takes it up: the machine hears EvAdopted first of all,
// and has the host looked at and the gateway asked at the same time.
//
// Secrets pass through here and stay nowhere: an answer goes from the socket straight to the worker that asked, the token lies in the tunnel's
// SessionRef, and sealed in the vault. Neither is ever in State, Event, timeline, status or log. At level info the log has phases, codes and interfaces, no names and no inside addresses.
//
// By file: agent.go what it is made of; loop.go the loop, its timer and clocks; runner.go effects and reports; attempt.go workers towards the gateway; look.go the look for captive portals; session.go
// the session on this host; apply.go the applier; plan.go settings to host configuration; heal.go what others remove from it; network.go ways to the gateway; power.go sleep; prompts.go questions; signing.go those for a private key; client.go
// the verbs and who may use them; target.go what a client asked for; status.go the state; progress.go how far a login is; preferences.go what users chose; import.go profiles that root puts in; timeline.go, remember.go what is kept;
// delivered.go the profiles of gateways; trusted.go the keys of gateways that users accepted; alert.go the word before a session ends; adopt.go, keep.go, leave.go a session that outlives its agent.
//
// It may import agent/machine, agent/machine/record, agent/ipc, agent/vault, agent/dataplane, profile, platform, protocol and the leaves; the protocols themselves are wired in cmd/holdfastd.
package agent
