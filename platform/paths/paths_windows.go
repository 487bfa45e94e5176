package paths

import (
	"os"
	"path/filepath"
)

// pipe is the agent's one pipe, whatever its runtime directory is: only administrators can make a name below this prefix.
const pipe = `\\.\pipe\ProtectedPrefix\Administrators\Holdfast\agent`

func programData() string {
	if d := os.Getenv("ProgramData"); filepath.IsAbs(d) {
		return d
	}
	return `C:\ProgramData`
}

func defaults() Dirs {
	own := filepath.Join(programData(), "Holdfast")
	return Dirs{State: filepath.Join(own, "state"), Runtime: filepath.Join(own, "run"), Profile: filepath.Join(own, "profile")}
}

func imports() []string {
	cisco := filepath.Join(programData(), "Cisco")
	return []string{
		filepath.Join(cisco, "Cisco Secure Client", "VPN", "Profile"),
		filepath.Join(cisco, "Cisco AnyConnect Secure Mobility Client", "Profile"),
	}
}

func policies() []string {
	cisco := filepath.Join(programData(), "Cisco")
	return []string{
		filepath.Join(cisco, "Cisco Secure Client", "AnyConnectLocalPolicy.xml"),
		filepath.Join(cisco, "Cisco AnyConnect Secure Mobility Client", "AnyConnectLocalPolicy.xml"),
	}
}

func preferences(home string) []string {
	cisco := filepath.Join(home, "AppData", "Local", "Cisco")
	return []string{
		filepath.Join(cisco, "Cisco Secure Client", "VPN", "preferences.xml"),
		filepath.Join(cisco, "Cisco AnyConnect Secure Mobility Client", "preferences.xml"),
	}
}

func socket(string) string { return pipe }
