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
	if dir := runtimeDir(); dir != "" {
		return dir
	}
	return StateDir()
}

// runtimeDir is $XDG_RUNTIME_DIR, "" where that is not a folder of this user alone: in one below /tmp that somebody else made first, he could hold our lock and answer in our place, and in that of the user
// whom sudo left in the environment, our files would be in his way.
func runtimeDir() string {
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if !filepath.IsAbs(dir) || !ours(filepath.Clean(dir)) {
		return ""
	}
	return filepath.Clean(dir)
}

// Session names the screen that the application is on, where one person can have several.
func Session() string {
	if name := os.Getenv("WAYLAND_DISPLAY"); name != "" {
		return name
	}
	return os.Getenv("DISPLAY")
}
