// Package records is the record of ours in resolvconf: the program that makes /etc/resolv.conf out of what each interface's software tells it. There are two, with one name:
//
//	Debian's    records in /run/resolvconf/interface, ordered by name; the list of servers ends with the first loopback address
//	openresolv  records in /run/resolvconf/interfaces, ordered by metric; a record can be exclusive; loopback addresses hide the others
//
// The program's path is fixed, and so are its arguments: the record's name is ours, its text is made by package resolvconf and goes to standard input. The
// environment is empty but for a PATH. It runs for ten seconds at most and with it whatever its hooks start.
//
// The directory of records is read, never written: it tells whether ours is there, and what the other records say.
package records
