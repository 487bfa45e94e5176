package systemd

import (
	"context"
	"os"

	"github.com/godbus/dbus/v5"

	"github.com/holdfast-vpn/holdfast/platform/sysbus"
)

const (
	bus     = "org.freedesktop.systemd1"
	root    = "/org/freedesktop/systemd1"
	manager = bus + ".Manager"
)

// Restarting reports whether systemd is restarting the unit of this process: the job that is at work on it is a restart, as systemctl restart and an upgrade of the package
// make it. A stop, a shutdown of the machine and a signal from somebody else have another job, or none. Where systemd cannot be asked, in two seconds at most, it is none.
func Restarting(ctx context.Context) bool {
	if os.Getenv(Socket) == "" {
		return false
	}
	b, err := sysbus.Dial(ctx)
	if err != nil {
		return false
	}
	defer b.Close()
	var unit dbus.ObjectPath
	if err := b.Call(ctx, bus, root, manager+".GetUnitByPID", []any{uint32(os.Getpid())}, []any{&unit}); err != nil {
		return false
	}
	var job struct {
		ID   uint32
		Path dbus.ObjectPath
	}
	if err := b.Property(ctx, bus, string(unit), bus+".Unit", "Job", &job); err != nil || job.ID == 0 {
		return false
	}
	var kind string
	if err := b.Property(ctx, bus, string(job.Path), bus+".Job", "JobType", &kind); err != nil {
		return false
	}
	return kind == "restart" || kind == "try-restart"
}
