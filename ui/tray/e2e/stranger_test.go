package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-vpn/holdfast/platform/testenv"
	"github.com/holdfast-vpn/holdfast/ui/tray/desk"
)

// nobody is a user who is in no group of ours.
const nobody = 65534

// TestStranger: who is not in the group is told so, by the icon, and in a window.
func TestStranger(t *testing.T) {
	testenv.Require(t, "uid")
	w := newWorld(t)
	if w == nil {
		return
	}
	panel := w.bus.NewPanel()
	w.become(nobody)
	w.startTray("--background")
	icon := panel.Icon()
	icon.Await("the reason", func(l desk.Look) bool { return strings.Contains(l.Tooltip, w.words.Text("window.refused")) })
	icon.Activate()
	w.screen.Window(w.words.Text("window.title"))
	icon.Click(w.words.Text("tray.quit"))
}

// become has the application run as another user, with a home of his own.
func (w *world) become(uid int) {
	w.Helper()
	home := w.TempDir()
	err := os.Chown(home, uid, uid)
	for _, path := range []string{home, w.lab.Dir, strings.TrimPrefix(w.bus.Address, "unix:path="), os.Getenv(trayEnv)} {
		for dir := filepath.Dir(path); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
			err = errors.Join(err, os.Chmod(dir, 0o711)) // on the way there
		}
	}
	if err = errors.Join(err, os.Chmod(w.lab.Dir, 0o711), os.Chmod(filepath.Dir(filepath.Dir(w.socket())), 0o711)); err != nil {
		w.Fatal(err)
	}
	w.as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	w.env = append(w.env, "HOME="+home, "XDG_RUNTIME_DIR="+home, "XDG_STATE_HOME="+filepath.Join(home, "state"), "XDG_CONFIG_HOME="+filepath.Join(home, "config"))
}
