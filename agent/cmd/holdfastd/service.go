package main

import (
	"fmt"
	"io"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/svc"
)

// service carries out one of the verbs for the system's service.
func service(verb string, stdout io.Writer) error {
	m, err := svc.New()
	if err != nil {
		return err
	}
	if verb == "status" {
		return status(m, stdout)
	}
	do, said := m.Restart, "restarted"
	switch verb {
	case "install":
		do, said = m.Install, "installed; start it with: holdfastd start"
	case "uninstall":
		do, said = m.Uninstall, "uninstalled"
	case "start":
		do, said = m.Start, "started"
	case "stop":
		do, said = m.Stop, "stopped"
	}
	if err := do(); err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, said)
	return err
}

// status prints one word or two, and is an error unless it is "running": that is what scripts ask.
func status(m *svc.Manager, stdout io.Writer) error {
	s, err := m.Status()
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, s)
	switch s {
	case svc.Running:
		return nil
	case svc.NotInstalled:
		return fault.Newf(fault.AgentUnreachable, nil, "there is no service").Hint("install it with: sudo holdfastd install")
	}
	return fault.Newf(fault.AgentUnreachable, nil, "the service is %s", s)
}
