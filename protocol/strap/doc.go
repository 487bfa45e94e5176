// Package strap holds the keys that bind an AnyConnect login and its session to one client (protocol headers X-AnyConnect-STRAP-…).
//
//	login     Keys.Announce   ->  STRAP-Pubkey, STRAP-DH-Pubkey           both public keys, P-256
//	sign-in   Keys.Open       <-  the gateway's message, by way of the browser     sealed to the second
//	CONNECT   Key.Prove       ->  STRAP-Verify, STRAP-Pubkey              signed with the first, over this TLS connection
//
// A login by SAML ends in the person's browser, and the browser brings the token to a port of loopback where anybody may listen. So the gateway seals it to a key that the client announced: Seal and Open are
// the two ends of that. A client that announced keys has to sign each CONNECT: with the token alone nobody comes back. The signature is over the connection's channel binding and the public key that counts from
// then on; Prove and Check are the two ends.
//
// # The sealed message
//
//	u16 1   { u16 tag, u16 length, bytes }...     big-endian
//	tag 1   the gateway's ephemeral public key, SubjectPublicKeyInfo
//	tag 2   the authentication tag, 12 bytes      tag 3   the ciphertext      tag 4   the nonce, 12 bytes
//
// ECDH over P-256; HKDF-SHA256 (RFC 5869) of the shared x coordinate without salt, with the info AC_ECIES, gives the key of AES-256-GCM. In a URL it is base64.
//
// # One key for a session
//
// openconnect makes a new signing key for each CONNECT, and from then on knows the new one alone. If the answer to a CONNECT is lost, the client cannot know which of the two the gateway holds, and the session with it. So Prove names the key that
// signs, as openconnect itself does for a session that another process logged in to: the key stays the same, it is bound to the connection all the same, and a reconnect can be tried as often as it takes. Check takes both ways.
//
// There is no goroutine. Imports: dart/redact. Errors are the sentinels below and quote nothing.
package strap
