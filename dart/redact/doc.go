// Package redact holds what keeps secrets out of sight: Secret, the only way to carry one.
//
// A Secret prints, formats, logs and marshals as "[secret]", whatever verb or encoder is used;
// in an unexported field, where fmt cannot ask it, it prints as an address. The bytes come out by one
// method with a name one can search for, Reveal, and can be wiped. Passwords, tokens, cookies, keys and one-time codes are
// Secrets from the moment they are read until the moment they are written to the wire.
package redact
