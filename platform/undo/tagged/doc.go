// Package tagged finds what is ours in the kernel: the link holdfast0, the rules and routes of protocol 72 that belong to table 18502. Who changes them
// (router, undo) and who passes over them (netmon) see the same things. It only reads, and has content on Linux alone.
package tagged
