// Package screens draws what a person sees, for the documentation: every situation of ui/model/modeltest in light and dark, in English and Japanese, into docs/screens, and the program's icon for
// desktops into platform/package/tray. It is a test, so that what is shown there is what the program draws:
//
//	go test ./ui/view/screens             compares
//	go test ./ui/view/screens -update     draws; so does task screenshots
package screens
