// Package protocol holds the seam between the agent and everything that speaks to a gateway: the interfaces Connector, Tunnel, Carrier and
// Reached, what they are told (Target, SessionRef, Path) and what they tell (Settings, Notification, Form).
//
//	agent --Open--> Connector ----> Tunnel --Carrier--> packets
//	        Reach -> Reached -Resume-^
//
// The implementations live below: login and authxml (who are you), cstp (the TLS tunnel), gateway (the other end), simnet and netstack
// (networks without a host). Nothing here or below knows of the agent, the platform or a user interface.
package protocol
