// Package resolvconf reads and replaces one file, /etc/resolv.conf, in a way that can be undone exactly.
//
// What we write stands between two marker lines, so that it can be told from what others add to the file later:
//
//	# Holdfast begin: ...
//	search corp.example
//	nameserver 10.0.0.53
//	# Holdfast end.
//
// Write makes the new file beside the old one and swaps the two, so that it knows what it displaced even if somebody wrote a moment ago, or renames it over; where that is refused, because the file is a mount point or its folder is read-only, it
// rewrites the file in place: first the new bytes, then the new length, so that a crash between the two leaves a mix that Revert knows. A symbolic link is
// never followed to write: it is replaced as a link and put back as a link.
//
// Revert puts the displaced file back only while the file is byte for byte what we wrote. If somebody else has edited it since, his lines stay and ours go; if
// that left no name server at all, the displaced ones are added, because a machine without name resolution is worse than an old server.
//
// The path is fixed: no caller, journal or peer can name another one. Functions are for one goroutine at a time.
package resolvconf
