package resolvconf

import "io/fs"

// Windows has no resolv.conf; these let the package compile for the tools that read a bundle there.
const (
	openNonblock = 0
	openNoFollow = 0
)

func owner(fs.FileInfo) (uid, gid int) { return 0, 0 }

func unmovable(error) bool { return false }
