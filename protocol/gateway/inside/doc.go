// Package inside is a network behind the embedded gateway with real servers in it, on the userspace stack of package netstack:
//
//	TCP 80    HTTP: / says who asks, /bytes/N sends N bytes, /echo returns the body
//	TCP, UDP 53  DNS for a small zone
//	TCP, UDP 7   echo
//	TCP 9     sink: takes what comes
//	TCP 19    source: sends until the other side has had enough
//
// Every server listens at every address of the network. It is a package of its own because it brings gVisor along, which neither the agent nor a gateway in a
// synctest bubble wants.
//
// Each server runs in goroutines of its own, one per connection; Close closes the stack, which ends them, and waits.
package inside
