package netmon

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// groups are what can change a snapshot.
const groups = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR | unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE

// dial subscribes with rtnetlink.
func dial() (int, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// matters reports whether a datagram of rtnetlink(7) holds a message that can change a snapshot: any but those of routes outside the main table, which are others' business, the kernel's own
// table of local addresses among them, and ours. Of what cannot be read nothing is known, so it matters.
func matters(b []byte) bool {
	for len(b) >= unix.SizeofNlMsghdr {
		size := int(binary.NativeEndian.Uint32(b))
		if size < unix.SizeofNlMsghdr || size > len(b) {
			return true
		}
		kind, body := binary.NativeEndian.Uint16(b[4:]), b[unix.SizeofNlMsghdr:size]
		route := kind == unix.RTM_NEWROUTE || kind == unix.RTM_DELROUTE
		if !route || len(body) < unix.SizeofRtMsg || body[4] == unix.RT_TABLE_MAIN { // struct rtmsg: family, two lengths, tos, table
			return true
		}
		b = b[min(len(b), (size+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1)):]
	}
	return len(b) > 0
}
