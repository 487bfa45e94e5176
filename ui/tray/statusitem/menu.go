package statusitem

import (
	"slices"
	"strconv"
	"strings"

	"github.com/godbus/dbus/v5"
)

// menu is the newest menu with the numbers of its items. The Item's lock guards it.
type menu struct {
	revision uint32
	moved    bool // since the last signal
	nodes    map[int32]*node
	known    map[string]int32 // the number of each item by its key, of the menu before
	next     int32
}

// node is an item with a number; 0 is the root.
type node struct {
	entry    Entry
	children []int32
}

// set replaces the menu. An item keeps its number while there is one of its labels at its place in the tree; a number that was given up is never used again.
func (m *menu) set(entries []Entry) {
	before, known := m.nodes, map[string]int32{}
	m.nodes = map[int32]*node{}
	m.nodes[0] = &node{children: m.add(entries, "", known)}
	m.known = known
	if !same(before, m.nodes) {
		m.revision++
		m.moved = true
	}
}

// add gives entries numbers and returns these.
func (m *menu) add(entries []Entry, under string, known map[string]int32) []int32 {
	ids := make([]int32, 0, len(entries))
	for _, e := range entries {
		key := under + "\x00" + e.Label
		for n := 2; known[key] != 0; n++ { // separators, and hosts of one name
			key = under + "\x00" + e.Label + "\x00" + strconv.Itoa(n)
		}
		id := m.known[key]
		if id == 0 {
			m.next++
			id = m.next
		}
		known[key] = id
		m.nodes[id] = &node{entry: e, children: m.add(e.Children, key, known)}
		ids = append(ids, id)
	}
	return ids
}

// same reports whether a panel would draw both alike.
func same(a, b map[int32]*node) bool {
	if len(a) != len(b) {
		return false
	}
	for id, x := range a {
		y := b[id]
		if y == nil || x.entry.Label != y.entry.Label || x.entry.Checked != y.entry.Checked || (x.entry.Chosen == nil) != (y.entry.Chosen == nil) || !slices.Equal(x.children, y.children) {
			return false
		}
	}
	return true
}

// layout is an item with the items below it, as GetLayout has them.
type layout struct {
	ID         int32
	Properties map[string]dbus.Variant
	Children   []dbus.Variant
}

// tree is the layout from id downwards, depth levels of it; all for -1.
func (m *menu) tree(id, depth int32) layout {
	n := m.nodes[id]
	l := layout{ID: id, Properties: n.properties(), Children: []dbus.Variant{}}
	if depth != 0 {
		for _, c := range n.children {
			l.Children = append(l.Children, dbus.MakeVariant(m.tree(c, depth-1)))
		}
	}
	return l
}

// properties are what a panel draws an item by.
func (n *node) properties() map[string]dbus.Variant {
	p := map[string]dbus.Variant{}
	if len(n.children) > 0 {
		p["children-display"] = dbus.MakeVariant("submenu")
	}
	if n.entry.Label == "" { // a separator, or the root
		if len(n.children) == 0 {
			p["type"] = dbus.MakeVariant("separator")
		}
		return p
	}
	p["label"] = dbus.MakeVariant(strings.ReplaceAll(n.entry.Label, "_", "__")) // one would mark a mnemonic
	p["enabled"] = dbus.MakeVariant(n.entry.Chosen != nil || len(n.children) > 0)
	if n.entry.Checked {
		p["toggle-type"] = dbus.MakeVariant("checkmark")
		p["toggle-state"] = dbus.MakeVariant(int32(1))
	}
	return p
}

// menuProperties are those of the menu itself.
func menuProperties() map[string]any {
	return map[string]any{"Version": uint32(3), "TextDirection": "ltr", "Status": "normal", "IconThemePath": []string{}}
}

// described is an item with its properties.
type described struct {
	ID         int32
	Properties map[string]dbus.Variant
}

// event is something that happened to an item, as EventGroup has it.
type event struct {
	ID   int32
	Kind string
	Data dbus.Variant
	At   uint32
}

func (i *Item) menuMethods() map[string]any {
	return map[string]any{
		"GetLayout":          i.getLayout,
		"GetGroupProperties": i.getGroupProperties,
		"GetProperty":        i.getProperty,
		"Event": func(id int32, kind string, data dbus.Variant, at uint32) *dbus.Error {
			i.happened(id, kind)
			return nil
		},
		"EventGroup": func(events []event) ([]int32, *dbus.Error) {
			missing := []int32{}
			for _, e := range events {
				if !i.happened(e.ID, e.Kind) {
					missing = append(missing, e.ID)
				}
			}
			return missing, nil
		},
		"AboutToShow":      func(int32) (bool, *dbus.Error) { return false, nil },
		"AboutToShowGroup": func([]int32) ([]int32, []int32, *dbus.Error) { return []int32{}, []int32{}, nil },
	}
}

// unknown is the answer where there is no such item.
func unknown() *dbus.Error {
	return dbus.NewError("com.canonical.dbusmenu.Error.UnknownId", []any{"there is no such item"})
}

func (i *Item) getLayout(parent, depth int32, _ []string) (uint32, layout, *dbus.Error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.menu.nodes[parent] == nil {
		return 0, layout{}, unknown()
	}
	return i.menu.revision, i.menu.tree(parent, depth), nil
}

func (i *Item) getGroupProperties(ids []int32, _ []string) ([]described, *dbus.Error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	out := []described{}
	if len(ids) == 0 { // all
		for id := range i.menu.nodes {
			ids = append(ids, id)
		}
		slices.Sort(ids)
	}
	for _, id := range ids {
		if n := i.menu.nodes[id]; n != nil {
			out = append(out, described{id, n.properties()})
		}
	}
	return out, nil
}

func (i *Item) getProperty(id int32, name string) (dbus.Variant, *dbus.Error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if n := i.menu.nodes[id]; n != nil {
		if v, ok := n.properties()[name]; ok {
			return v, nil
		}
	}
	return dbus.Variant{}, unknown()
}

// happened carries out a click. It reports whether there is such an item.
func (i *Item) happened(id int32, kind string) bool {
	i.mu.Lock()
	n := i.menu.nodes[id]
	i.mu.Unlock()
	if n == nil {
		return false
	}
	if kind == "clicked" && n.entry.Chosen != nil {
		n.entry.Chosen()
	}
	return true
}
