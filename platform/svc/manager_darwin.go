package svc

import (
	"github.com/kardianos/service"
)

// serviceName is the label: launchd's are reverse domains.
const serviceName = "com.github.holdfast-vpn." + Name

var arguments = []string{"run"}

func supported() error { return nil }

func options(string) (service.KeyValue, error) {
	return service.KeyValue{"LaunchdConfig": launchd}, nil
}

func (m *Manager) install(string) error { return refused(m.control.Install()) }

func (m *Manager) uninstall() error { return refused(m.control.Uninstall()) }

func failed(error) bool { return false }
