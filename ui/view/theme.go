package view

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// Theme is Fyne's with our fonts.
type Theme struct{ fyne.Theme }

// NewTheme returns the theme.
func NewTheme() fyne.Theme { return Theme{theme.DefaultTheme()} }
