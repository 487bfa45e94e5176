package svc

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/kardianos/service"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Status is what is known of the service.
type Status string

// What a service may be.
const (
	Running      Status = "running"
	Stopped      Status = "stopped"
	Failed       Status = "failed"
	NotInstalled Status = "not installed"
)

// Manager drives the service of this machine.
type Manager struct{ control service.Service }

// New finds the machine's manager of services. HOST-011 where there is none that we know.
func New() (*Manager, error) {
	if err := supported(); err != nil {
		return nil, err
	}
	program, err := self()
	if err != nil {
		return nil, err
	}
	c := &service.Config{Name: serviceName, DisplayName: display, Description: told, Executable: program, Arguments: arguments}
	if c.Option, err = options(program); err != nil {
		return nil, err
	}
	s, err := service.New(life{}, c)
	if err != nil {
		return nil, fault.New(fault.HostService, err)
	}
	return &Manager{s}, nil
}

// life is what kardianos/service would run; Run does that here.
type life struct{}

func (life) Start(service.Service) error { return nil }
func (life) Stop(service.Service) error  { return nil }

// self is this program's path without links: what a service runs must not be turned elsewhere.
func self() (string, error) {
	program, err := os.Executable()
	if err == nil {
		program, err = filepath.EvalSymlinks(program)
	}
	if err != nil {
		return "", fault.New(fault.Internal, err)
	}
	return program, nil
}

// Install makes the service and has it started with the machine. It is not started now.
func (m *Manager) Install() error {
	if err := privileged(); err != nil {
		return err
	}
	program, err := self()
	if err != nil {
		return err
	}
	if err := safe(program); err != nil {
		return err
	}
	return m.install(program)
}

// Uninstall stops the service, which takes back every change of the host, and removes it.
func (m *Manager) Uninstall() error {
	if err := privileged(); err != nil {
		return err
	}
	return m.uninstall()
}

// Start starts it, unless it runs.
func (m *Manager) Start() error { return m.change(m.control.Start, Running) }

// Stop stops it, unless it has stopped; it is started again with the machine.
func (m *Manager) Stop() error { return m.change(m.control.Stop, Stopped) }

// Restart stops it and starts it again, the way the system does that.
func (m *Manager) Restart() error { return m.change(m.control.Restart, "") }

// change does something to a service that must be there, unless it is so already.
func (m *Manager) change(what func() error, already Status) error {
	if err := privileged(); err != nil {
		return err
	}
	switch s, err := m.Status(); {
	case err != nil:
		return err
	case s == NotInstalled:
		return fault.New(fault.HostNoService, nil)
	case s == already:
		return nil
	}
	return refused(what())
}

// refused is what the system says no with.
func refused(err error) error {
	if err == nil {
		return nil
	}
	return fault.Newf(fault.HostService, err, "%v", err)
}

// Status asks the system. It needs no privilege.
func (m *Manager) Status() (Status, error) {
	s, err := m.control.Status()
	switch {
	case errors.Is(err, service.ErrNotInstalled):
		return NotInstalled, nil
	case err != nil && s == service.StatusUnknown && failed(err):
		return Failed, nil
	case err != nil:
		return "", refused(err)
	case s == service.StatusRunning:
		return Running, nil
	}
	return Stopped, nil
}
