package tray

import (
	"os"
	"path/filepath"
	"runtime"
)

// StateDir is where this user's recent hosts and window sizes are kept: $XDG_STATE_HOME/holdfast, or what the system has in its place; "" where nobody knows his home.
func StateDir() string {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		dir, err := os.UserConfigDir()
		if err != nil {
			return ""
		}
		return filepath.Join(dir, "Holdfast")
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "holdfast")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".local", "state", "holdfast")
}

// SessionDir is where the files of Alone are: of this login, else of this user; "" where there is neither.
func SessionDir() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return dir
	}
	return StateDir()
}

// Session names the screen that the application is on, where one person can have several.
func Session() string {
	if name := os.Getenv("WAYLAND_DISPLAY"); name != "" {
		return name
	}
	return os.Getenv("DISPLAY")
}
