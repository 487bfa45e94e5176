// Package demo is `holdfast demo`: an agent and a gateway in one process, on a network made of memory. It needs no privilege and changes nothing on the machine.
//
//	      laptop                                                gateway
//	netstack <- agent -> TLS and DTLS ---- simnet: Wi-Fi, internet --- gateway -> netstack: web, DNS, echo
//	   ^                                                                                      |
//	   '---- pulse: a datagram every 20 ms, one TCP connection from the first step to the last
//
// The agent, the gateway and the protocols are the real ones; only the host (laptop.go) and the wires (protocol/simnet) are made here. The demo talks to the agent
// as every client does, over agent/ipc. It breaks the network in ways that end other clients' sessions, and measures what a user would notice: when the first
// datagram came back, whether the TCP connection inside lived on with every byte in place, and whether anybody was asked.
//
// Beside it stands `holdfast gateway` (rehearse.go): the same gateway on a real address, with a console for whoever runs it (console.go).
//
// Goroutines: the agent, the API server, the gateway's Serve and ServeDatagrams, the pulse's two and the reader of events; world.close ends and waits for them all.
//
// It may import agent, its neighbours, platform and protocol. Only ui/cmd/holdfast imports it.
package demo
