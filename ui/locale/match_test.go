package locale

import (
	"strings"
	"testing"
)

// TestMatch: who reads what best.
func TestMatch(t *testing.T) {
	for _, c := range []struct {
		tags string
		want Language
	}{
		{"", English}, {"C", English}, {"C.UTF-8", English}, {"POSIX", English}, {"en_US.UTF-8", English}, {"de_AT.UTF-8@euro", German}, {"de-CH", German}, {"lb", German}, {"fr_CA", French}, {"es-419", Spanish},
		{"ca_ES", Spanish}, {"ja_JP.eucJP", Japanese}, {"ja", Japanese}, {"zh_CN.GB18030", SimplifiedChinese}, {"zh-SG", SimplifiedChinese}, {"zh", SimplifiedChinese}, {"zh-Hans-CN", SimplifiedChinese},
		{"zh_TW.UTF-8", TraditionalChinese}, {"zh_HK", TraditionalChinese}, {"zh-MO", TraditionalChinese}, {"zh-Hant", TraditionalChinese}, {"zh-Hant-CN", TraditionalChinese}, {"yue-HK", TraditionalChinese},
		{"pt_BR", English}, {"pt_PT", English}, {"ko_KR", English}, {"ar", English}, {"he_IL", English}, {"hi", English}, {"ru", English}, {"it", English}, {"tlh", English},
		{"pt_BR de_DE", German}, {"ko ja en", Japanese}, {"en de", English}, {"not!a!tag fr", French}, {strings.Repeat("x", 1<<20) + " fr", French},
	} {
		if got := Match(strings.Fields(c.tags)); got != c.want {
			t.Errorf("%.60s: %s, want %s", c.tags, got, c.want)
		}
	}
}

// TestFromEnvironment: LC_ALL before LC_MESSAGES before LANG, LANGUAGE before them all unless the locale is C; clocks by LC_TIME.
func TestFromEnvironment(t *testing.T) {
	for _, c := range []struct {
		env   string
		words Language
		clock string
	}{
		{"", English, "15:04"},
		{"LANG=de_DE.UTF-8", German, "15:04"},
		{"LANG=de_DE.UTF-8 LC_MESSAGES=fr_FR.UTF-8", French, "15:04"},
		{"LANG=de_DE.UTF-8 LC_MESSAGES=fr_FR.UTF-8 LC_ALL=ja_JP.UTF-8", Japanese, "15:04"},
		{"LANG=pt_BR.UTF-8 LANGUAGE=pt_BR:es:en", Spanish, "15:04"},
		{"LANG=C LANGUAGE=de", English, "15:04"},
		{"LANGUAGE=de", English, "15:04"},
		{"LANG=en_US.UTF-8", English, "3:04 PM"},
		{"LANG=en_GB.UTF-8", English, "15:04"},
		{"LANG=en_IE.UTF-8", English, "15:04"},
		{"LANG=en_US.UTF-8 LC_TIME=de_DE.UTF-8", English, "15:04"},
		{"LANG=de_DE.UTF-8 LC_TIME=en_US.UTF-8", German, "15:04"},
		{"LANG=en_GB.UTF-8 LC_TIME=en_US.UTF-8", English, "3:04 PM"},
		{"LANG=en_US.UTF-8 LC_TIME=C", English, "15:04"},
	} {
		env := map[string]string{}
		for _, pair := range strings.Fields(c.env) {
			name, value, _ := strings.Cut(pair, "=")
			env[name] = value
		}
		w := FromEnvironment(func(name string) string { return env[name] }).Words()
		if got := strings.ReplaceAll(w.Clock(afternoon), "\u00a0", " "); w.Language() != c.words || got != c.clock {
			t.Errorf("%s: %s and %s, want %s and %s", c.env, w.Language(), got, c.words, c.clock)
		}
	}
}

// TestSystemTags: Windows and macOS list tags, and the first says how clocks are.
func TestSystemTags(t *testing.T) {
	for _, c := range []struct {
		tags  []string
		words Language
		clock string
	}{
		{nil, English, "15:04"}, {[]string{"en-US", "de-DE"}, English, "3:04 PM"}, {[]string{"en-GB"}, English, "15:04"}, {[]string{"en"}, English, "15:04"}, {[]string{"zh-Hant-HK", "en-US"}, TraditionalChinese, "15:04"},
		{[]string{"pt-BR"}, English, "15:04"},
	} {
		w := Preferred{Tags: c.tags}.Words()
		if got := strings.ReplaceAll(w.Clock(afternoon), "\u00a0", " "); w.Language() != c.words || got != c.clock {
			t.Errorf("%v: %s and %s, want %s and %s", c.tags, w.Language(), got, c.words, c.clock)
		}
	}
}

// FuzzMatch: no environment makes it fall over.
func FuzzMatch(f *testing.F) {
	for _, s := range []string{"", "de_DE.UTF-8@euro", "zh_TW", "x-private", "C", "_", "@", "a-b-c-d-e-f-g-h", "zh-Hant-TW-u-hc-h12"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if w := FromEnvironment(func(string) string { return s }).Words(); w.Clock(afternoon) == "" {
			t.Error("no clock")
		}
	})
}
