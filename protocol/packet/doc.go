// Package packet lays out packets so that no layer copies them.
//
// A Batch is an arena of slots. A packet starts at Headroom inside its slot; every header of ours (CSTP 8 bytes, DTLS 22, ESP 16) is written just below
// it, every tag just above, in place:
//
//	slot: | headroom 64 ........ hdr | packet ............ | tag .. tailroom 64 |
//
// A batch belongs to one goroutine at a time; nothing here locks or allocates after New.
package packet
