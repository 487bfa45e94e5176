//go:build !windows && !darwin

package tray

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

const (
	notesName = "org.freedesktop.Notifications"
	notesPath = dbus.ObjectPath("/org/freedesktop/Notifications")
	// notesTime bounds a call of whoever shows notifications.
	notesTime = 2 * time.Second
	// maxNotes bounds what waits for him.
	maxNotes = 64
)

// notices shows notifications one after the other, so that one is withdrawn after it was shown and not before.
type notices struct {
	post func(model.Msg)
	kick chan struct{} // holds one; closed by nobody

	mu    sync.Mutex
	queue []model.Command // Notify and Withdraw

	// of run
	server string // who shows notifications, by his name on the bus; what follows is of him
	ids    map[string]uint32
	markup *bool // whether he takes texts for markup; nil before he was asked
}

func newNotices(post func(model.Msg)) *notices {
	return &notices{post: post, kick: make(chan struct{}, 1), ids: map[string]uint32{}}
}

// add queues a notification or a withdrawal. It may be called from any goroutine and waits for nobody.
func (n *notices) add(c model.Command) {
	n.mu.Lock()
	if n.queue = append(n.queue, c); len(n.queue) > maxNotes {
		n.queue = slices.Delete(n.queue, 0, 1) // nobody shows them: the newest are worth keeping
	}
	n.mu.Unlock()
	select {
	case n.kick <- struct{}{}:
	default:
	}
}

// next takes the oldest.
func (n *notices) next() model.Command {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.queue) == 0 {
		return nil
	}
	c := n.queue[0]
	n.queue = n.queue[1:]
	return c
}

// run shows what is queued until ctx ends. Clicking a notification shows the window.
func (n *notices) run(ctx context.Context, conn *dbus.Conn) {
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	defer conn.RemoveSignal(signals)
	rules := [][]dbus.MatchOption{
		{dbus.WithMatchInterface(notesName), dbus.WithMatchMember("ActionInvoked")},
		{dbus.WithMatchInterface(notesName), dbus.WithMatchMember("NotificationClosed")},
	}
	for _, r := range rules {
		if err := conn.AddMatchSignal(r...); err != nil {
			return
		}
	}
	for {
		select {
		case <-ctx.Done():
			n.withdrawAll(conn)
			return
		case <-conn.Context().Done():
			return
		case s := <-signals:
			n.heard(s)
		case <-n.kick:
			for c := n.next(); c != nil && ctx.Err() == nil; c = n.next() {
				n.show(conn, c)
			}
		}
	}
}

// heard follows what becomes of our notifications.
func (n *notices) heard(s *dbus.Signal) {
	switch {
	case s == nil || len(s.Body) == 0:
	case s.Sender != n.server:
	case s.Name == notesName+".NotificationClosed":
		for id, number := range n.ids {
			if number == s.Body[0] {
				delete(n.ids, id)
			}
		}
	case s.Name == notesName+".ActionInvoked":
		for _, number := range n.ids {
			if number == s.Body[0] {
				n.post(model.Show{})
			}
		}
	}
}

// show carries one out. Where nobody shows notifications the window says the same. The application's end does not interrupt it: whoever shows it then has to be known, for it to be taken back.
func (n *notices) show(conn *dbus.Conn, c model.Command) {
	ctx, cancel := context.WithTimeout(context.Background(), notesTime)
	defer cancel()
	if n.find(ctx, conn); n.server == "" {
		return
	}
	server := conn.Object(notesName, notesPath)
	switch c := c.(type) {
	case model.Notify:
		urgency := byte(1)
		if c.Urgent {
			urgency = 2
		}
		hints := map[string]dbus.Variant{"urgency": dbus.MakeVariant(urgency), "desktop-entry": dbus.MakeVariant("holdfast-tray")}
		var number uint32
		err := server.CallWithContext(ctx, notesName+".Notify", 0, "Holdfast", n.ids[c.ID], "holdfast", c.Title, n.body(ctx, server, c.Text),
			[]string{"default", ""}, hints, int32(-1)).Store(&number)
		if err == nil {
			n.ids[c.ID] = number
		}
	case model.Withdraw:
		if number := n.ids[c.ID]; number != 0 {
			delete(n.ids, c.ID)
			server.CallWithContext(ctx, notesName+".CloseNotification", 0, number)
		}
	}
}

// find finds out who shows notifications, and has him started where he is not. Another than before knows nothing of what was shown.
func (n *notices) find(ctx context.Context, conn *dbus.Conn) {
	owner := func() (name string) {
		_ = conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.GetNameOwner", 0, notesName).Store(&name) // "" where there is none
		return name
	}
	name := owner()
	if name == "" {
		conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.StartServiceByName", 0, notesName, uint32(0))
		name = owner()
	}
	if name != n.server {
		n.server, n.markup = name, nil
		clear(n.ids)
	}
}

// body is a text as the server takes it: most take markup, and what a gateway calls itself is none.
func (n *notices) body(ctx context.Context, server dbus.BusObject, text string) string {
	if n.markup == nil {
		var can []string
		if server.CallWithContext(ctx, notesName+".GetCapabilities", 0).Store(&can) == nil {
			markup := slices.Contains(can, "body-markup")
			n.markup = &markup
		}
	}
	if n.markup != nil && !*n.markup {
		return text
	}
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text) // of who does not say as well
}

// withdrawAll takes away what is still shown: nobody would answer a click on it.
func (n *notices) withdrawAll(conn *dbus.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, number := range n.ids {
		conn.Object(notesName, notesPath).CallWithContext(ctx, notesName+".CloseNotification", 0, number)
	}
}
