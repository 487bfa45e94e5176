//go:build !windows && !darwin

package paths

import "path/filepath"

func defaults() Dirs {
	return Dirs{State: "/var/lib/holdfast", Runtime: "/run/holdfast", Profile: "/etc/holdfast/profile"}
}

func imports() []string {
	return []string{"/opt/cisco/secureclient/vpn/profile", "/opt/cisco/anyconnect/profile"}
}

func policies() []string {
	return []string{"/opt/cisco/secureclient/AnyConnectLocalPolicy.xml", "/opt/cisco/anyconnect/AnyConnectLocalPolicy.xml"}
}

func preferences(home string) []string {
	return []string{filepath.Join(home, ".vpn", ".anyconnect"), filepath.Join(home, ".anyconnect")}
}
