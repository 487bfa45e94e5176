// Package checkup says which layer keeps a machine from a gateway: what was observed goes in, a report comes out.
//
//	Observations --> Judge --> Report: ten layers in order, one verdict
//
//	link  captive-portal  dns  tcp  tls  certificate  gateway  udp-443  mtu  clock
//
// One cause, one cross. A broken layer usually breaks those above it: without a name there is no connection, and a wrong clock makes a good certificate look
// expired. Judge blames the first broken layer in the order of causes (see causes) and leaves the others without a judgement, so that a reader looks at one thing.
// What can only be guessed is not judged at all: a gateway does not answer UDP before a session, so that silence there means nothing.
//
// It is a value and a function: no clock, no socket, no goroutine. Observing is the business of agent/offline, printing that of ui/cli. It imports dart/fault only.
package checkup
