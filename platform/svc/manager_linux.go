package svc

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/kardianos/service"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

const serviceName = Name

// arguments are not used: the unit names the whole command.
var arguments []string

// Where units are (systemd.unit(5), "Unit File Load Path").
const own = "/etc/systemd/system/"

var packaged = []string{"/usr/lib/systemd/system/", "/lib/systemd/system/", "/usr/local/lib/systemd/system/"}

// supported is nil under systemd (sd_booted(3)).
func supported() error {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return fault.Newf(fault.HostService, err, "this machine was not started by systemd").Hint("run it in the foreground: sudo holdfastd run")
	}
	return nil
}

// options hands kardianos/service our unit in place of its own. Where the path cannot stand in one, Install says so.
func options(program string) (service.KeyValue, error) {
	unit, err := agentUnit(program)
	if err != nil {
		return service.KeyValue{}, nil
	}
	return service.KeyValue{"SystemdScript": unit}, nil
}

// look finds what is there.
func look() found {
	f := found{agent: read(own + Name + ".service"), rescue: read(own + rescueName + ".service")}
	for _, dir := range packaged {
		f.packaged = f.packaged || read(dir+Name+".service") != nobody
	}
	return f
}

// read tells whose a unit file is. One that cannot be read is not ours; a link, such as that of a masked unit, is an administrator's.
func read(path string) owner {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nobody
	}
	if err != nil || !info.Mode().IsRegular() {
		return foreign
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return foreign
	}
	return ownerOf(string(text), true)
}

// install writes the rescue's unit first: the agent's names it.
func (m *Manager) install(program string) error {
	if err := look().mayInstall(); err != nil {
		return err
	}
	if _, err := agentUnit(program); err != nil {
		return err
	}
	cli := filepath.Join(filepath.Dir(program), "holdfast")
	if err := safe(cli); err != nil {
		return err
	}
	rescue, err := rescueUnit(cli)
	if err != nil {
		return err
	}
	path := own + rescueName + ".service"
	if err := os.WriteFile(path, []byte(rescue), 0o644); err != nil {
		return refused(err)
	}
	if err := m.control.Install(); err != nil {
		_ = os.Remove(path)
		if read(own+Name+".service") == us {
			_ = os.Remove(own + Name + ".service")
		}
		return refused(err)
	}
	return nil
}

// uninstall stops, takes back what an agent that did not end well has left, removes, and has systemd forget.
func (m *Manager) uninstall() error {
	f := look()
	if err := f.mayUninstall(); err != nil {
		return err
	}
	if err := m.control.Stop(); err != nil {
		return refused(err)
	}
	if f.rescue == us {
		if err := exec.Command("systemctl", "start", rescueName+".service").Run(); err != nil {
			return fault.New(fault.HostUndo, err).Hint("what it says: journalctl -u " + rescueName)
		}
		if err := os.Remove(own + rescueName + ".service"); err != nil {
			return refused(err)
		}
	}
	if err := m.control.Uninstall(); err != nil {
		return refused(err)
	}
	_ = exec.Command("systemctl", "reset-failed", Name+".service", rescueName+".service").Run() // that they never failed is an error of its own
	return nil
}

// failed says that it is installed, and systemd has given up on it.
func failed(err error) bool { return strings.Contains(err.Error(), "failed state") }
