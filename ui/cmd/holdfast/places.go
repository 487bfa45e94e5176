package main

import (
	"os"
	"path/filepath"
	"runtime"

	"github.com/holdfast-vpn/holdfast/ui/cli"
)

// places says where things are on this system.
func places() cli.Deps {
	switch runtime.GOOS {
	case "windows":
		data := os.Getenv("ProgramData")
		own := filepath.Join(data, "Holdfast")
		return cli.Deps{
			Socket:   `\\.\pipe\ProtectedPrefix\Administrators\Holdfast\agent`,
			StateDir: filepath.Join(own, "state"), RuntimeDir: filepath.Join(own, "run"),
			ProfileDirs: []string{
				filepath.Join(own, "profile"),
				filepath.Join(data, "Cisco", "Cisco Secure Client", "VPN", "Profile"),
				filepath.Join(data, "Cisco", "Cisco AnyConnect Secure Mobility Client", "Profile"),
			},
		}
	case "darwin":
		const own = "/Library/Application Support/Holdfast"
		return unix(own, "/var/run/holdfast", own+"/profile")
	}
	return unix("/var/lib/holdfast", "/run/holdfast", "/etc/holdfast/profile")
}

func unix(state, run, profiles string) cli.Deps {
	return cli.Deps{
		Socket: filepath.Join(run, "agent.sock"), StateDir: state, RuntimeDir: run,
		ProfileDirs: []string{profiles, "/opt/cisco/secureclient/vpn/profile", "/opt/cisco/anyconnect/profile"},
	}
}
