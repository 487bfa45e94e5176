// Command holdfast-tray is the tray application of Holdfast.
package main

import (
	"fyne.io/fyne/v2/app"
)

func main() {
	app.NewWithID("io.github.holdfast-vpn.holdfast").Run()
}
