// Package machine is the reconnect machine: everything the agent decides, as one pure function.
//
//	Step(State, Event, now) (State, []Effect)
//
// There is no clock, socket, goroutine or secret here. Sessions, attempts, tunnels and prompts are numbers; the shell (package agent) keeps what is alive behind
// them. Every effect names the attempt it belongs to, is given a deadline in the State, and is answered by exactly one event. The shell arms one timer, for
// State.NextDeadline, and feeds Tick when it fires.
//
// Because the function is pure, it is simulated against a model world in virtual time (sim_test.go), fuzzed, recorded by the agent, and replayed from a bundle.
package machine
