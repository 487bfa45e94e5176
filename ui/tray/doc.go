// Package tray runs the tray application: it joins the model to the agent's socket, the views and the desktop.
//
//	      stream            Msg                    Screen
//	agent ------> reader ---------> model (main) ---------> view (main thread)
//	  ^                                |  Commands
//	  '------- calls <-----------------+----> notifications, browser, clipboard, timer
//
// # Threads
//
// The model is owned by Fyne's main thread. Goroutines that read the agent's events, make calls or wait for a time come in by post, which uses the one place that names fyne.Do; a test says so.
// Every goroutine has an owner here that ends and waits for it: Run returns when they have ended.
//
// While no window is open the main thread sleeps (park.go), and what a window needed is given back: an icon that nobody looks at costs no processor time and little memory. There is one timer (wake.go), and it
// runs only while the model asks for a time.
//
// # The agent
//
// follow.go looks for an agent ever more rarely, follows the one there is without asking it anything, and finds out about one that hangs when a call has no answer. An agent that is restarted or replaced is found
// within a moment. What a call brings is a message; a person's secrets are wiped when their call has ended.
//
// # Desktop
//
// On Linux the icon is a StatusNotifierItem on the session's D-Bus (statusitem), and panels come and go; where there is none the application can be reached by starting it again. Notifications replace each other and are
// taken back when they are no longer true. On Windows and macOS both are Fyne's.
//
// One tray runs for a person at a screen (single.go): a second one brings the window of the first forward and ends. What is kept (kept.go) is the names of recent hosts, of the files of client certificates, and the sizes of
// windows. The key of a client certificate is in this process alone, from Unlock to Lock (unlocked.go).
//
// The package never imports fyne.io/fyne/v2/app: ui/cmd/holdfast-tray gives it the application.
package tray
