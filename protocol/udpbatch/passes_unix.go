//go:build !windows

package udpbatch

import (
	"errors"
	"syscall"
)

// errTooBig is how the system says that a datagram does not fit.
const errTooBig = syscall.EMSGSIZE

// passes reports whether an error of the system concerns one datagram and says nothing of the next: what ICMP messages become, full queues, packet filters (EPERM), an
// address or a route that is gone for now (EINVAL, EADDRNOTAVAIL and the unreachable ones).
func passes(err error) bool {
	var e syscall.Errno
	if !errors.As(err, &e) {
		return false
	}
	switch e {
	case syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.ENETDOWN, syscall.ENOPROTOOPT, syscall.EPROTO,
		syscall.EMSGSIZE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EPERM, syscall.EACCES, syscall.EINVAL, syscall.EADDRNOTAVAIL:
		return true
	}
	return false
}
