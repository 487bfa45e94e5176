// Package e2e tests the tray application whole: the real program in a real window, driven as a person drives it, against a real agent and a real gateway.
//
//	dbus-daemon <--- panel, notifications (desk)
//	     ^
//	holdfast-tray --- Xvfb <--- keys, clicks (xdotool)
//	     |
//	holdfastd --- veth --- gateway
//
// Everything runs in namespaces of its own. A test looks at what a person sees (icon, tooltip, menu, notifications, pictures of the screen) and at what the agent says, waits for conditions and never
// for a time, and at its end reads what the application wrote on standard error: nothing of threads, races or panics. When a test fails, a picture of the screen is in its artifacts folder.
//
// The package has tests only. They import agent and protocol/gateway, which nothing else of ui does.
package e2e
