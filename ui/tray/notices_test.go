//go:build !windows && !darwin

package tray

import (
	"context"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/holdfast-vpn/holdfast/ui/model"
	"github.com/holdfast-vpn/holdfast/ui/tray/desk"
)

// TestNotices: one of the same id takes the place of the one before, what is withdrawn goes, what a gateway calls itself is no markup, a click shows the window, a server that is started anew is told nothing of
// what the one before showed, and at the end nothing is left.
func TestNotices(t *testing.T) {
	bus := desk.NewBus(t)
	server := bus.NewNotes()
	conn, err := dbus.Connect(bus.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	posted := make(chan model.Msg, 8)
	n := newNotices(func(m model.Msg) { posted <- m })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.run(ctx, conn)
	}()
	shows := func(what string, titles ...string) []desk.Note {
		t.Helper()
		var shown []desk.Note
		desk.Await(t, what, func() bool {
			shown = server.Shown()
			if len(shown) != len(titles) {
				return false
			}
			for i := range shown {
				if shown[i].Title != titles[i] {
					return false
				}
			}
			return true
		})
		return shown
	}
	n.add(model.Notify{ID: "broken", Title: "one", Text: "<b>&</b>", Urgent: true})
	if got := shows("one", "one")[0]; got.Body != "&lt;b&gt;&amp;&lt;/b&gt;" || got.Urgency != 2 {
		t.Errorf("it shows %+v", got)
	}
	n.add(model.Notify{ID: "broken", Title: "two"})
	n.add(model.Notify{ID: "other", Title: "three"})
	both := shows("two in the place of one, and three", "two", "three")
	server.Click(both[0])
	if m := <-posted; m != (model.Show{}) {
		t.Errorf("a click says %T", m)
	}
	n.add(model.Withdraw{ID: "broken"})
	n.add(model.Withdraw{ID: "never"})
	shows("three alone", "three")
	server.Crash()
	desk.Await(t, "the bus without a server", func() bool {
		var names []string
		_ = conn.BusObject().Call("org.freedesktop.DBus.ListNames", 0).Store(&names)
		for _, name := range names {
			if name == notesName {
				return false
			}
		}
		return true
	})
	n.add(model.Notify{ID: "lost", Title: "lost"}) // perhaps nobody shows it, and nothing stops
	server = bus.NewNotes()
	n.add(model.Notify{ID: "other", Title: "four"})
	desk.Await(t, "four", func() bool {
		shown := server.Shown()
		return len(shown) > 0 && shown[len(shown)-1].Title == "four"
	})
	cancel()
	<-ended
	shows("nothing")
}

// TestUnknownMarkup: who does not say what he takes is given no markup of a gateway's either.
func TestUnknownMarkup(t *testing.T) {
	conn, err := dbus.Connect(desk.NewBus(t).Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	n := newNotices(func(model.Msg) {})
	if got := n.body(t.Context(), conn.Object("org.example.Nobody", notesPath), "<img src=x>"); got != "&lt;img src=x&gt;" {
		t.Errorf("it is told %q", got)
	}
}
