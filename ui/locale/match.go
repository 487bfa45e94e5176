package locale

import (
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// Preferred is what a person's system says about languages.
type Preferred struct {
	Tags []string // of the words, the best first: BCP 47 (zh-Hant-TW) or POSIX (zh_TW.UTF-8)
	Time string   // of clocks and dates; "" is the first of Tags
}

// FromEnvironment reads the variables that systems with POSIX locales have. As glibc does it, LANGUAGE is a list that comes before the locale, except that the locale C is always English.
// Windows and macOS have no such variables: there a Preferred is made of the tags that the system lists.
func FromEnvironment(getenv func(string) string) Preferred {
	first := func(names ...string) string {
		for _, name := range names {
			if v := getenv(name); v != "" {
				return v
			}
		}
		return ""
	}
	p := Preferred{Time: first("LC_ALL", "LC_TIME", "LANG")}
	words := first("LC_ALL", "LC_MESSAGES", "LANG")
	if plain(words) == "" {
		return p
	}
	for _, tag := range append(strings.Split(getenv("LANGUAGE"), ":"), words) {
		if tag != "" {
			p.Tags = append(p.Tags, tag)
		}
	}
	return p
}

// plain is a locale's name without encoding and modifier, as BCP 47 has it; "" for the locale of programs, C.
func plain(name string) string {
	name, _, _ = strings.Cut(name, "@")
	name, _, _ = strings.Cut(name, ".")
	if name == "C" || name == "POSIX" {
		return ""
	}
	return strings.ReplaceAll(name, "_", "-")
}

// near are languages that x/text finds nothing for, and which of ours their readers read.
var near = map[string]Language{"ca": Spanish, "gl": Spanish, "eu": Spanish, "br": French, "oc": French, "yue": TraditionalChinese}

// matcher knows which of our languages serves whom: zh-HK reads Traditional Chinese, lb reads German.
var matcher = language.NewMatcher(func() []language.Tag {
	var tags []language.Tag
	for _, l := range Languages() {
		tags = append(tags, language.MustParse(string(l)))
	}
	return tags
}())

// longest bounds a tag that is looked at: the environment is the caller's.
const longest = 64

// Match returns the language that serves best, English where none of the tags is near to one of ours.
func Match(tags []string) Language {
	var wanted []language.Tag
	for _, name := range tags {
		if len(name) > longest {
			continue
		}
		tag, err := language.Parse(plain(name))
		if err != nil {
			continue
		}
		wanted = append(wanted, tag)
		base, _ := tag.Base()
		if l, ok := near[base.String()]; ok {
			wanted = append(wanted, language.MustParse(string(l)))
		}
	}
	_, i, confidence := matcher.Match(wanted...)
	if confidence == language.No {
		return English
	}
	return Languages()[i]
}

// twelve are the regions where English is written with a clock of twelve hours (CLDR's timeData). The other languages have 24 everywhere here: it is usual in all of them, and never misread.
var twelve = []string{"US", "CA", "AU", "NZ", "IN", "PH", "PK", "MY", "SG", "PR", "BD"}

// monthFirst are those of them that write the month before the day.
var monthFirst = []string{"US", "PH", "PR"}

// Words returns the words of the language that serves best, with the clock and the dates of the person's region where the language has several.
func (p Preferred) Words() *Words {
	w := For(Match(p.Tags))
	name := p.Time
	if name == "" && len(p.Tags) > 0 {
		name = p.Tags[0]
	}
	if w.language != English || len(name) > longest {
		return w
	}
	tag, err := language.Parse(plain(name))
	if err != nil {
		return w
	}
	base, _ := tag.Base()
	region, confidence := tag.Region()
	if base.String() == "en" && confidence == language.Exact { // a bare en says nothing about where
		w.twelve = slices.Contains(twelve, region.String())
		w.month = slices.Contains(monthFirst, region.String())
	}
	return w
}
