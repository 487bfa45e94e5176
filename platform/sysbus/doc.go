// Package sysbus is a short way to the system's D-Bus: one call at a time, none of them waits longer than a second, and nothing is ever started by asking.
//
// The bus is the one at its fixed path, whatever the environment says. That it answers proves little: a network namespace shares the socket with the host, and then
// the services behind it speak of another network. Of asks who a name belongs to, and whether that process lives in our network.
//
// Descriptor is the one call that brings a file descriptor. It has a connection of its own, for as long as the call takes: on a lasting one that accepts descriptors, any user of the machine
// could fill our table of open files.
//
// Hear and Watch take signals of the bus itself and of the owner of one name. What other users send us, which nothing prevents, is dropped before it is queued, however much it is.
//
// Await waits for a bus where there is none, or where the one there was has gone.
//
// The caller closes the Bus, from any goroutine; Watch and Hear return then. Outside Linux there is nothing but the type Network. It imports godbus and nothing of ours.
package sysbus
