// Package profile reads AnyConnect XML client profiles and says what of them is in force.
//
// A profile is hostile until it is parsed: it may come from a gateway, a download or another user. Parse bounds its size, depth, number of elements and number of
// hosts, refuses document types and entities, and turns every string it keeps into one harmless line. Beyond that it is as lenient as the field demands: real profiles
// have a blank line before the prolog, UTF-16 with a prolog that says UTF-8, no namespace, elements in any order and at the wrong level, values surrounded by tabs, and
// elements that nobody defined. What cannot be used becomes a Warning and the default holds; only a document that is no profile at all is an error.
//
//	bytes --decode--> UTF-8 --readTree--> nodes --Parse-----------> Profile{Hosts, values, Details} + []Warning
//	                                        |----ParsePolicy------> Policy: what the machine's administrator forbids
//	                                        '----ParsePreferences-> Preferences: what users chose
//	directories ---------------Load--------> Store (many profiles, merged by host; the local policy)
//	Policy, Profile, Preferences --Effective--> Values: value, origin, lock and its reason, honoured or not
//
// The tables of elements (elements.go, policy.go) are the one place that knows names, types, defaults, who may change them and what this version makes of them; docs/compatibility.md
// is written from them. Several profiles are merged host by host: all hosts are listed, and the values of the profile that holds the chosen host are in force.
//
// A Profile keeps its bytes. A Document is one that can be changed: what nobody changes goes out as it came in, comments, order, white space and encoding included. A local policy is read more strictly
// than the rest: a typing error must not lift a restriction.
//
// ParseTarget is here as well, because a profile's HostAddress, what a user types, and where a gateway redirects to are one language: host[:port][/group] or an https URL.
//
// The package imports only the leaves (dart/fault), starts no goroutine, and opens files only in Load.
package profile
