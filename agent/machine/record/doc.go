// Package record keeps what the reconnect machine was told and what it decided, so that every reconnect can be replayed.
//
//	loop --(now, event, phase, reason, effects)--> Ring --Save--> file or bundle --Load--> Record --Replay--> the same decisions, or the first that differs
//
// A record is the State before its first step and one JSON line per step. The Ring is bounded in bytes: what falls out at the old end is applied to the first
// State, which the machine's purity makes exact. There is nothing secret in a record by construction: State, Event and Effect hold numbers, times, addresses and
// two kinds of text, the name of an interface and the event's evidence, which is cleaned and cut here. A test holds the types to that.
//
// It imports agent/machine and dart/fault only. It starts no goroutine and a Ring has no lock: it belongs to the agent's loop.
package record
