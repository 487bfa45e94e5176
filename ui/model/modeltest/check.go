package modeltest

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// key is what a text looks like that nobody has written.
var key = regexp.MustCompile(`^(window|prompt|tray|fault|transport|unit)\.[a-zA-Z.-]+$|\{[a-z]+\}`)

// Check says what a Screen must never have, whatever an agent, a gateway or a person did: an empty label, a text that nobody has written, characters that hide or reorder others, a button
// that can be pressed and has no words, numbers out of range. Nil is a good one. The details window is checked by its own tests.
func Check(s model.Screen) []string {
	c := &checker{}
	w := s.Window
	c.line("the window's title", w.Title)
	c.line("the headline", w.Headline)
	c.line("the button", w.Button.Label)
	c.text("the line", w.Line)
	c.text("the hint", w.Hint)
	c.text("what was typed", w.Typed)
	if w.Selected < -1 || w.Selected >= len(w.Hosts) {
		c.say("host %d of %d is selected", w.Selected, len(w.Hosts))
	}
	for _, h := range w.Hosts {
		c.line("a host", h.Name)
		c.text("a host's address", h.Address)
	}
	for _, step := range w.Steps {
		c.line("a step", step.Label)
	}
	if w.Progress < 0 || w.Progress > 1 {
		c.say("the progress is %v", w.Progress)
	}
	c.facts(w.Facts)
	for _, n := range w.Notes {
		c.line("a note", n.Text)
		if n.Action != nil {
			c.line("a note's button", n.Action.Label)
		}
	}
	c.graph(w.Graph)
	c.line("the tooltip", s.Tray.Tooltip)
	c.menu(s.Tray.Menu, 0)
	c.prompt(s.Prompt)
	return c.wrong
}

type checker struct{ wrong []string }

func (c *checker) say(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

// text may be empty.
func (c *checker) text(what, s string) {
	if key.MatchString(s) {
		c.say("%s is a key: %q", what, s)
	}
	for _, r := range s {
		if r == utf8.RuneError || unicode.IsControl(r) && r != '\n' || unicode.Is(unicode.Cf, r) {
			c.say("%s has %U in it", what, r)
			return
		}
	}
}

// line may not be empty.
func (c *checker) line(what, s string) {
	if strings.TrimSpace(s) == "" {
		c.say("%s is empty", what)
	}
	c.text(what, s)
}

func (c *checker) facts(all []model.Fact) {
	for _, f := range all {
		c.line("a fact's label", f.Label)
		c.line("the fact "+f.Label, f.Value)
	}
}

func (c *checker) graph(g *model.Graph) {
	if g == nil {
		return
	}
	c.line("the graph's scale", g.TopLabel)
	c.line("the rate down", g.DownLabel)
	c.line("the rate up", g.UpLabel)
	if len(g.Down) != len(g.Up) || len(g.Down) > model.GraphSamples {
		c.say("the graph has %d and %d values", len(g.Down), len(g.Up))
	}
	for _, v := range append(append([]float64(nil), g.Down...), g.Up...) {
		if !(v >= 0 && v <= g.Top) {
			c.say("the graph has %v under %v", v, g.Top)
		}
	}
}

// menu checks lines: a separator is one without anything.
func (c *checker) menu(items []model.MenuItem, depth int) {
	if len(items) == 0 || depth > 1 {
		c.say("a menu is empty, or too deep")
	}
	for _, i := range items {
		switch {
		case i.Label != "":
			c.line("a menu's line", i.Label)
		case i.Msg != nil || len(i.Children) > 0:
			c.say("a separator of the menu can be chosen")
		}
		if len(i.Children) > 0 {
			c.menu(i.Children, depth+1)
		}
	}
}

func (c *checker) prompt(p *model.Prompt) {
	if p == nil {
		return
	}
	c.line("the prompt's title", p.Title)
	c.text("the prompt's message", p.Message)
	c.text("the prompt's error", p.Error)
	c.text("the prompt's address", p.URL)
	c.line("the prompt's way out", p.Cancel.Label)
	if p.Cancel.Msg == nil {
		c.say("the prompt has no way out")
	}
	if p.Submit.Label == "" && p.Submit.Msg != nil {
		c.say("the prompt has a button without words")
	}
	if p.URL != "" && !strings.HasPrefix(p.URL, "https://") {
		c.say("the prompt's page is %q", p.URL)
	}
	c.facts(p.Facts)
	focus := 0
	for _, f := range p.Fields {
		c.line("a field's label", f.Label)
		c.text("a field's value", map[bool]string{true: "", false: f.Value}[f.Type == model.FieldSelect])
		if f.Focus {
			focus++
		}
		if f.Type == model.FieldPassword && f.Value != "" {
			c.say("a password is filled in")
		}
		if (f.Type == model.FieldSelect) != (len(f.Options) > 0) {
			c.say("a field of type %d has %d options", f.Type, len(f.Options))
		}
		for _, o := range f.Options {
			c.line("an option", o.Label)
		}
	}
	if len(p.Fields) > 0 && focus != 1 {
		c.say("the keyboard is at %d fields", focus)
	}
}

// Holds reports whether a text occurs anywhere in a value, unexported fields and what pointers lead to included: how a test finds a secret that was kept.
func Holds(value any, text string) bool {
	return walk(reflect.ValueOf(value), map[uintptr]bool{}, func(s string) bool { return strings.Contains(s, text) })
}

// walk visits every string and every slice of bytes below v until found says that this is it.
func walk(v reflect.Value, seen map[uintptr]bool, found func(string) bool) bool {
	switch v.Kind() {
	case reflect.String:
		return found(v.String())
	case reflect.Pointer:
		if v.IsNil() || seen[v.Pointer()] {
			return false
		}
		seen[v.Pointer()] = true
		return walk(v.Elem(), seen, found)
	case reflect.Interface:
		return !v.IsNil() && walk(v.Elem(), seen, found)
	case reflect.Struct:
		for i := range v.NumField() {
			if walk(v.Field(i), seen, found) {
				return true
			}
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 && v.Kind() == reflect.Slice {
			return found(string(v.Bytes()))
		}
		for i := range v.Len() {
			if walk(v.Index(i), seen, found) {
				return true
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if walk(it.Key(), seen, found) || walk(it.Value(), seen, found) {
				return true
			}
		}
	}
	return false
}
