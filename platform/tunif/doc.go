// Package tunif makes the tunnel's network interface.
//
// On Linux that is the tun link holdfast0: we open /dev/net/tun ourselves, because the library's own way keeps a goroutine that wakes every second, and hand
// the descriptor to golang.zx2c4.com/wireguard/tun, which moves batches with segmentation offload. The link is not persistent: it goes with the descriptor, and so
// with the process, and with it its addresses and the routes that lead to it.
//
// Before it is up the link gets no address of its own making (the kernel would put an fe80:: on it and solicit into the tunnel) and takes no router
// advertisement or redirect: they could only come from the other end of the tunnel, which has no say in this machine's routes.
//
// There is one device at a time. Elsewhere Open is HOST-007. It imports dart/fault, platform and platform/undo.
package tunif
