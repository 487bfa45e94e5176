// Package queue moves packets through a Linux TUN device in batches, with segmentation offload both ways.
//
//	Read:   one TSO packet of up to 64 KiB  --split-->  packets of the flow's segment size, one per slot
//	        and again, until the device has nothing more or no slot is left
//	Write:  packets of a batch  --merge-->  runs of a flow, one writev each: the payloads stay in their slots
//
// golang.zx2c4.com/wireguard/tun does the same and is not used here for four costs, each seen in a profile of the agent: it reads once per call, so that a download's
// confirmations leave one by one; it copies a run together before it writes it, which needs slots of 64 KiB; it keeps two maps of flows; and its descriptor is in
// the runtime's poller, which wakes for every packet, also for those that nobody waits for yet.
//
// Here a Read that finds nothing waits in poll(2), in its own thread, for the device or for Close.
//
// split and merge are pure. A run is merged as Linux' own GRO does it: same addresses, ports, hop limit, traffic class and options, same acknowledgement and window, next
// sequence number, right checksums, equal sizes but for a shorter last; PSH ends it. Nothing allocates per packet.
//
// Acknowledgements without data that a later one of the same batch makes superfluous are left out, up to the 64 KiB that a receiver with merging of its own confirms
// at once. A gateway without it confirms every second packet of an upload, and each of those costs the sender's TCP as much as a run of data.
//
// It imports only golang.org/x/sys.
package queue
