package tray

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// largeCode is from which size on the code of a library is let go of, in bytes.
const largeCode = 4 << 20

// trim lets go of the code of large libraries, which a window's drawing has read in: OpenGL without hardware brings a compiler of 50 MB. It is read again from the file where it is needed again.
// Only mappings of files that may be read and run and not be written are touched: nothing in them can be ours.
func trim() {
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer maps.Close()
	for s := bufio.NewScanner(maps); s.Scan(); {
		if start, size, ok := library(s.Text()); ok {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, start, size, unix.MADV_DONTNEED) // where it fails all stays as it is
		}
	}
}

// library is where the code of a large shared library is, from a line of proc_pid_maps(5): "start-end perms offset device inode path".
func library(line string) (start, size uintptr, ok bool) {
	f := strings.Fields(line)
	if len(f) < 6 || f[1] != "r-xp" || !strings.HasPrefix(f[5], "/") || !strings.Contains(f[5], ".so") {
		return 0, 0, false
	}
	from, to, _ := strings.Cut(f[0], "-")
	a, err := strconv.ParseUint(from, 16, 64)
	b, err2 := strconv.ParseUint(to, 16, 64)
	return uintptr(a), uintptr(b - a), err == nil && err2 == nil && b >= a+largeCode
}
