// Package machine is the reconnect machine: everything the agent decides about its session, as one pure function.
//
//	Step(State, Event, now) (State, []Effect)
//
// There is no clock, socket, goroutine or secret here. Sessions, attempts, tunnels and prompts are numbers; the shell (package agent) keeps what is alive behind
// them. Every effect that takes time names its attempt, has a deadline in the State, and is answered by one event; what was given up and answers all the same is
// closed. The shell arms one timer, for State.Wait, and feeds Tick when it fires.
//
//	             connect                 tunnel opened          network applied
//	disconnected -------> connecting ------------------> establishing -------> connected
//	      ^                |      ^                       ^                    |       ^
//	      |         prompt |      | answer     new        |               lost |       | rebound, or the
//	      |                v      |            settings   |                    v       | old one answers
//	      |           authenticating                      +-------------- reconnecting-+
//	      |                                                                    |
//	      +--- disconnecting <--- disconnect, failure, time over               +--> connecting: session lost, one login
//
// # Reconnecting
//
// What the system or a tunnel reports is a hint. It starts a probe of the carrier in use and, beside it, a reach on every path: a verified connection to the
// gateway on which nothing has been said. Presenting the token on one of them is the commit, after which the older tunnel is gone at the gateway. So a commit is
// made only when a reach was answered and the old carrier is broken, has lost its address, or has been silent for three of the reach's round trips. While nothing
// answers, the old carrier is kept, and packets are held after three seconds. Retries go on until the gateway has forgotten the session; only the gateway's answer
// to the token ends it earlier. A carrier that works is left only for a network that the system likes better and on which the gateway has answered. What answers and is not the gateway speaks about the network in between, never about the session.
//
// Every step that decides something says why (Reason, docs/reason-codes.md).
//
// # Where things are
//
// types.go is the vocabulary shared with the shell, state.go the State, table.go what each phase does with each event, step.go deadlines and effects; connect.go,
// loss.go, network.go, reconnect.go, commit.go, better.go, portal.go, adopt.go and disconnect.go hold the rules; explain.go and tell.go put a step in words. Because the function is pure it is
// simulated against a model world in virtual time, fuzzed, recorded by the agent and replayed (package record).
//
// # The simulation
//
// world_test.go, traffic_test.go and nature_test.go are the world: a gateway, links, a user, a host that takes its time, two clocks. script_test.go is what can happen in it, by name and
// at a time. invariants_test.go holds after every step, promises_test.go over time: a session that the gateway keeps is up within a minute of a way to it, nobody is
// logged in while it lives, tries keep their pace. sim_test.go plays random scripts on all processors and shrinks what fails to a few lines, planted_test.go shows that it
// finds bugs, fuzz_test.go has scripts written by a fuzzer. testdata/scenarios holds scripts of field reports, each with its timeline as a golden.
//
// It imports pure packages of the standard library and dart/fault; a test in package agent holds it to that.
package machine
