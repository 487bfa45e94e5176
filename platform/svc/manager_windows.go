package svc

import (
	"strings"

	"github.com/kardianos/service"
	"golang.org/x/sys/windows"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

const serviceName = Name

// arguments tell the program that the service control manager has started it, which it cannot find out everywhere.
var arguments = []string{"run", "--service"}

func supported() error { return nil }

// options have the manager start it again when it ends by itself.
func options(string) (service.KeyValue, error) {
	return service.KeyValue{service.OnFailure: service.OnFailureRestart, service.OnFailureDelayDuration: "500ms", service.OnFailureResetPeriod: 60}, nil
}

// privileged is nil for an administrator whose rights are raised.
func privileged() error {
	if !windows.GetCurrentProcessToken().IsElevated() {
		return fault.New(fault.PolRoot, nil).Hint("use a command prompt that was opened with \"Run as administrator\"")
	}
	return nil
}

// safe is nil below %ProgramFiles%, where only administrators may write.
func safe(program string) error {
	dir, err := windows.KnownFolderPath(windows.FOLDERID_ProgramFiles, 0)
	if err != nil {
		return refused(err)
	}
	if !strings.HasPrefix(strings.ToLower(program), strings.ToLower(dir)+`\`) {
		return fault.Newf(fault.HostService, nil, "others could replace %s", program).Hint(`copy holdfastd.exe and holdfast.exe to ` + dir + `\Holdfast and use them there`)
	}
	return nil
}

func (m *Manager) install(string) error {
	if s, err := m.Status(); err == nil && s != NotInstalled {
		return fault.Newf(fault.HostService, nil, "it is installed already")
	}
	return refused(m.control.Install())
}

func (m *Manager) uninstall() error {
	switch s, err := m.Status(); {
	case err != nil:
		return err
	case s == NotInstalled:
		return fault.New(fault.HostNoService, nil)
	case s == Running:
		if err := m.control.Stop(); err != nil {
			return refused(err)
		}
	}
	return refused(m.control.Uninstall())
}

func failed(error) bool { return false }
