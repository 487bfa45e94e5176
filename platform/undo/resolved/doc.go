// Package resolved sets and takes back what systemd-resolved knows of one link, over D-Bus (org.freedesktop.resolve1(5)).
//
// Set carries everything out and reads it back: servers, domains (those of the search list, and those that only route), whether the link answers for names that no link's
// domain matches, and what must be off on a tunnel: DNS over TLS (inside servers rarely have it), DNSSEC (private zones do not validate), LLMNR and multicast
// DNS (nobody is there). Revert makes resolved forget all of it; resolved does so by itself when the link goes, so nothing of it survives the device.
//
// Outside Linux there is nothing but the types. It imports platform/sysbus.
package resolved
