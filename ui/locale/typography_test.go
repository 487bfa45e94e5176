package locale

import (
	"regexp"
	"strings"
	"testing"
)

// habit is something that a language writes otherwise than English does, or that nobody should write.
type habit struct {
	in      string // the languages, separated by blanks
	wrong   *regexp.Regexp
	instead string
}

// Letters of Chinese and Japanese.
const ideograph = `[\p{Han}\p{Hiragana}\p{Katakana}]`

// habits are checked against every text; commands and names in it obey them too, or are written so that they do.
var habits = []habit{
	{"en de fr es ja zh-Hans zh-Hant", regexp.MustCompile(`\.\.\.`), "the one character …"},
	{"en de fr es ja zh-Hans zh-Hant", regexp.MustCompile(`[!！¡]`), "a calm sentence"},
	{"en de fr es ja zh-Hans zh-Hant", regexp.MustCompile(`"`), "the quotation marks of the language"},
	{"de", regexp.MustCompile(`[«»”]`), "„ and “"},
	{"de", regexp.MustCompile(`“[\p{L}\d{]`), "„ in front"},
	{"fr", regexp.MustCompile(`[\p{L}\d)}»][:;?](\s|$)`), "a no-break space (U+00A0; U+202F before ; and ?) in front of : ; ?"},
	{"fr", regexp.MustCompile(` [:;?»]|« `), "a no-break space (U+00A0; U+202F before ; and ?) there"},
	{"fr", regexp.MustCompile(`«[^\x{a0}\x{202f}]|[^\x{a0}\x{202f}]»`), "no-break spaces inside « »"},
	{"fr", regexp.MustCompile(`\p{L}'\p{L}`), "the apostrophe ’"},
	{"fr es", regexp.MustCompile(`[“”„]`), "« and »"},
	{"es", regexp.MustCompile(`^[^¿]*\?$`), "¿ in front of the question"},
	{"ja zh-Hans zh-Hant", regexp.MustCompile(ideograph + `[,;:?()]|[,;:?()]` + ideograph), "full-width punctuation"},
	{"ja zh-Hans zh-Hant", regexp.MustCompile(ideograph + `\.(\s|$)`), "。"},
	{"ja zh-Hant", regexp.MustCompile(`[“”]`), "「 and 」"},
	{"zh-Hans", regexp.MustCompile(`[「」]`), "“ and ”"},
	{"ja", regexp.MustCompile(`，|；`), "、"},
	{"ja", regexp.MustCompile(ideograph + ` [A-Za-z0-9{]|[A-Za-z0-9}] ` + ideograph), "no space between kanji or kana and Latin letters"},
	{"zh-Hans zh-Hant", regexp.MustCompile(`\p{Han}[A-Za-z]|[A-Za-z]\p{Han}`), "a space between Han and Latin letters"},
	{"ja zh-Hans zh-Hant", regexp.MustCompile(`[、。，；：？（）「」] | [、。，；：？（）「」]`), "no space beside full-width punctuation"},
}

// TestTypography: texts are written as their language is.
func TestTypography(t *testing.T) {
	each(t, func(l Language, key, text string, _ raw) {
		for _, h := range habits {
			if !strings.Contains(" "+h.in+" ", " "+string(l)+" ") {
				continue
			}
			if bad := h.wrong.FindString(text); bad != "" {
				t.Errorf("%s: %s: %q should have %s: %q", l, key, bad, h.instead, text)
			}
		}
	})
}
