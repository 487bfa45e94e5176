// Package bench measures the real agent against openconnect and against wireguard-go, in network namespaces of its own.
//
//	client                                 gateway
//	192.0.2.2 ---------- veth ------------ 192.0.2.1
//	holdfastd     holdfast0                ocserv :443 (DTLS), :4443 (TLS)   10.99.0.1  ours
//	openconnect   oc0                        the same two                    10.98.0.1  openconnect's
//	holdfastd     holdfast0                our gateway :8443 on a TUN        10.97.0.1
//	wireguard-go  wg0                      wireguard-go on a TUN             10.96.0.1
//	flow                                   sink :9000, on all of them
//
// One TCP flow at a time crosses a tunnel between two processes that hardly touch what they move (sendfile, MSG_TRUNC). The processor time is user and system time of the
// client's one process: holdfastd, openconnect, the wireguard-go process. What the kernel does on behalf of nobody counts for nobody. Runs alternate, ours and
// theirs, so that a noisy machine disturbs both; a figure is the median of its runs, a ratio the median of the ratios of the pairs.
//
// The time to the first ping is from starting the command (holdfast connect, openconnect) to the first answer from behind the gateway.
//
// Benchmarks are no tests: `task bench` runs this, .ci/run never does. Everything but this page is test code.
package bench
