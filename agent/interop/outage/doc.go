// Package outage measures for how long a tunnel does not work after something happened to the network, to the gateway or to the client: the real agent, and
// openconnect in the same network.
//
//	          wifi0 --- router (NAT) ---.
//	client                               net --- gateway --- inside 10.99.0.2
//	          wired0 -- router (NAT) ---'        ocserv      answers echo requests, serves a download
//
// There is such a network, a lane, for each client that is measured; openconnect, whose runs take longer, has several. Lanes run at the same time, so that what disturbs the
// machine disturbs all of them, and each does its runs one after the other. A run begins with a gateway that has no sessions and an agent that knows nothing; it connects, starts an echo request every 20 ms and a paced TCP download through the tunnel, does what its scenario says, waits
// until the tunnel works again, lets the download end and compares what came with what was sent.
//
// The outage is the time without an answer from inside, from the moment from which a way to the gateway exists (or, where one exists all the time, from the fault) until the tunnel
// works. A silence below three requests is none. Where short packets still pass it is the time without a byte of the download.
//
// A figure is the median of its runs. A login is counted where the gateway's log has one.
//
// Benchmarks are no tests: `task bench:reconnect` runs this, .ci/run does not. It runs the test beside it, which does a few of the scenarios once and holds
// them to their outcome and not to a time. Everything but this page is test code.
package outage
