// Package view draws a model.Screen with Fyne: the small window, prompts, the details window. It decides nothing: what is shown, in which words, and whether something can be pressed, the Screen says;
// what a person does becomes a model.Msg and goes to one function.
//
//	model.Screen --> Frame.Show (the overview or, in its place, a question), Details.Show --> widgets
//	widgets' callbacks --> send(model.Msg)
//
// Show is called with every new Screen and changes only what differs: a widget that a person is typing into, has focused or is scrolling stays as it is.
//
// # Secrets
//
// What is typed into a prompt lives in its entries and nowhere else of ours. It becomes one model.Answer of secrets, and the entries are emptied and dropped when that is sent, when the prompt is withdrawn or replaced, and
// when its window closes (Frame.Forget). Fyne holds text in Go's strings, which are let go and cannot be overwritten; one that is shown by the eye in a password entry is also among the measured texts that Fyne drops after a minute.
//
// # Threads
//
// Everything here runs on Fyne's main thread, as its callbacks do. The package starts no goroutine, has no timer and never calls fyne.Do; package tray comes in by it. A test holds that.
//
// # Layout
//
// Fyne asks an object for its least size without telling it a width, and text that breaks into lines has none. Ours are asked heightFor(width): flow.go has columns and rows of such objects, page.go a page that scrolls
// where its body is higher than its window. So there is room for every language and size of text, which a test holds by walking what is painted: nothing is cut, and nothing lies over something else.
//
// Widgets are our own where Fyne's have padding that nothing can be aligned with (text), are not pressed by Enter (press), or know options by their words, of which two may be the same (choice).
//
// # The details
//
// details.go has a rail of names at the side and beside it the page that is open. Statistics, routes, DNS and messages are ledgers, which draw only the lines in sight; timeline.go says how the picture is read; a preference is a card
// with its control. Every page is walked by keyboard, and what somebody has scrolled to, chosen or typed stays while its values change.
//
// # Looks
//
// palette.go has the colours, light and dark, theme.go the sizes and the fonts; a view takes them from nowhere else. A tone is never said by colour alone: a picture stands beside it. The pictures in icons/ are drawn in one
// ink, as filled shapes, and tinted for window, panel and notifications.
//
// The package imports Fyne without fyne.io/fyne/v2/app: it builds without cgo and is tested with Fyne's own driver and no display. testdata/ has the pictures of every situation in every language; after a change that is meant to be
// seen, look at what `go test ./ui/view -run Golden -update` makes of them.
package view
