// Package tunif makes the tunnel's network interface.
//
// On Linux that is the tun link holdfast0, opened through /dev/net/tun; package queue moves batches through it with segmentation offload. The link is persistent: it outlives the process that
// made it, with its addresses and the routes that lead to it, and drops what is sent into it while nobody has it open. The next process's Open takes it over, if the undo journal still lists it, by the descriptor that
// platform.Keeper has kept or by its name, and checks that it is what we make. Close deletes it, unless it was told to Leave it; so does the undo journal.
//
// Before it is up the link gets no address of its own making (the kernel would put an fe80:: on it and solicit into the tunnel) and takes no router
// advertisement or redirect: they could only come from the other end of the tunnel, which has no say in this machine's routes.
//
// There is one device at a time. Elsewhere Open is HOST-007. It imports dart/fault, platform, platform/undo and queue.
package tunif
