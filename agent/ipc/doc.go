// Package ipc is the local API: HTTP/1.1 with JSON over a unix socket or a named pipe, under /v1/ (contract: the socket API).
//
//	client --HTTP over socket--> Server --verb table--> Backend (package agent)
//	                               ^------- events -------- Hub <--- the agent's loop
//
// # Who may do what
//
// The identity of a client is the kernel's word for it, taken once per connection (platform/localsock). Every request passes the same gates in the same order:
// number of clients, membership, no Origin header (a browser), a verb of the table, its method, its rule, and then the body: at most 1 MiB, one JSON object, known
// fields only, every text bounded. What is not allowed is refused. No message carries a path, a command, a module, a URL to fetch or a port; the one
// exception is the target of connect, which the agent parses itself. docs/security.md holds the table for people; a test holds the two equal.
//
// A session has one owner, named by localsock.Peer.ID. Owner and root see everything; others see Reduce of the state and nothing else: no prompt, no notice,
// no timeline. Reduction is done here, so that the agent publishes one full state and cannot forget it. The server asks the Backend who the owner is before it
// calls it, and the owner may change in between: where it matters the Backend, which gets the peer, checks again in its own loop.
//
// # Events
//
// A stream of events begins with the whole state. After that state is conflated: a client that reads slowly gets the newest and never a backlog. Prompts,
// notices and timeline entries are queued; a client whose queue is full, or who takes longer than 5 s to read what was written to him, is cut off and
// starts over with the whole state. A stream ends when the client closes it or the agent stops. Client.Follow and Timeline go on with the agent that takes its place within half a minute: a restart or
// an upgrade of the agent ends no tray and no `timeline --follow`.
//
// Whatever a client shows comes by events, but for what moves by itself: counters, and when the gateway was last heard. Who shows these asks for the statistics while somebody looks; once a second that
// is a tenth of a percent of a processor for the agent. Times in a state are points in time, not what is left of them, so that nobody needs to be told that a second has gone by.
//
// # Answers
//
// GET state, stats and version answer with one object; timeline and hosts with one object per line; connect with 202 and an id that appears as `attempt` in the
// state. Numbers and codes in a state (transport_code, step, an entry's code) stand beside English words, so that a client can say them in another language. An error is {"error":{"code","message","hint"}}; several hints are lines of `hint`. Client turns it back into the *fault.Error it was.
//
// # Older and newer agents
//
// Nothing is taken away from the API, and what is added is absent in an older agent: keys of a state, events of a type that a client does not know, which it passes over, features.
// Version names the features that an agent offers, so that a client shows nothing that cannot work, and counts the API, so that it can say which of the two is older (Version.Mismatch:
// AGENT-005, AGENT-006). They work together all the same.
//
// # Goroutines
//
// Serve runs one goroutine that accepts and net/http's one per connection; it returns when they have ended, or 2 s after its context did. Hub and Client start none.
//
// The package imports dart/fault, dart/redact and platform/localsock, and never protocol: it has messages of its own.
package ipc
