package view

import (
	"testing"

	"fyne.io/fyne/v2/theme"

	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
)

// TestFactsStack: values stand beside their labels while they fit there, and below them where they have too little room, or would be broken into more lines than that costs.
func TestFactsStack(t *testing.T) {
	dress(t, locale.English, theme.VariantLight, plainText)
	short := model.Fact{Label: "A label of its length", Value: "short"}
	long := model.Fact{Label: "Another", Value: "a value of so many words that it breaks into three lines here and into one there"}
	for name, tt := range map[string]struct {
		list  []model.Fact
		width float32
		below bool
	}{
		"short values":           {[]model.Fact{short, short}, 330, false},
		"one long value of many": {[]model.Fact{short, short, short, long}, 330, false},
		"long values":            {[]model.Fact{long, long, long, short}, 330, true},
		"long values and room":   {[]model.Fact{long, long, long, short}, 800, false},
		"no room":                {[]model.Fact{short, short}, 240, true},
	} {
		f := newFacts()
		f.set(tt.list)
		if below := f.labels(tt.width) == 0; below != tt.below {
			t.Errorf("%s: below %v, want %v", name, below, tt.below)
		}
	}
}
