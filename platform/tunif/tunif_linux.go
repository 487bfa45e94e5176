package tunif

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/tunif/queue"
	"github.com/holdfast-vpn/holdfast/platform/undo"
)

// Bounds of the MTU in bytes: what IPv4 needs, and what design §6 caps a tunnel at.
const (
	minMTU = 576
	maxMTU = 1500
)

// addrGenNone keeps the kernel from making an address for the link (IN6_ADDR_GEN_MODE_NONE of linux/if_link.h).
const addrGenNone = 1

type linux struct {
	j   *undo.Journal
	log *slog.Logger

	mu   sync.Mutex
	open *device
}

// New returns the maker of the device. Whatever it makes is in the journal first.
func New(j *undo.Journal, log *slog.Logger) platform.Tun { return &linux{j: j, log: log} }

// Open makes the link and sets it up with the MTU, in bytes, 576 to 1500. The error is HOST-001. The caller closes the device, once nothing reads or writes any more or to
// end that; the link is gone when Close has returned.
func (l *linux) Open(ctx context.Context, mtu int) (platform.Device, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return nil, fault.New(fault.HostTun, ctx.Err())
	case l.open != nil:
		return nil, fault.New(fault.HostTun, errors.New("one is open already"))
	case mtu < minMTU || mtu > maxMTU:
		return nil, fault.Newf(fault.HostTun, nil, "MTU %d", mtu)
	}
	if err := l.j.Put(undo.SlotTun, undo.Entry{Kind: undo.KindLink}); err != nil {
		return nil, fault.New(fault.HostTun, err)
	}
	l.j.Step("tun: journaled")
	d, err := l.make(mtu)
	if err != nil {
		return nil, fault.New(fault.HostTun, errors.Join(err, l.j.Put(undo.SlotTun)))
	}
	l.open = d
	l.log.Info("tunnel device is up", "link", platform.Interface, "index", d.index, "mtu", mtu)
	return d, nil
}

func (l *linux) make(mtu int) (*device, error) {
	q, err := create()
	if err != nil {
		return nil, err
	}
	l.j.Step("tun: made")
	link, err := netlink.LinkByName(platform.Interface)
	if err == nil {
		err = l.configure(link, mtu)
	}
	if err != nil {
		return nil, errors.Join(err, q.Close())
	}
	return &device{Queue: q, owner: l, index: link.Attrs().Index}, nil
}

// create makes the tun link and the queue on it. The name must be free: TUN_EXCL refuses a link that somebody else prepared.
func create() (*queue.Queue, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening /dev/net/tun: %w", err)
	}
	req, err := unix.NewIfreq(platform.Interface)
	if err == nil {
		req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_VNET_HDR | unix.IFF_TUN_EXCL)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("making %s: %w", platform.Interface, err)
	}
	return queue.New(fd) // owns the descriptor from here, also when it fails
}

// configure prepares the link while it is still down, then sets it up.
func (l *linux) configure(link netlink.Link, mtu int) error {
	if err := netlink.LinkSetMTU(link, mtu); err != nil {
		return fmt.Errorf("setting the MTU to %d: %w", mtu, err)
	}
	// A link without IPv6 (the kernel has none, or the MTU is below IPv6's least) generates no address.
	if err := netlink.LinkSetIP6AddrGenMode(link, addrGenNone); err != nil && !errors.Is(err, unix.EAFNOSUPPORT) {
		return fmt.Errorf("turning address generation off: %w", err)
	}
	for _, name := range []string{"accept_ra", "accept_redirects"} {
		path := "/proc/sys/net/ipv6/conf/" + platform.Interface + "/" + name
		if err := os.WriteFile(path, []byte("0"), 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	l.j.Step("tun: configured")
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("setting %s up: %w", platform.Interface, err)
	}
	l.j.Step("tun: up")
	return nil
}

// device is the open link.
type device struct {
	*queue.Queue
	owner *linux
	index int
	once  sync.Once
	err   error
}

func (d *device) Name() string { return platform.Interface }

func (d *device) Index() int { return d.index }

// Close ends the link and every Read of it.
func (d *device) Close() error {
	d.once.Do(func() {
		d.err = d.Queue.Close()
		d.owner.mu.Lock()
		defer d.owner.mu.Unlock()
		d.owner.open = nil
		d.err = errors.Join(d.err, d.owner.j.Put(undo.SlotTun))
	})
	return d.err
}
