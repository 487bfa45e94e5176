// Package login answers the gateway's question "who are you": from a target to a session token, over HTTPS, by forms.
//
//	Run -----------------------------------------------------------.
//	 |   Conversation (pure)              link (one connection)     |
//	 |     Start  --> Send -------------> POST -------------------->| gateway
//	 |     Reply  <---------------------- status, cookies, body <---|
//	 |     Reply  --> Ask  ---> Prompter.Ask                        |
//	 |     Answer <------------ protocol.Answer                     |
//	 |     Reply  --> Done ---> Result: token, open connection      |
//	 '--------------------------------------------------------------'
//
// The Conversation decides and does nothing: it has no clock, no socket and no goroutine, and is told what came back. It knows groups, forms, field
// names, cookies, redirects and banners. The link does and decides little: one verified TLS connection, one request at a time, everything that is
// read bounded in size and in time.
//
// Dial and DialSession make that connection. tls.go is the only file of this protocol that switches off crypto/tls's own verification, and it
// verifies in VerifyConnection instead, so that a pin can replace the chain, a session can recognise its gateway, and the refusal can say why. No byte
// of HTTP is written before that verification returned.
//
// A gateway that says nothing to our ClientHello gets a shorter one: see hello.go.
//
// Examine and Greet do the same by hand for a caller that looks at the layers one by one: a handshake on a socket that is already connected, and the first request of
// a login, to which nothing is answered.
//
// A gateway that asks for a client certificate gets that of the Target, if it has one; its key is a protocol.Keyholder's, in another process: see identity.go.
//
// A gateway that wants its user to sign in at a web page is offered the browser that the user has: the page goes out as a prompt, and what the browser brings back is opened with a key that was made for
// this login (protocol/strap). See browser.go.
//
// Nothing is sent twice that a person typed: a request with answers in it is never repeated, not after a lost connection and not after a redirect.
//
// Errors at the seam are *fault.Error; their texts hold no password, no token and no cookie, and no error of net/http or encoding/xml, which quote
// what they read.
//
// A gateway that knows no aggregate authentication is logged in at with web forms: see older.go. The client profile that a gateway names at the end is fetched over
// the login's connection when the Prompter keeps profiles and has another one: see profile.go.
//
// A gateway whose certificate does not hold is a question to the user where the Prompter keeps such decisions and may ask; what he accepts is one key, and a certificate that holds by itself
// needs nobody's word: see trust.go.
//
// A wrong password is asked again and, where the gateway's attempt is lost with it, answered in a new one: see again.
//
// An address that says nothing is connected to again every half second, four times at a login, which then goes on to a backup server, and six for a session that comes
// back: systems repeat a lost SYN only after 1 s and 3 s, which is most of an outage. The first that connects wins, and no byte is sent on the others.
//
// Goroutines: one per connect while Dial races them and one that resolves a name again, all ended when it returns. The package imports dart/fault, dart/redact, protocol,
// protocol/authxml and protocol/strap.
package login
