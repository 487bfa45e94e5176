package view

import (
	"slices"

	"fyne.io/fyne/v2"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/ui/model"
)

// fields are what a question asks for, each a label with something to fill in below it.
type fields struct {
	of   *question
	list []model.Field
	in   []input
	all  *fyne.Container

	picker picker
}

// input is the part of a field that is filled in: one of the two.
type input struct {
	line *entry
	list *choice
}

// newFields returns no fields.
func newFields(of *question) *fields { return &fields{of: of, all: newColumn(windowGap)} }

// set shows fields. Those of the question that is shown already stay as they are.
func (f *fields) set(list []model.Field, fresh, busy bool) {
	if fresh || !sameFields(f.list, list) {
		f.forget()
		f.list = slices.Clone(list)
		for _, field := range list {
			in := f.make(field)
			f.in = append(f.in, in)
			f.all.Add(newColumn(6, newText(field.Label), in.object()))
		}
	}
	f.all.Hidden = len(f.in) == 0
	for _, in := range f.in {
		in.enable(!busy)
	}
}

// sameFields reports whether two lists ask for the same; what is to begin with does not count.
func sameFields(a, b []model.Field) bool {
	return slices.EqualFunc(a, b, func(a, b model.Field) bool {
		return a.Name == b.Name && a.Label == b.Label && a.Type == b.Type && slices.Equal(a.Options, b.Options)
	})
}

// make builds the input of a field.
func (f *fields) make(field model.Field) input {
	if field.Type == model.FieldSelect {
		labels := make([]string, len(field.Options))
		chosen := -1
		for i, o := range field.Options {
			labels[i] = o.Label
			if o.Value == field.Value {
				chosen = i
			}
		}
		if chosen < 0 && len(labels) > 0 {
			chosen = 0
		}
		c := newChoice(nil)
		c.set(labels, chosen, true)
		c.keyed, c.shown = f.of.key, f.of.page.reveal
		return input{list: c}
	}
	e := newEntry(field.Type == model.FieldPassword)
	if field.Type == model.FieldFile { // before the first text: an entry draws what it had at its end then
		e.button("folder", func() { f.picker.pick(field.Label, e.SetText) })
	}
	e.SetText(field.Value)
	e.keyed, e.shown = f.of.key, f.of.page.reveal
	e.OnSubmitted = func(string) { f.next(e) }
	return input{line: e}
}

// next is what Enter does in a line: it goes on to the next empty one, and from there the answer is sent.
func (f *fields) next(from *entry) {
	past := false
	for _, in := range f.in {
		if past && in.line != nil && in.line.Text == "" {
			if on := canvasOf(f.of.root); on != nil {
				on.Focus(in.line)
			}
			return
		}
		past = past || in.line == from
	}
	f.of.accept()
}

// first is the field that the keyboard belongs to, or nil.
func (f *fields) first() fyne.Focusable {
	var found fyne.Focusable
	for i, in := range f.in {
		switch {
		case f.list[i].Focus:
			return in.focusable()
		case found == nil && in.line != nil && in.line.Text == "":
			found = in.focusable()
		}
	}
	if found == nil && len(f.in) > 0 {
		return f.in[0].focusable()
	}
	return found
}

// take is what was filled in, and forgets it.
func (f *fields) take() map[string]redact.Secret {
	answer := make(map[string]redact.Secret, len(f.in))
	for i, in := range f.in {
		field := f.list[i]
		switch {
		case in.line != nil:
			answer[field.Name] = secret(in.line.Text)
			if field.Type == model.FieldPassword {
				in.line.SetText("")
			}
		case in.list.chosen >= 0:
			answer[field.Name] = secret(field.Options[in.list.chosen].Value)
		}
	}
	return answer
}

// forget empties and drops all. The keyboard leaves them, or what is typed on would go where nobody sees it.
func (f *fields) forget() {
	f.picker.close()
	on := canvasOf(f.of.root)
	for _, in := range f.in {
		if on != nil && on.Focused() == in.focusable() {
			on.Unfocus()
		}
		if in.line != nil {
			in.line.SetText("")
		}
	}
	f.list, f.in = nil, nil
	f.all.RemoveAll()
}

func (i input) object() fyne.CanvasObject {
	if i.line != nil {
		return i.line
	}
	return i.list
}

func (i input) focusable() fyne.Focusable {
	if i.line != nil {
		return i.line
	}
	return i.list
}

func (i input) enable(on bool) {
	var d fyne.Disableable = i.list
	if i.line != nil {
		d = i.line
	}
	switch {
	case on && d.Disabled():
		d.Enable()
	case !on && !d.Disabled():
		d.Disable()
	}
}
