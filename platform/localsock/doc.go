// Package localsock is the local socket between the agent and its clients, and the kernel's word for who the client is.
//
//	agent:  l, err := localsock.Listen(path, localsock.Policy{Group: localsock.Group})
//	        c, err := l.Accept()                 // c is a *localsock.Conn
//	        peer := c.(*localsock.Conn).Peer()   // taken once, when the connection was made
//	client: c, err := localsock.Dial(ctx, path)
//
// What each system gives:
//
//	Linux    unix socket; SO_PEERCRED; root and the members of the policy's group; 0660 root:GROUP, 0600 where the group does not exist
//	macOS    unix socket; LOCAL_PEERCRED and LOCAL_PEERPID; root, and members of staff who own the console. Compiles, not exercised here
//	Windows  named pipe under ProtectedPrefix\Administrators; the DACL admits SYSTEM, administrators and interactive users, remote clients are
//	         rejected. The client's SID is that of the process the kernel names for the pipe, read when the connection is accepted: a client that
//	         exits before that and whose process id is reused at once would be taken for another. Compiles, not exercised here
//	others   no way to know the peer: Listen and Dial fail
//
// Two gates stand behind each other. The mode of the socket lets the kernel refuse a stranger before a byte is read. Membership is looked up again, by user
// id, for every connection: somebody who was removed from the group is refused at once although his running processes still carry it.
//
// The socket never exists with another mode or owner than the final one under its name: it is bound inside a fresh directory of mode 0700, given its owner and
// mode there, and renamed. A socket that is already there is replaced only if it is ours and nobody answers on it. The directory itself is the caller's to
// make and to check: it must belong to the agent and be writable by nobody else.
//
// The package starts no goroutine. It imports the standard library and golang.org/x/sys only.
package localsock
