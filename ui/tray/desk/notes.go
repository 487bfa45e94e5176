package desk

import (
	"slices"
	"sync"

	"github.com/godbus/dbus/v5"
)

const (
	notesName = "org.freedesktop.Notifications"
	notesPath = dbus.ObjectPath("/org/freedesktop/Notifications")
)

// Note is a notification.
type Note struct {
	ID      uint32
	Title   string
	Body    string // as it came: markup
	Urgency byte
}

// Notes shows notifications.
type Notes struct {
	bus  *Bus
	conn *dbus.Conn

	mu    sync.Mutex
	next  uint32
	shown []Note // now
	all   []Note // ever
}

// NewNotes starts a server of notifications.
func (b *Bus) NewNotes() *Notes {
	b.t.Helper()
	n := &Notes{bus: b, conn: b.dial()}
	err := n.conn.ExportMethodTable(map[string]any{
		"Notify":               n.notify,
		"CloseNotification":    n.closeOne,
		"GetCapabilities":      func() ([]string, *dbus.Error) { return []string{"body", "body-markup", "actions"}, nil },
		"GetServerInformation": func() (string, string, string, string, *dbus.Error) { return "desk", "holdfast", "1", "1.2", nil },
	}, notesPath, notesName)
	if err == nil {
		_, err = n.conn.RequestName(notesName, dbus.NameFlagDoNotQueue)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

// Crash ends the server without a word.
func (n *Notes) Crash() { _ = n.conn.Close() }

func (n *Notes) notify(_ string, replaces uint32, _, title, body string, _ []string, hints map[string]dbus.Variant, _ int32) (uint32, *dbus.Error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	note := Note{ID: replaces, Title: title, Body: body}
	note.Urgency, _ = hints["urgency"].Value().(byte)
	if replaces == 0 {
		n.next++
		note.ID = n.next
	}
	n.shown = append(slices.DeleteFunc(n.shown, func(o Note) bool { return o.ID == note.ID }), note)
	n.all = append(n.all, note)
	return note.ID, nil
}

func (n *Notes) closeOne(id uint32) *dbus.Error {
	n.mu.Lock()
	n.shown = slices.DeleteFunc(n.shown, func(o Note) bool { return o.ID == id })
	n.mu.Unlock()
	_ = n.conn.Emit(notesPath, notesName+".NotificationClosed", id, uint32(3))
	return nil
}

// Click is the person's click on a notification.
func (n *Notes) Click(note Note) {
	n.bus.t.Helper()
	if err := n.conn.Emit(notesPath, notesName+".ActionInvoked", note.ID, "default"); err != nil {
		n.bus.t.Fatal(err)
	}
}

// Shown are the notifications that are to be seen now, All those that ever were.
func (n *Notes) Shown() []Note {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.shown)
}

// All are those that ever were.
func (n *Notes) All() []Note {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.all)
}
