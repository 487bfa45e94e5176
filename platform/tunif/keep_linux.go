package tunif

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/undo/tagged"
)

// shape is what our link is: packets without a protocol header of tun's own, with the header that offloads need.
const shape = unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_VNET_HDR

// attach opens the tun link: with IFF_TUN_EXCL it must not be there before, so that a link that somebody else prepared is refused, without it is made or taken as it is.
func attach(exclusive uint16) (int, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("opening /dev/net/tun: %w", err)
	}
	req, err := unix.NewIfreq(platform.Interface)
	if err == nil {
		req.SetUint16(shape | exclusive)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("attaching to %s: %w", platform.Interface, err)
	}
	return fd, nil
}

// takeOver returns the link that a former process left: by the descriptor that was kept for us, else by its name. Routes and addresses are the router's to look at.
func (l *linux) takeOver() (*device, error) {
	fd := -1
	if l.kept != nil {
		fd = l.kept.Take()
	}
	if fd >= 0 {
		if err := ours(fd); err != nil {
			l.log.Warn("the descriptor that was kept is of no use", "err", err)
			_ = unix.Close(fd)
			l.kept.Drop()
			fd = -1
		}
	}
	if fd < 0 {
		link, err := tagged.Link()
		switch {
		case err != nil:
			return nil, err
		case link == nil:
			return nil, fmt.Errorf("there is no %s any more", platform.Interface)
		}
		if fd, err = attach(0); err != nil {
			return nil, err
		}
		if err := ours(fd); err != nil {
			return nil, errors.Join(err, unix.Close(fd))
		}
	}
	l.j.Step("tun: attached")
	d, err := l.device(fd)
	if err != nil {
		return nil, err
	}
	if d.link.Attrs().RawFlags&unix.IFF_UP == 0 { // somebody set it down, or we died before it was up
		if err := l.configure(d.link, d.link.Attrs().MTU); err != nil {
			return nil, errors.Join(err, d.Queue.Close())
		}
	}
	return d, nil
}

// ours refuses a descriptor that is not attached to the link, or to one of another shape.
func ours(fd int) error {
	req, err := unix.NewIfreq("")
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.TUNGETIFF, req); err != nil {
		return fmt.Errorf("it is attached to no link: %w", err)
	}
	const fixed = shape | unix.IFF_TAP | unix.IFF_MULTI_QUEUE | unix.IFF_PERSIST
	if got := req.Uint16() & fixed; req.Name() != platform.Interface || got != shape|unix.IFF_PERSIST {
		return fmt.Errorf("it is attached to %q with flags %#x", req.Name(), got)
	}
	return nil
}

// remove deletes the link, of a certain index unless that is 0, whoever has a descriptor of it. One that is gone already is as good.
func (l *linux) remove(index int) error {
	if l.kept != nil {
		l.kept.Drop()
	}
	link, err := tagged.Link()
	if err != nil || link == nil || index != 0 && link.Attrs().Index != index {
		return err
	}
	if err := netlink.LinkDel(link); !tagged.Gone(err) {
		return err
	}
	return nil
}
