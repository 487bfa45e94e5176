// Package browser lets a person sign in at a web page, in the browser that they use for everything else, and answers the agent's prompt of kind browser with what comes of it.
//
//	agent --- prompt: page, port ---> SignIn --- Open ---> the person's browser --- signs in ---> identity provider
//	  ^                                 |  ^                                                            |
//	  |                        Page, or |  | GET http://localhost:PORT/api/sso/RESPONSE?return=ADDRESS   v
//	  |                      302 to it  '--'<---------------- the browser, sent on by -------------- gateway
//	  '--- answer: RESPONSE ------------'
//
//	err := browser.SignIn(ctx, prompt, browser.Options{Answer: client.Answer})
//
// The listener is here and not in the agent, because it is the person's browser, session and loopback, and the agent has no TCP port. What it takes is sealed by the gateway to a key that is the
// agent's alone and lives for one login: whoever sees a response, in the browser's history for instance, has nothing.
//
// # What comes is hostile
//
// Every page that the person has open, and every user of this machine, can send requests to a port of loopback. So: both loopback addresses are taken before the page is opened, or it is not
// opened; only GET of that one path with a Host that names loopback counts (a rebound DNS name does not); the head, the time, the connections and how many are judged in a second are bounded; nothing of a request is ever shown. A response that the agent refuses ends nothing: the next one may be the
// right one. The first that it takes ends the listener. The browser is sent on to https addresses of the gateway and of the page's host, and nowhere else.
//
// Open starts the system's own opener without a shell, with an https address as its one argument.
//
// Goroutines: one per listener, ended when SignIn returns, and net/http's one per request. Open leaves one that waits for the process that it started: a browser lives as long as its
// person wants. The package imports agent/ipc, dart/fault and dart/redact. Errors are *fault.Error and quote no address.
package browser
