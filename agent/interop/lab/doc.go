// Package lab is what the measurements in agent/interop have in common: programs that run beside them in network namespaces, and what is asked of these programs.
//
//	Lab           folder, certificate, binaries
//	  Agent       holdfastd in a namespace, with the command line that speaks to it
//	  Service     an Agent as systemd runs it: started again after a crash, restarted for an upgrade
//	  Openconnect openconnect in a namespace
//	  Ocserv      a gateway in a namespace: its logins counted, its workers killed, itself restarted
//	  Process     any program: what it said and when, its processor time, its end
//	Echo          questions to an address behind the gateway, and their answers
//
// Who measures builds the network out of testenv's namespaces and says what happens in it; bench does that for speed, outage for reconnecting.
//
// A failure of what belongs to the lab fails the test it serves. Only tests import this package.
package lab
