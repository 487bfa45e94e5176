// Package undo is the write-ahead journal of what we change on a machine: whatever is about to be made is written down first, so that a crash at any
// instant is mended by the next start, or by a rescue without an agent.
//
// Each owner of changes (the device, the router, the resolver) has one slot, which lists everything of his that may exist right now. A plan is
// carried out in this order:
//
//	Put(slot, old and new)  ->  the changes, Step between them  ->  read back  ->  Put(slot, new)
//
// and the zero plan ends with an empty slot. An Entry names what it undoes by kind (a route, a rule, an address or the link of ours, one of a fixed list of
// settings, resolv.conf); there are no free paths and no commands in the journal, so that who could forge it could not aim it at anything else.
//
// The journal is two small files that are replaced whole, by a rename: what dies with the kernel stands in the runtime directory and needs no
// fsync, what survives a reboot (resolv.conf) stands in the state directory and is brought to the disk before the change. Each line of them is one slot with a
// checksum; reading stops at the first line that is not whole.
//
// Recover undoes every entry and then sweeps by tag: rules and routes of protocol 72 that belong to table 18502, a tun link called holdfast0, the
// marked lines of resolv.conf. It is idempotent, and it goes on after a failure: what could not be undone stays listed.
//
// Open takes the lock of the network and of both directories, which an agent holds while it lives (HOST-005 for everybody else, whatever directories he
// names: the sweep by tag would take the live agent's routes), and refuses directories that others could write to or put in our way (HOST-006). The network's lock is a file in
// /run that bears the number of the network namespace: agents in namespaces of their own do not meet. The caller owns the Journal; its methods may be called from any goroutine. It imports dart/fault and platform.
package undo
