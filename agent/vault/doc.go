// Package vault keeps the session of a running agent where the next agent finds it: the right to come back outlives a process that was killed, restarted or upgraded.
//
//	state directory     session       header | AES-256-GCM(nonce, JSON of Session)      replaced whole by a rename
//	runtime directory   session.key   32 random bytes                                   dies with the boot
//
// What is kept is the session token, the key that signs each CONNECT with it, what it takes to know the gateway again, and the session as it was: settings, owner, target, when it ends. Traffic keys and their
// counters are never written: a new agent makes new ones. Passwords and one-time codes never come here. Session lists it all.
//
// The file is worth nothing without the key, the key is in memory only where the runtime directory is (on Linux /run), and the kernel's boot id is part of what is
// authenticated: whoever finds the disk, or a copy of it, has no session. Root on the running machine has both files, as he has the agent's memory.
//
// Each Save seals anew under a fresh nonce. Load believes nothing that is not ours alone: a link, another user's file, one that others may read, one too long, of
// another boot, cut off or changed is ErrBroken, and the caller starts clean. A version that this one does not know is refused, too: after a downgrade there is no
// session, which costs a login, never a wrong one. Discard takes the key first.
//
// The directories are those of the undo journal, which has checked and locked them before: one process at a time has a Vault. Methods may be called from one goroutine at
// a time. It imports agent/machine, agent/ipc (an entry of the timeline), protocol and dart/redact; it logs nothing.
package vault
