// Package offline holds what the command line does when no agent runs. So far that is Rescue: every change of ours to this machine is undone.
//
// It starts no goroutine and talks to no agent: an agent that lives holds the lock of the undo journal, which Rescue takes. It may import platform and
// protocol, as package agent does; the command line gets its functions as values.
package offline
