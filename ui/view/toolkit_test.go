package view

import (
	"testing"

	"fyne.io/fyne/v2/lang"

	"github.com/holdfast-vpn/holdfast/ui/locale"
)

// TestSpeak: a field's menu is in our language, also where Fyne has none for it, or another.
func TestSpeak(t *testing.T) {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANGUAGE"} {
		t.Setenv(name, "")
	}
	for _, c := range []struct{ system, want, parent string }{
		{"zh_TW.UTF-8", "貼上", "上層"}, {"zh_HK.UTF-8", "貼上", "上層"}, {"zh_CN.UTF-8", "粘贴", "上级"}, {"de_AT.UTF-8", "Einfügen", "Nach oben"}, {"ja_JP.UTF-8", "貼り付け", "上へ"}, {"en_US.UTF-8", "Paste", "Up"},
		{"pt_BR.UTF-8", "Paste", "Up"}, {"ru_RU.UTF-8", "Paste", "Up"}, {"ko_KR.UTF-8", "Paste", "Up"},
	} {
		t.Setenv("LANG", c.system)
		if err := Speak(locale.Preferred{Tags: []string{c.system}}.Words()); err != nil {
			t.Errorf("%s: %v", c.system, err)
		}
		if got, parent := lang.L("Paste"), lang.X("file.parent", "Parent"); got != c.want || parent != c.parent {
			t.Errorf("%s: %q and %q, want %q and %q", c.system, got, parent, c.want, c.parent)
		}
	}
}
