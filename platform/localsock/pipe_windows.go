package localsock

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Group is empty: the pipe's DACL decides who may connect.
const Group = ""

// clientAccess is FILE_GENERIC_READ | FILE_GENERIC_WRITE without FILE_APPEND_DATA, which for a pipe is the right to make another instance of it: a client
// that had it could answer in the agent's stead.
const clientAccess = 0x0012019b

// descriptor admits SYSTEM and administrators to everything and interactive users to clientAccess. It is protected: nothing is inherited.
const descriptor = "D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;0x12019b;;;IU)"

const pipeBuffer = 64 << 10 // bytes, each direction

type listener struct {
	path string
	sa   windows.SecurityAttributes

	done windows.Handle // event: Close was called while Accept waited

	mu      sync.Mutex
	next    windows.Handle // the instance that waits for a client
	waiting bool           // Accept holds next and closes it itself
	closed  bool
}

// Listen makes the pipe. The policy's group has no meaning here. It fails with ErrInUse if somebody has made a pipe of this name already.
func Listen(path string, _ Policy) (net.Listener, error) {
	sd, err := windows.SecurityDescriptorFromString(descriptor)
	if err != nil {
		return nil, fmt.Errorf("localsock: %w", err)
	}
	l := &listener{path: path, sa: windows.SecurityAttributes{SecurityDescriptor: sd}}
	l.sa.Length = uint32(unsafe.Sizeof(l.sa))
	if l.done, err = windows.CreateEvent(nil, 1, 0, nil); err != nil {
		return nil, fmt.Errorf("localsock: %w", err)
	}
	if l.next, err = l.instance(windows.FILE_FLAG_FIRST_PIPE_INSTANCE); err != nil {
		_ = windows.CloseHandle(l.done)
		if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			return nil, ErrInUse
		}
		return nil, fmt.Errorf("localsock: %w", err)
	}
	return l, nil
}

// instance makes one end for one client.
func (l *listener) instance(flags uint32) (windows.Handle, error) {
	name, err := windows.UTF16PtrFromString(l.path)
	if err != nil {
		return 0, err
	}
	return windows.CreateNamedPipe(name, windows.PIPE_ACCESS_DUPLEX|windows.FILE_FLAG_OVERLAPPED|flags,
		windows.PIPE_TYPE_BYTE|windows.PIPE_REJECT_REMOTE_CLIENTS, windows.PIPE_UNLIMITED_INSTANCES, pipeBuffer, pipeBuffer, 0, &l.sa)
}

// Accept waits for the next client. One whose identity cannot be had is closed and passed over.
func (l *listener) Accept() (net.Conn, error) {
	for {
		h, err := l.wait()
		if err != nil {
			return nil, err
		}
		peer, err := identify(h)
		if err != nil {
			_ = windows.CloseHandle(h)
			continue
		}
		return &Conn{Conn: &pipe{os.NewFile(uintptr(h), l.path)}, peer: peer}, nil
	}
}

// wait returns the instance a client has connected to and puts the next one in its place.
func (l *listener) wait() (windows.Handle, error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return 0, net.ErrClosed
	}
	l.waiting = true
	h := l.next
	l.mu.Unlock()
	err := l.connect(h)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = false
	if l.closed {
		_ = windows.CloseHandle(h)
		windows.CloseHandle(l.done)
		return 0, net.ErrClosed
	}
	if err != nil {
		_ = windows.DisconnectNamedPipe(h)
		return 0, fmt.Errorf("localsock: %w", err)
	}
	next, err := l.instance(0)
	if err != nil {
		_ = windows.DisconnectNamedPipe(h) // stays as the waiting instance
		return 0, fmt.Errorf("localsock: %w", err)
	}
	l.next = next
	return h, nil
}

// connect returns when a client has connected to h, or Close was called.
func (l *listener) connect(h windows.Handle) error {
	ev, err := windows.CreateEvent(nil, 1, 0, nil)
	if err != nil {
		return err
	}
	defer windows.CloseHandle(ev)
	ov := &windows.Overlapped{HEvent: ev}
	switch err := windows.ConnectNamedPipe(h, ov); {
	case errors.Is(err, windows.ERROR_PIPE_CONNECTED):
		return nil
	case !errors.Is(err, windows.ERROR_IO_PENDING):
		return err
	}
	if _, err := windows.WaitForMultipleObjects([]windows.Handle{ev, l.done}, false, windows.INFINITE); err != nil {
		return err
	}
	_ = windows.CancelIoEx(h, ov) // says "not found" when the client is there
	var n uint32
	return windows.GetOverlappedResult(h, ov, &n, true) // ov must not be touched by the kernel after this returns
}

// Close ends Accept.
func (l *listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	l.closed = true
	if l.waiting {
		return windows.SetEvent(l.done)
	}
	return errors.Join(windows.CloseHandle(l.next), windows.CloseHandle(l.done))
}

// Addr is the pipe's name.
func (l *listener) Addr() net.Addr { return pipeAddr(l.path) }

// identify names the user of the process at the client's end.
func identify(h windows.Handle) (Peer, error) {
	var pid uint32
	if err := windows.GetNamedPipeClientProcessId(h, &pid); err != nil {
		return Peer{}, err
	}
	proc, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	if err != nil {
		return Peer{}, err
	}
	defer windows.CloseHandle(proc)
	var token windows.Token
	if err := windows.OpenProcessToken(proc, windows.TOKEN_QUERY, &token); err != nil {
		return Peer{}, err
	}
	defer token.Close()
	u, err := token.GetTokenUser()
	if err != nil {
		return Peer{}, err
	}
	sid := u.User.Sid.String()
	if sid == "" {
		return Peer{}, errNoIdentity
	}
	return Peer{SID: sid, PID: int(pid), Root: token.IsElevated(), Member: true}, nil // who is no member did not pass the DACL
}

// Dial connects to the agent. A busy pipe is tried again until ctx ends.
func Dial(ctx context.Context, path string) (net.Conn, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	for {
		// The agent may learn who we are, and may not act as us.
		h, err := windows.CreateFile(name, clientAccess, 0, nil, windows.OPEN_EXISTING,
			windows.FILE_FLAG_OVERLAPPED|windows.SECURITY_SQOS_PRESENT|windows.SECURITY_IDENTIFICATION, 0)
		if err == nil {
			return &pipe{os.NewFile(uintptr(h), path)}, nil
		}
		if !errors.Is(err, windows.ERROR_PIPE_BUSY) {
			return nil, &os.PathError{Op: "open", Path: path, Err: err}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// pipe is one end as a net.Conn. The handle was opened for overlapped I/O, so that the runtime's poller serves it, deadlines and Close included.
type pipe struct{ *os.File }

// Read makes the peer's closing of his end the end of the stream.
func (p *pipe) Read(b []byte) (int, error) {
	n, err := p.File.Read(b)
	if errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_PIPE_NOT_CONNECTED) {
		err = io.EOF
	}
	return n, err
}

func (p *pipe) LocalAddr() net.Addr  { return pipeAddr(p.Name()) }
func (p *pipe) RemoteAddr() net.Addr { return pipeAddr(p.Name()) }

type pipeAddr string

func (pipeAddr) Network() string  { return "pipe" }
func (a pipeAddr) String() string { return string(a) }
