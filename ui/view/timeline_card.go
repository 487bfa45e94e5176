package view

import (
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// tipCard is what is said of a mark: a title and facts.
type tipCard struct {
	panel *card
	mark  *emblem
	title *text
	facts *facts
	head  *fyne.Container
}

// newTipCard returns an empty one.
func newTipCard() *tipCard {
	c := &tipCard{mark: newEmblem(glyph("info"), colorFaint, 18), title: newText(""), facts: newFacts()}
	c.head = newRow(10, c.title, c.mark, c.title)
	c.panel = newCard(newColumn(10, c.head, c.facts))
	return c
}

// set changes what it says. One that is held has an edge like what the keyboard is at.
func (c *tipCard) set(tone model.Tone, title string, list []model.Fact, held bool) {
	edge := colorLine
	if held {
		edge = theme.ColorNamePrimary
	}
	if c.title.words == title && slices.Equal(c.facts.list, list) && c.panel.line == edge {
		return
	}
	c.panel.line = edge
	color := toneColor(tone)
	if color == theme.ColorNameForeground {
		color = colorFaint
	}
	c.mark.set(toneGlyph(tone), color, "")
	c.title.style.Bold = len(list) > 0
	c.title.setTone(title, theme.ColorNameForeground)
	hide(c.facts, len(list) == 0)
	c.facts.set(list)
	c.panel.Refresh()
}

// plain is what it says, as it is copied.
func (c *tipCard) plain() string {
	lines := []string{c.title.words}
	for _, f := range c.facts.list {
		lines = append(lines, f.Label+": "+f.Value)
	}
	return strings.Join(lines, "\n")
}
