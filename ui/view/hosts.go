package view

import (
	"fmt"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// hosts is where the gateway is chosen: in a list, or in a line to type into that has the list below it.
type hosts struct {
	send   func(model.Msg)
	list   *choice
	line   *entry
	none   *text
	all    *fyne.Container
	labels []string
	wanted string // what the line was told to hold
	quiet  bool   // what changes in the line is our doing
	menu   *widget.PopUpMenu
}

// newHosts returns an empty list. Enter in the line calls enter.
func newHosts(send func(model.Msg), enter func()) *hosts {
	h := &hosts{send: send, line: newEntry(false), none: newTextOf("", theme.SizeNameText, colorFaint)}
	h.list = newChoice(func(i int) { send(model.Choose{Index: i}) })
	h.line.OnChanged = h.typed
	h.line.OnSubmitted = func(string) { enter() }
	h.line.button("down", h.open)
	h.all = newColumn(0, h.list, h.line, h.none)
	return h
}

// typed says what is in the line: a host of the list if it is the name of one.
func (h *hosts) typed(s string) {
	if h.quiet {
		return
	}
	if i := slices.Index(h.labels, s); i >= 0 {
		h.send(model.Choose{Index: i})
		return
	}
	h.send(model.Choose{Index: -1, Typed: s})
}

// open shows the list below the line.
func (h *hosts) open() {
	if len(h.labels) > 0 {
		h.menu = dropDown(h.line, h.labels, func(i int) { h.line.SetText(h.labels[i]) })
	}
}

// set changes what is shown. What is being typed is not replaced by an echo of it that comes late.
func (h *hosts) set(s model.Window) {
	h.labels = names(s.Hosts)
	text := s.Typed
	if s.Selected >= 0 && s.Selected < len(h.labels) {
		text = h.labels[s.Selected]
	}
	h.none.set(s.NoHosts)
	h.none.Hidden = s.NoHosts == "" || s.NoHosts == s.Hint // which says it already
	h.line.Hidden = s.Fixed || !s.Manual
	h.list.Hidden = s.Fixed && text == "" || !s.Fixed && (s.Manual || len(s.Hosts) == 0)
	h.all.Hidden = h.none.Hidden && h.list.Hidden && h.line.Hidden
	if s.Fixed {
		h.list.set([]string{text}, 0, false)
		h.leave()
	} else {
		h.list.set(h.labels, s.Selected, true)
	}
	if text == h.wanted || h.line.holding && s.Selected < 0 {
		return
	}
	h.wanted = text
	if h.line.Text != text {
		h.quiet = true
		h.line.SetText(text)
		h.quiet = false
	}
}

// leave takes the keyboard from what cannot be used any more.
func (h *hosts) leave() {
	if on := fyne.CurrentApp().Driver().CanvasForObject(h.line); on != nil && h.line.holding {
		on.Unfocus()
	}
}

// names are the hosts' names, told apart where two have the same: by address, and where that is the same too by number.
func names(list []model.Host) []string {
	count := map[string]int{}
	for _, h := range list {
		count[h.Name]++
	}
	out := make([]string, len(list))
	for i, h := range list {
		out[i] = h.Name
		if count[h.Name] > 1 && h.Address != "" {
			out[i] = fmt.Sprintf("%s (%s)", h.Name, h.Address)
		}
		for n, was := 2, out[i]; slices.Contains(out[:i], out[i]); n++ {
			out[i] = fmt.Sprintf("%s %d", was, n)
		}
	}
	return out
}
