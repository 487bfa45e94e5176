package localsock

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Group is the group whose members may connect while they own the console (contract: the agent).
const Group = "staff"

func credentials(fd int) (Peer, error) {
	c, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return Peer{}, err
	}
	if c.Version != 0 { // XUCRED_VERSION, sys/ucred.h
		return Peer{}, errNoIdentity
	}
	pid, err := unix.GetsockoptInt(fd, unix.SOL_LOCAL, unix.LOCAL_PEERPID)
	if err != nil {
		return Peer{}, err
	}
	return Peer{UID: c.Uid, PID: pid}, nil
}

// member asks for the console too: whoever sits at the machine owns /dev/console.
func member(uid uint32, group string) bool {
	fi, err := os.Stat("/dev/console")
	if err != nil {
		return false
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && st.Uid == uid && inGroup(uid, group)
}
