package bench

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// A flow begins with six bytes from the client: direction, 'U' or 'D', a zero, and milliseconds. Then one side sends for that long and closes its half; the
// receiver of an upload answers with the count, eight bytes.
const (
	flowPort = 9000
	request  = 6
	chunk    = 1 << 20
)

// result is what a flow moved, and in what time.
type result struct {
	bytes int64
	took  time.Duration
}

// sink serves flows, one after the other, until it is killed.
func sink([]string) error {
	l, err := newSocket()
	if err != nil {
		return err
	}
	if err := unix.Bind(l, &unix.SockaddrInet4{Port: flowPort}); err != nil {
		return err
	}
	if err := unix.Listen(l, 8); err != nil {
		return err
	}
	source, err := newSource()
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for {
		c, _, err := unix.Accept(l)
		if err != nil {
			return err
		}
		if err := source.serve(c); err != nil {
			fmt.Fprintln(os.Stderr, "sink:", err)
		}
		_ = unix.Close(c)
	}
}

func (s source) serve(c int) error {
	var q [request]byte
	if _, _, err := unix.Recvfrom(c, q[:], unix.MSG_WAITALL); err != nil {
		return err
	}
	if q[0] == 'D' {
		return s.send(c, time.Duration(binary.BigEndian.Uint32(q[2:]))*time.Millisecond)
	}
	n, err := discard(c)
	if err != nil {
		return err
	}
	_, err = unix.Write(c, binary.BigEndian.AppendUint64(nil, uint64(n)))
	return err
}

// flow is the client's end: direction, address, milliseconds. It prints bytes and nanoseconds.
func flow(args []string) error {
	to, err := netip.ParseAddr(args[1])
	if err != nil {
		return err
	}
	ms, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	c, err := newSocket()
	if err != nil {
		return err
	}
	if err := unix.Connect(c, &unix.SockaddrInet4{Port: flowPort, Addr: to.As4()}); err != nil {
		return err
	}
	source, err := newSource()
	if err != nil {
		return err
	}
	begun := time.Now()
	if _, err := unix.Write(c, binary.BigEndian.AppendUint32([]byte{args[0][0], 0}, uint32(ms))); err != nil {
		return err
	}
	var n int64
	if args[0] == "D" {
		n, err = discard(c)
	} else if err = source.send(c, time.Duration(ms)*time.Millisecond); err == nil {
		var count [8]byte
		_, _, err = unix.Recvfrom(c, count[:], unix.MSG_WAITALL)
		n = int64(binary.BigEndian.Uint64(count[:]))
	}
	fmt.Println(n, time.Since(begun).Nanoseconds())
	return err
}

// newSocket is one with the congestion control that Linux has by default, whatever this machine's is; accepted connections have it from their listener.
func newSocket() (int, error) {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err == nil {
		err = unix.SetsockoptString(s, unix.IPPROTO_TCP, unix.TCP_CONGESTION, "cubic")
	}
	return s, err
}

// source is a file in memory that is sent over and over: no byte is copied into a socket.
type source struct{ fd int }

func newSource() (source, error) {
	fd, err := unix.MemfdCreate("source", 0)
	if err == nil {
		_, err = unix.Write(fd, make([]byte, chunk))
	}
	return source{fd}, err
}

func (s source) send(c int, long time.Duration) error {
	for end := time.Now().Add(long); time.Now().Before(end); {
		var at int64
		if _, err := unix.Sendfile(c, s.fd, &at, chunk/4); err != nil {
			return err
		}
	}
	return unix.Shutdown(c, unix.SHUT_WR)
}

// discard takes what comes until the peer ends, without looking: the kernel drops it.
func discard(c int) (int64, error) {
	total, buf := int64(0), make([]byte, chunk)
	for {
		n, _, err := unix.Recvfrom(c, buf, unix.MSG_TRUNC)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return total, err
		}
		total += int64(n)
	}
}
