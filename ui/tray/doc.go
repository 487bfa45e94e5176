// Package tray runs the tray application: it joins the model to the agent's socket, the views and the desktop.
//
//	      Follow            Msg                    Screen
//	agent ------> reader ---------> model (main) ---------> view (main thread)
//	  ^                                |  Commands
//	  '------- calls <-----------------+----> notifications, browser, clipboard, timer
//
// # Threads
//
// The model is owned by Fyne's main thread. Goroutines that read the agent's events, make calls or wait for a time come in by post, the one place that calls fyne.Do; a test says so.
// Every goroutine has an owner here that ends and waits for it: Run returns when they have ended.
//
// # Desktop
//
// On Linux the icon is a StatusNotifierItem on the session's D-Bus, and panels come and go: host.go watches whether there is one. Where there is none the window is shown and says so.
// One tray runs for a person: a second one brings the window of the first forward and ends.
//
// The package never imports fyne.io/fyne/v2/app: ui/cmd/holdfast-tray gives it the application.
package tray
