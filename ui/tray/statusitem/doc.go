// Package statusitem is an icon in the panel with a menu: a StatusNotifierItem (org.kde.StatusNotifierItem) whose menu is a com.canonical.dbusmenu, on the session's D-Bus.
//
//	Show(Look) --> Item --NewIcon, NewToolTip, LayoutUpdated--> panel
//	                ^                                             |
//	                '------ Activate, Event("clicked") -----------'
//
// # Why not Fyne's
//
// Fyne's own (desktop.App, over fyne.io/systray) sets no tooltip, makes a hidden window with an OpenGL context of its own for the icon, empties and refills the menu item by item with a signal for each, so that a panel that asks in between
// shows half of it, gives every item another number each time, so that a click in an open menu that has changed is lost, takes an underscore in a host's name for a mnemonic, and ends with a
// nil dereference where there is no D-Bus. Here a menu is replaced as a whole with one signal, and a number means the same item for as long as the program runs: a click in a menu that has
// changed meanwhile does what was read, or nothing. Windows and macOS have no such bus: there Fyne's is used.
//
// # Panels come and go
//
// Run registers the item with whoever is org.kde.StatusNotifierWatcher, again with each that comes, and tells whether a panel shows icons at all. Changes are conflated: what is shown within Gap of
// the last change waits and only the newest is told, so that a state that flutters is no storm in the panel.
//
// # Goroutines
//
// Run is one, and has no timer while nothing changes. Calls from the bus come in on goroutines of godbus and take the lock for as long as they copy what they answer; callbacks are called without it.
//
// The package imports godbus and nothing of ours.
package statusitem
