package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

const resolvPath = "/etc/resolv.conf"

// ResolvedHost makes the test's machine one of systemd-resolved, to whose stub resolv.conf leads and which has the server of a link.
func ResolvedHost(t testing.TB, link, server string) *Service {
	t.Helper()
	Install(t, "systemd-resolved")
	SystemBus(t)
	linkResolv(t, "../run/systemd/resolve/stub-resolv.conf")
	daemon := Resolved(t)
	Self(t).Run(t, "resolvectl", "dns", link, server)
	Self(t).Run(t, "resolvectl", "default-route", link, "yes")
	return daemon
}

// ResolvconfHost makes it one of Debian's resolvconf, with the record of a network card.
func ResolvconfHost(t testing.TB, link, server string) {
	t.Helper()
	Install(t, "resolvconf")
	if err := errors.Join(os.MkdirAll("/run/resolvconf/interface", 0o755), os.WriteFile("/run/resolvconf/enable-updates", nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	linkResolv(t, "/run/resolvconf/resolv.conf")
	Self(t).Run(t, "sh", "-c", "echo nameserver "+server+" | /sbin/resolvconf -a "+link+".dhclient")
}

// OpenresolvHost makes it one of openresolv, with the record of a network card.
func OpenresolvHost(t testing.TB, link, server string) {
	t.Helper()
	Install(t, "openresolv")
	Self(t).Run(t, "sh", "-c", "echo nameserver "+server+" | /sbin/resolvconf -a "+link)
}

// linkResolv makes resolv.conf a link, to what need not exist yet.
func linkResolv(t testing.TB, target string) {
	t.Helper()
	if err := errors.Join(os.Remove(resolvPath), os.Symlink(target, resolvPath)); err != nil {
		t.Fatal(err)
	}
}

// nmConf makes NetworkManager look after what is configured and nothing else.
const nmConf = `[main]
plugins=keyfile
no-auto-default=*
auth-polkit=false
dns=%s
[keyfile]
unmanaged-devices=%s
`

// nmLink is a connection with a fixed address.
const nmLink = `[connection]
id=wired
type=ethernet
interface-name=%s
[ipv4]
method=manual
address1=%s,%s
dns=%s;
[ipv6]
method=ignore
`

// NetworkManagerHost makes it one of NetworkManager, which gives link its address, gateway and server, and has names resolved in the given mode (its dns=: default,
// dnsmasq, systemd-resolved). Links called other are none of its business.
func NetworkManagerHost(t testing.TB, mode, link, address, gateway, server, other string) *Service {
	t.Helper()
	Install(t, "network-manager", "libnm0", "libndp0", "libteamdctl0")
	if !exists(busPath) {
		SystemBus(t)
	}
	// Without udev it takes over links only where /sys is read-only, as in a container.
	if err := errors.Join(unix.Mount("sysfs", "/sys", "sysfs", unix.MS_RDONLY, ""), unix.Mount("tmpfs", "/var/lib", "tmpfs", 0, ""),
		os.MkdirAll("/run/NetworkManager", 0o755), os.MkdirAll("/etc/NetworkManager/system-connections", 0o755), os.RemoveAll("/etc/NetworkManager/conf.d"),
		os.WriteFile("/etc/NetworkManager/NetworkManager.conf", fmt.Appendf(nil, nmConf, mode, other), 0o644),
		os.WriteFile("/etc/NetworkManager/system-connections/wired.nmconnection", fmt.Appendf(nil, nmLink, link, address, gateway, server), 0o600)); err != nil {
		t.Fatal(err)
	}
	s := run(t, func() *exec.Cmd { return Self(t).Command("/usr/sbin/NetworkManager", "-n") }, func() bool { return owned("org.freedesktop.NetworkManager") })
	Self(t).Run(t, "nmcli", "--wait", "10", "connection", "up", "wired")
	return s
}
