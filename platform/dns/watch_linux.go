package dns

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/platform/sysbus"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolvconf"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolved"
)

const (
	settle  = 50 * time.Millisecond // after a change of the file: whoever writes it is often not done with one write
	again   = 5 * time.Second       // what asserting again may take
	patient = time.Minute
	maxRows = 20 // changes in that time, after which we leave it to the other for a while
)

// watch keeps what Set made: it looks when resolv.conf or systemd-resolved changes. Two goroutines listen, a third acts.
//
//	inotify ----.
//	             >-- kick --> act --> Resolver.assert
//	D-Bus   ----'
type watch struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup
	file   *os.File // inotify; nil where it cannot be had
	kick   chan struct{}
}

func startWatch(r *Resolver) *watch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watch{cancel: cancel, kick: make(chan struct{}, 1)}
	var err error
	if w.file, err = notifier(); err != nil {
		r.log.Warn("nobody watches resolv.conf", "error", err)
	} else {
		w.wg.Go(func() { w.listen(r.log) })
	}
	w.wg.Go(func() { w.hear(ctx) })
	w.wg.Go(func() { w.act(ctx, r) })
	return w
}

// stop ends the watch and waits for it. A nil watch is none.
func (w *watch) stop() {
	if w == nil {
		return
	}
	w.cancel()
	if w.file != nil {
		_ = w.file.Close()
	}
	w.wg.Wait()
}

// poke asks for one look, however many ask.
func (w *watch) poke() {
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// notifier tells of changes in /etc, and of the bytes of resolv.conf itself: those of a mounted file change elsewhere.
func notifier() (*os.File, error) {
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return nil, err
	}
	_, err = unix.InotifyAddWatch(fd, "/etc", unix.IN_CLOSE_WRITE|unix.IN_CREATE|unix.IN_DELETE|unix.IN_MOVED_FROM|unix.IN_MOVED_TO)
	if err == nil {
		_, err = unix.InotifyAddWatch(fd, resolvconf.Path, unix.IN_CLOSE_WRITE)
	}
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), "inotify"), nil
}

// listen pokes when resolv.conf changes, by its name in /etc or by its bytes.
func (w *watch) listen(log *slog.Logger) {
	b := make([]byte, 16*(unix.SizeofInotifyEvent+unix.NAME_MAX+1))
	w.poke() // for what came between Set and the watch
	for {
		n, err := w.file.Read(b)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil {
			log.Warn("nobody watches resolv.conf any more", "error", err)
			return
		}
		if concerns(b[:n]) {
			w.poke()
		}
	}
}

// concerns reports whether one of the events (inotify(7)) is about resolv.conf, about a file that is watched itself, or says that events were lost.
func concerns(events []byte) bool {
	for len(events) >= unix.SizeofInotifyEvent {
		size := int(binary.NativeEndian.Uint32(events[12:]))
		if size > len(events)-unix.SizeofInotifyEvent {
			return true
		}
		name := events[unix.SizeofInotifyEvent : unix.SizeofInotifyEvent+size]
		if size == 0 || string(bytes.TrimRight(name, "\x00")) == filepath.Base(resolvconf.Path) {
			return true
		}
		events = events[unix.SizeofInotifyEvent+size:]
	}
	return false
}

// hear pokes when systemd-resolved comes back, without what it knew of our link, and when it was told of other servers: NetworkManager resets the links of others
// when it takes notice of them (mihomo#2907) and when a network goes (update-systemd-resolved#51).
func (w *watch) hear(ctx context.Context) {
	for ctx.Err() == nil {
		if bus, err := sysbus.Dial(ctx); err == nil {
			_ = bus.Watch(ctx, resolved.Name, resolved.Path, w.poke)
			_ = bus.Close()
		}
		sysbus.Await(ctx)
	}
}

// act asserts what is wanted, not more often than maxRows times a minute against somebody who writes too.
func (w *watch) act(ctx context.Context, r *Resolver) {
	var made []time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.kick:
		}
		sleep(ctx, settle)
		for len(made) > 0 && time.Since(made[0]) > patient {
			made = made[1:]
		}
		if len(made) == maxRows {
			r.log.Warn("somebody else goes on changing name resolution: leaving it for a while", "changes", len(made))
			sleep(ctx, patient-time.Since(made[0]))
			made = made[:0]
		}
		if ctx.Err() != nil {
			return
		}
		if r.assert(ctx) {
			made = append(made, time.Now())
		}
	}
}

// assert makes the machine what it should be and reports whether something had to be changed.
func (r *Resolver) assert(ctx context.Context) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, again)
	defer cancel()
	before := r.changes
	if err := r.apply(ctx, true); err != nil && ctx.Err() == nil {
		r.log.Warn("name resolution could not be set again", "error", err)
	}
	if r.changes == before {
		return false
	}
	r.log.Info("somebody else changed name resolution: ours is in place again")
	return true
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
