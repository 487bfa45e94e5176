package paths

import "path/filepath"

func defaults() Dirs {
	const own = "/Library/Application Support/Holdfast"
	return Dirs{State: own + "/state", Runtime: "/var/run/holdfast", Profile: own + "/profile"}
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
