package paths

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
