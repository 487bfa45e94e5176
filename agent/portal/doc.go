// Package portal looks for a captive portal: a network that shows its own sign-in page in place of everything else until somebody has signed in.
//
//	GET / HTTP/1.1 to port 80 of the gateway's own address --> a redirect to another owner's host (also one that a page makes), status 511, an offer by WISPr, or a page --> checkup.Web
//
// Nobody but the gateway's address, and whatever stands in for it, is asked: there is no page of a third party to probe for. The request holds the gateway's name
// and nothing else of the session: no cookie, no token. The answer is a stranger's: 64 KiB of it are read within the caller's time, its texts are cleaned.
//
// What an answer means is judged by dart/checkup. Where a name server lies about the gateway (Hijacked), the address that it names is asked too.
//
// It is used by package agent, when a gateway is not found, and by agent/offline for `holdfast doctor`. It has no goroutine.
package portal
