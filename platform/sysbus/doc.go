// Package sysbus is a short way to the system's D-Bus: one call at a time, none of them waits longer than a second, and nothing is ever started by asking.
//
// The bus is the one at its fixed path, whatever the environment says. That it answers proves little: a network namespace shares the socket with the host, and then
// the services behind it speak of another network. Of asks who a name belongs to, and whether that process lives in our network.
//
// The caller closes the Bus, from any goroutine; Watch returns then. Outside Linux there is nothing but the type Network. It imports godbus and nothing of ours.
package sysbus
