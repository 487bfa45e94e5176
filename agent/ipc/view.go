package ipc

import "github.com/holdfast-vpn/holdfast/platform/localsock"

// stateDown is the state in which no session exists that could belong to anybody.
const stateDown = "disconnected"

// sees reports whether the peer sees everything of a session that belongs to owner.
func sees(p localsock.Peer, owner string) bool {
	return p.Root || (owner != "" && p.ID() == owner)
}

// view is the state as the peer may see it.
func view(p localsock.Peer, owner string, s State) State {
	if sees(p, owner) {
		return s
	}
	return Reduce(s)
}

// Reduce is what other users than owner and root see of a state (contract: state --json).
func Reduce(s State) State {
	r := State{State: s.State, Since: s.Since, Protocol: s.Protocol}
	if s.Error != nil {
		r.Error = &Error{Code: s.Error.Code}
	}
	return r
}
