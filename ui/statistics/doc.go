// Package statistics lays out what a session is and has moved, under the sections and rows that AnyConnect users know, in their order: for `holdfast stats` and for the page of the tray.
//
//	ipc.Stats, now --> Of --> []Section --> ui/cli (English), ui/model (by key, in the person's language)
//
// Every section, row and word has a key beside its English name, so that another language needs no second layout. What this version does not have is shown as not available, disabled or none, for
// users of such output expect every row.
//
// The package imports agent/ipc and dart/fault. It is pure.
package statistics
