package localsock

import "golang.org/x/sys/unix"

// Group is the group whose members may connect (contract: the agent). The package creates it and puts nobody in.
const Group = "holdfast"

func credentials(fd int) (Peer, error) {
	c, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return Peer{}, err
	}
	if c.Uid == ^uint32(0) { // from a user namespace that has no name for him here
		return Peer{}, errNoIdentity
	}
	return Peer{UID: c.Uid, PID: int(c.Pid)}, nil
}

func member(uid uint32, group string) bool { return inGroup(uid, group) }
