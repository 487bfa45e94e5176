// Package ipc is the local API: HTTP/1.1 with JSON over a unix socket or a named pipe, under /v1/ (contract: the socket API).
//
// The identity of a client is the kernel's word for it, taken once per connection (platform/localsock), and every verb is looked up in one table: what is not
// allowed there is refused. Requests are bounded in size, time and number. No message carries a path, a command, a module, a URL to fetch or a port: the one
// exception is the target of connect, which the agent parses itself.
//
//	client --HTTP over socket--> Server --verb table--> Backend (package agent)
//	                               ^------- events -------- Hub
package ipc
