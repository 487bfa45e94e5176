package authxml

import "errors"

// What can be wrong with a document. None of them carries a byte of it.
var (
	// ErrHTML: the document is a web page, so what answers is a web server or a sign-in page.
	ErrHTML = errors.New("authxml: this is HTML")
	// ErrNotXML: the document does not begin like XML, or is empty.
	ErrNotXML = errors.New("authxml: this is not XML")
	// ErrRoot: XML, but not a message of this protocol.
	ErrRoot = errors.New("authxml: the root element is not config-auth")
	// ErrMalformed: the XML is broken, or lacks what its type needs.
	ErrMalformed = errors.New("authxml: malformed document")
	// ErrDTD: the document declares a document type, where entity bombs and outside references live.
	ErrDTD = errors.New("authxml: a document type declaration is refused")
	// ErrTooMuch: larger, deeper or more numerous than a login can need.
	ErrTooMuch = errors.New("authxml: the document is too large")
	// ErrValue: something to be written has a character that XML cannot carry, or a name that is no element name.
	ErrValue = errors.New("authxml: a value cannot be written as XML")
)
