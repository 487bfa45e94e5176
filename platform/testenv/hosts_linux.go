package testenv

import (
	"errors"
	"os"
	"testing"
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
