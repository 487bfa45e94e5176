package view

import (
	"testing"

	"fyne.io/fyne/v2/test"
)

// TestTheme: the theme can be put on an application.
func TestTheme(t *testing.T) {
	a := test.NewTempApp(t)
	a.Settings().SetTheme(NewTheme())
}
