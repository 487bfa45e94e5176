// Package authxml reads and writes the messages of Cisco's aggregate authentication, version 2: the XML documents that an AnyConnect client and
// its gateway exchange over HTTPS before a tunnel exists.
//
//	client                                gateway
//	Request init            ------------>
//	                        <------------ Response auth-request (a form)
//	Request auth-reply      ------------>                               } any number of times
//	                        <------------ Response complete (the session token)
//
// Both directions are here: the client appends a Request and parses a Response, the embedded gateway does the opposite. The root element is
// config-auth; a Response may also be a bare auth element, which old gateways send.
//
// Everything that is parsed comes from a stranger. A document is at most MaxSize bytes, its depth, elements, fields and options are counted, DTDs are
// refused, and no entity but XML's own five exists. Unknown elements and attributes are ignored. Text that people will read is cleaned (CleanText,
// fault.Clean) while it is parsed; what must go back as it came (an option's Value, a hidden input's Value, Opaque) is left alone and must not be shown.
//
// Errors are the sentinels below and never quote the document: it may hold a password or a token.
//
// The package imports only dart/fault and dart/redact, starts no goroutine and does no input or output.
package authxml
