// Package model is what a person sees and may do, as values: the whole of the tray application but its pixels, its sockets and its clock.
//
//	agent's events --.                               .--> Commands: connect, answer, notify, fetch, wake me at …   (package tray carries them out)
//	clicks, keys -----+--> Model.Update(Msg, now) ---+
//	clock ------------'                               '--> Model.Screen(now): tray icon, menu, window, prompt, details (package view draws them)
//
// Update and Screen are functions: the same Model, Msg and time give the same answer. Nothing here waits, dials, draws or looks at a clock, and so every state that a
// person can get into is a test without a display.
//
// # Words
//
// All words that a person reads are made here, by a *locale.Words in the person's language. What the agent says by code (faults, reasons, transports) is translated by code; what it
// says in words only is shown as it came, which is English. What a gateway says (banner, labels, group names, its certificate) is shown as it came, cleaned of control characters
// and bounded: it is hostile.
//
// # What belongs to whom
//
// Answers with secrets pass through: from the view's fields into one Command, never into the Model. Who does not own the session sees its state and nothing of it. What an
// agent does not offer is not shown: Offers says what an agent of this version has, by the names in `GET /v1/version`, so that an older agent gets no button that cannot work and a newer one no less than today.
//
// # Files
//
// screen.go and details.go hold the Screen: plain values, laid out by package view without a decision of its own. msg.go holds what comes in and what goes out. model.go holds Update.
//
//	presence.go     the agent and the state together: the phases
//	desk.go         what there is to show things on: the window, a place for icons
//	asked.go        what the person asked for and what came of it; answer.go, certificate.go, hosts.go: questions, own certificates, what there is to choose from
//	window.go       the small window; session.go, rates.go, prompt.go: its facts and notes, its graph, questions
//	tray.go         icon and menu; alert.go: notifications; wake.go: when time alone will change something
//	pages.go        the details window; a file for each of its pages
//	text.go         texts of strangers, and failures in words
//
// # Time
//
// Notifications and wakes are no events but a comparison: what should be on the screen now, and what is there. So each is shown once, changed in place and withdrawn when it is over, whatever
// order things came in. While no window is open and nothing is pending the Model asks for no Wake at all; while the window of a session is open, for one a second.
//
// Package modeltest has a Model for every situation, for tables of tests, pictures and screenshots.
//
// The package imports agent/ipc, dart, profile, ui/locale, and never Fyne.
package model
