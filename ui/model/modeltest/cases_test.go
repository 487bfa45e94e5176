package modeltest

import (
	"regexp"
	"testing"

	"github.com/holdfast-vpn/holdfast/ui/locale"
)

func TestCases(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	seen := map[string]bool{}
	for _, c := range Cases(locale.English) {
		if !name.MatchString(c.Name) || seen[c.Name] {
			t.Errorf("the name %q is no name for a file, or is used twice", c.Name)
		}
		seen[c.Name] = true
		if c.Model.Screen(c.Now).Window.Title == "" {
			t.Errorf("%s: the window has no title", c.Name)
		}
	}
	if got := Named("connected", locale.German).Model.Screen(Start).Language; got != locale.German {
		t.Errorf("the language is %q", got)
	}
}
