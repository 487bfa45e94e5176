// Package credential is a client certificate and its private key in the user's process: read from PEM or PKCS#12, and used for nothing but the handshake of a
// TLS client.
//
//	--cert, --key, --pkcs12 --> Parse… --> Credential --PEM()--> connect: the chain alone goes to the agent
//	                                           ^  |
//	     agent: prompt of kind sign -----------'  '--> signature
//
// The agent asks for signatures with the whole content, and Sign looks at it: only what a TLS client signs (RFC 8446 section 4.4.3, RFC 5246 section 7.4.8) is
// signed, in TLS 1.2 only a handshake that shows this very certificate. So neither an agent that was taken over nor a gateway behind it can have mail, code or
// other documents signed; what it can still do is to log in as this certificate while this process lives.
//
// It opens no files: callers hand it bytes. It imports agent/ipc for the request's shape, dart/fault and dart/redact. There is no goroutine. Errors are *fault.Error
// and hold nothing of a key or a passphrase.
package credential
