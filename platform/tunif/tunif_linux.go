package tunif

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/tunif/queue"
	"github.com/holdfast-vpn/holdfast/platform/undo"
	"github.com/holdfast-vpn/holdfast/platform/undo/tagged"
)

// Bounds of the MTU in bytes: what IPv4 needs, and what design §6 caps a tunnel at.
const (
	minMTU = 576
	maxMTU = 1500
)

// addrGenNone keeps the kernel from making an address for the link (IN6_ADDR_GEN_MODE_NONE of linux/if_link.h).
const addrGenNone = 1

type linux struct {
	j    *undo.Journal
	log  *slog.Logger
	kept platform.Keeper

	mu   sync.Mutex
	open *device
}

// New returns the maker of the device. Whatever it makes is in the journal first. kept is who holds its descriptor beyond this process; it may be nil.
func New(j *undo.Journal, log *slog.Logger, kept platform.Keeper) platform.Tun {
	return &linux{j: j, log: log, kept: kept}
}

// Open makes the link and sets it up with the MTU, in bytes, 576 to 1500. A link that the journal lists is one that a former process left: it is taken over with what is on it, where its
// shape is ours. The error is HOST-001. The caller closes the device, once nothing reads or writes any more or to end that; the link is gone when Close has returned, unless it was told to Leave it.
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
	if len(l.j.Get(undo.SlotTun)) > 0 {
		d, err := l.takeOver()
		if err == nil {
			l.open = d
			l.log.Info("tunnel device is taken over", "link", platform.Interface, "index", d.index)
			return d, nil
		}
		l.log.Warn("the device of a former agent is not taken over", "err", err)
		if err := l.remove(0); err != nil {
			return nil, fault.New(fault.HostTun, err)
		}
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
	fd, err := attach(unix.IFF_TUN_EXCL)
	if err != nil {
		return nil, err
	}
	l.j.Step("tun: made")
	if err := unix.IoctlSetInt(fd, unix.TUNSETPERSIST, 1); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("making %s outlive this process: %w", platform.Interface, err)
	}
	l.j.Step("tun: persistent")
	d, err := l.device(fd)
	if err != nil {
		return nil, errors.Join(err, l.remove(0))
	}
	if err := l.configure(d.link, mtu); err != nil {
		return nil, errors.Join(err, d.Queue.Close(), l.remove(0))
	}
	return d, nil
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
	link  netlink.Link
	index int
	left  atomic.Bool
	once  sync.Once
	err   error
}

// device makes one of a descriptor that is attached to the link, which it takes over, also when it fails.
func (l *linux) device(fd int) (*device, error) {
	if l.kept != nil {
		l.kept.Keep(fd)
	}
	q, err := queue.New(fd)
	if err != nil {
		return nil, err
	}
	link, err := tagged.Link()
	if err == nil && link == nil {
		err = fmt.Errorf("%s is gone already", platform.Interface)
	}
	if err != nil {
		return nil, errors.Join(err, q.Close())
	}
	return &device{Queue: q, owner: l, link: link, index: link.Attrs().Index}, nil
}

func (d *device) Name() string { return platform.Interface }

func (d *device) Index() int { return d.index }

// Leave has Close end this process's part alone: the link stays, with all that is on it, for the next process.
func (d *device) Leave() { d.left.Store(true) }

// Close ends the link and every Read of it.
func (d *device) Close() error {
	d.once.Do(func() {
		d.err = d.Queue.Close()
		d.owner.mu.Lock()
		defer d.owner.mu.Unlock()
		d.owner.open = nil
		if !d.left.Load() {
			d.err = errors.Join(d.err, d.owner.remove(d.index), d.owner.j.Put(undo.SlotTun))
		}
	})
	return d.err
}
