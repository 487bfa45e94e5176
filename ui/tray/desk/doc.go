// Package desk is a desktop for tests: what the tray application finds on a person's machine, each part real or at the real other end of its protocol.
//
//	NewBus     a session's D-Bus: dbus-daemon, which starts nothing by itself
//	NewPanel   a panel: org.kde.StatusNotifierWatcher and a host of it, which reads icons and clicks in their menus as panels do
//	NewNotes   whoever shows notifications: org.freedesktop.Notifications
//	NewScreen  an X server without hardware (Xvfb): keys and clicks by xdotool, pictures from its frame buffer
//
// Each can end and come again while the application runs, as a shell that crashes. Whatever waits does so for a condition, with Patience for its limit, and fails the test when it does not come.
//
// Only tests import this package. It imports platform/testenv, which says whether this machine has the programs, and godbus.
package desk
