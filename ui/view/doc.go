// Package view draws a model.Screen with Fyne: the small window, prompts, the details window. It decides nothing: what is shown, in which words, and whether something can be pressed, the Screen says;
// what a person does becomes a model.Msg and goes to one function.
//
//	model.Screen --> Window.Show, Prompts.Show, Details.Show --> Fyne's widgets
//	widgets' callbacks --> send(model.Msg)
//
// Show is called with every new Screen and changes only what differs: a widget that a person is typing into, has focused or is scrolling stays as it is. The fields of a prompt live here and
// are emptied when its answer is sent, when it is withdrawn and when its window closes.
//
// # Threads
//
// Everything here runs on Fyne's main thread, as its callbacks do. The package starts no goroutine and never calls fyne.Do; package tray comes in by it. A test holds both.
//
// # Looks
//
// theme.go has the colours, light and dark, the sizes and the fonts; a view takes them from nowhere else. The shapes of the states are drawn in icons/, once for panel, window and notifications.
//
// The package imports Fyne without fyne.io/fyne/v2/app: it builds without cgo and is tested with Fyne's own driver and no display; testdata/ has the pictures.
package view
