package systemd

import (
	"errors"
	"os"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

const (
	unitPath = dbus.ObjectPath("/org/freedesktop/systemd1/unit/holdfastd")
	jobPath  = dbus.ObjectPath("/org/freedesktop/systemd1/job/7")
)

// pid1 answers as systemd does (org.freedesktop.systemd1(5)) while a job of a kind is at work on our unit; "" is none.
type pid1 struct{ job string }

func (pid1) GetUnitByPID(pid uint32) (dbus.ObjectPath, *dbus.Error) {
	if pid != uint32(os.Getpid()) {
		return "", dbus.NewError("org.freedesktop.systemd1.NoUnitForPID", nil)
	}
	return unitPath, nil
}

// Get is of org.freedesktop.DBus.Properties, for the unit and for the job.
func (p pid1) Get(iface, name string) (dbus.Variant, *dbus.Error) {
	type ref struct {
		ID   uint32
		Path dbus.ObjectPath
	}
	switch {
	case iface == "org.freedesktop.systemd1.Unit" && name == "Job" && p.job == "":
		return dbus.MakeVariant(ref{0, "/"}), nil
	case iface == "org.freedesktop.systemd1.Unit" && name == "Job":
		return dbus.MakeVariant(ref{7, jobPath}), nil
	case iface == "org.freedesktop.systemd1.Job" && name == "JobType":
		return dbus.MakeVariant(p.job), nil
	}
	return dbus.Variant{}, dbus.NewError("org.freedesktop.DBus.Error.UnknownProperty", nil)
}

// TestRestarting: only a restart is one.
func TestRestarting(t *testing.T) {
	testenv.Require(t, "dbus-daemon")
	if !testenv.Namespace(t) {
		return
	}
	t.Setenv(Socket, "/run/systemd/notify")
	if Restarting(t.Context()) {
		t.Error("nobody could be asked")
	}
	testenv.SystemBus(t)
	if Restarting(t.Context()) {
		t.Error("there is no systemd")
	}
	conn, err := dbus.ConnectSystemBus()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.RequestName("org.freedesktop.systemd1", dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	for job, want := range map[string]bool{"restart": true, "try-restart": true, "stop": false, "start": false, "": false} {
		p := pid1{job}
		const properties = "org.freedesktop.DBus.Properties"
		if err := errors.Join(conn.Export(p, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"), conn.Export(p, unitPath, properties), conn.Export(p, jobPath, properties)); err != nil {
			t.Fatal(err)
		}
		if got := Restarting(t.Context()); got != want {
			t.Errorf("job %q: %t", job, got)
		}
	}
	t.Setenv(Socket, "")
	if Restarting(t.Context()) {
		t.Error("systemd has not started us")
	}
}
