package svc

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/package/units"
)

// Name is the service's name on every system; launchd's convention wants a domain before it.
const (
	Name       = "holdfastd"
	rescueName = "holdfast-rescue"
	display    = "Holdfast VPN agent"
	told       = "Keeps VPN sessions to AnyConnect-compatible gateways."
)

// ours is the first line of a unit that Install wrote.
const ours = "# Written by holdfastd install; holdfastd uninstall removes it.\n"

// plain is what a path may hold to stand in a unit as it is: neither systemd nor kardianos/service read anything else into it.
var plain = regexp.MustCompile(`^/[A-Za-z0-9/._+-]+$`)

// hidden are folders that the unit keeps out of the service's sight (ProtectHome, PrivateTmp).
var hidden = []string{"/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/"}

// agentUnit and rescueUnit are the package's units for programs that lie elsewhere.
func agentUnit(program string) (string, error) {
	return moved(units.Agent, "/usr/sbin/holdfastd", program)
}

func rescueUnit(program string) (string, error) {
	return moved(units.Rescue, "/usr/bin/holdfast", program)
}

// moved is a unit whose program is not where the package has it.
func moved(unit, from, to string) (string, error) {
	if !plain.MatchString(to) || path.Clean(to) != to {
		return "", fault.Newf(fault.HostService, nil, "a unit cannot name %q: move the programs to /usr/local/bin", to)
	}
	for _, h := range hidden {
		if strings.HasPrefix(to, h) {
			return "", fault.Newf(fault.HostService, nil, "a service cannot see %s: move the programs to /usr/local/bin", to)
		}
	}
	line := "\nExecStart=" + from + " "
	if strings.Count(unit, line) != 1 {
		return "", fault.New(fault.Internal, fmt.Errorf("svc: the unit does not start %s", from))
	}
	return ours + strings.Replace(unit, line, "\nExecStart="+to+" ", 1), nil
}

// owner says whose a unit file is.
type owner uint8

const (
	nobody  owner = iota // there is none
	us                   // Install wrote it
	foreign              // somebody else did: an administrator, a package
)

// ownerOf judges the contents of a unit file.
func ownerOf(text string, there bool) owner {
	switch {
	case !there:
		return nobody
	case strings.HasPrefix(text, ours):
		return us
	}
	return foreign
}

// found is what Install and Uninstall find on a Linux machine.
type found struct {
	packaged bool  // a unit of a package is there
	agent    owner // of /etc/systemd/system/holdfastd.service
	rescue   owner
}

// mayInstall is nil where a service can be made.
func (f found) mayInstall() error {
	switch {
	case f.packaged:
		return fault.New(fault.HostPackaged, nil).Hint("start it with: systemctl enable --now " + Name)
	case f.agent == us:
		return fault.Newf(fault.HostService, nil, "it is installed already").Hint("to renew it: holdfastd uninstall, then holdfastd install")
	case f.agent == foreign || f.rescue == foreign:
		return fault.Newf(fault.HostService, nil, "a unit of that name is there, and not from us").Hint("look at it with: systemctl cat " + Name + " " + rescueName)
	}
	return nil
}

// mayUninstall is nil where the service is ours to remove.
func (f found) mayUninstall() error {
	switch {
	case f.agent == us:
		return nil
	case f.packaged:
		return fault.New(fault.HostPackaged, nil).Hint("remove it with: apt remove holdfast")
	case f.agent == foreign:
		return fault.Newf(fault.HostService, nil, "the unit is not from us").Hint("look at it with: systemctl cat " + Name)
	}
	return fault.New(fault.HostNoService, nil)
}

// launchd is the property list of launchd.plist(5), in the small template language of kardianos/service. The agent ends within 5 s of SIGTERM; launchd starts it again whatever happened, once in
// 10 s at most.
const launchd = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>Label</key>
	<string>{{Name | html}}</string>
	<key>ProgramArguments</key>
	<array>
		<string>{{Path | html}}</string>
{{range Arguments}}		<string>{{. | html}}</string>
{{end}}	</array>
	<key>RunAtLoad</key>
	<true/>
	<key>KeepAlive</key>
	<true/>
	<key>ExitTimeOut</key>
	<integer>15</integer>
	<key>Umask</key>
	<integer>63</integer>
	<key>HardResourceLimits</key>
	<dict>
		<key>Core</key>
		<integer>0</integer>
	</dict>
	<key>StandardErrorPath</key>
	<string>/var/log/{{Name | html}}.log</string>
</dict>
</plist>
`
