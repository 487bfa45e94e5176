package udpbatch

import (
	"errors"
	"syscall"
)

// errTooBig is how the system says that a datagram does not fit (WSAEMSGSIZE).
const errTooBig = syscall.Errno(10040)

// passes reports whether an error of the system concerns one datagram and says nothing of the next. Winsock reports a port that nobody listens on as a connection that
// was reset.
func passes(err error) bool {
	var e syscall.Errno
	if !errors.As(err, &e) {
		return false
	}
	switch e {
	case errTooBig, syscall.WSAECONNRESET, syscall.WSAEACCES, 10022 /* WSAEINVAL */, 10049 /* WSAEADDRNOTAVAIL */, 10050 /* WSAENETDOWN */, 10051, /* WSAENETUNREACH */
		10052 /* WSAENETRESET */, 10055 /* WSAENOBUFS */, 10061 /* WSAECONNREFUSED */, 10065, /* WSAEHOSTUNREACH */
		syscall.ECONNREFUSED, syscall.EMSGSIZE, syscall.ERROR_MORE_DATA:
		return true
	}
	return false
}
