package netmon

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/platform"
)

// groups are what can change a snapshot, or tell of a removal of what is ours.
const groups = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR | unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE |
	1<<(unix.RTNLGRP_IPV4_RULE-1) | 1<<(unix.RTNLGRP_IPV6_RULE-1)

// Lengths of what rtnetlink(7) puts before the attributes, and attributes of rules (linux/fib_rules.h).
const (
	sizeofRule   = 12 // struct fib_rule_hdr
	rulePriority = 6  // FRA_PRIORITY
	ruleProtocol = 21 // FRA_PROTOCOL
)

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

// meaning tells what a datagram means here.
func (s *source) meaning(b []byte) news { return meaning(b, s.device) }

// device is the index of holdfast0 now, 0 without one. It is asked for when an address has gone or a link is down, for one system call.
func (s *source) device() (index uint32) {
	raw, err := s.current().SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) { index = indexOf(int(fd)) })
	return index
}

func indexOf(fd int) uint32 {
	r, err := unix.NewIfreq(platform.Interface)
	if err != nil || unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, r) != nil {
		return 0
	}
	return r.Uint32()
}

// meaning tells what a datagram of rtnetlink(7) means. A snapshot can change with any message but those of rules, and of routes outside the main table, which are others' business,
// the kernel's own table of local addresses among them, and ours. Something of ours has gone with a rule or a route that bears our tags, or an address of the device, and with the device set down. Of what cannot be read
// nothing is known, so it means everything.
func meaning(b []byte, device func() uint32) (n news) {
	for len(b) >= unix.SizeofNlMsghdr {
		size := int(binary.NativeEndian.Uint32(b))
		if size < unix.SizeofNlMsghdr || size > len(b) {
			return anything
		}
		n |= one(binary.NativeEndian.Uint16(b[4:]), b[unix.SizeofNlMsghdr:size], device)
		b = b[min(len(b), (size+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1)):]
	}
	if len(b) > 0 {
		return anything
	}
	return n
}

// one tells what one message means.
func one(kind uint16, body []byte, device func() uint32) news {
	switch kind {
	case unix.RTM_NEWRULE:
		return nothing
	case unix.RTM_DELRULE:
		if len(body) < sizeofRule {
			return anything
		}
		prio, _ := attribute(body[sizeofRule:], rulePriority)
		proto, _ := attribute(body[sizeofRule:], ruleProtocol)
		if prio == platform.RulePrioMark || prio == platform.RulePrioAll || proto == platform.RouteProto {
			return removal
		}
		return nothing
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		if len(body) < unix.SizeofRtMsg {
			return anything
		}
		if body[4] == unix.RT_TABLE_MAIN { // struct rtmsg: family, two lengths, tos, table, protocol
			return uplinks
		}
		table, _ := attribute(body[unix.SizeofRtMsg:], unix.RTA_TABLE)
		if kind == unix.RTM_DELROUTE && table == platform.RouteTable && body[5] == platform.RouteProto {
			return removal
		}
		return nothing
	case unix.RTM_DELADDR:
		if len(body) < unix.SizeofIfAddrmsg {
			return anything
		}
		return about(body, device) // struct ifaddrmsg: family, length, flags, scope, index
	case unix.RTM_NEWLINK:
		if len(body) < unix.SizeofIfInfomsg {
			return anything
		}
		if binary.NativeEndian.Uint32(body[8:])&unix.IFF_UP == 0 { // struct ifinfomsg: family, type, index, flags
			return about(body, device)
		}
	}
	return uplinks
}

// about tells what it means for a link, whose index is at the fourth octet, to lose something.
func about(body []byte, device func() uint32) news {
	if at := binary.NativeEndian.Uint32(body[4:]); at != 0 && at == device() {
		return anything
	}
	return uplinks
}

// attribute finds an attribute that is a number, of one octet or four.
func attribute(b []byte, kind uint16) (value uint32, ok bool) {
	for len(b) >= unix.SizeofRtAttr {
		size := int(binary.NativeEndian.Uint16(b))
		if size < unix.SizeofRtAttr || size > len(b) {
			return 0, false
		}
		if binary.NativeEndian.Uint16(b[2:]) == kind {
			switch v := b[unix.SizeofRtAttr:size]; len(v) {
			case 1:
				return uint32(v[0]), true
			case 4:
				return binary.NativeEndian.Uint32(v), true
			}
			return 0, false
		}
		b = b[min(len(b), (size+unix.RTA_ALIGNTO-1)&^(unix.RTA_ALIGNTO-1)):]
	}
	return 0, false
}
