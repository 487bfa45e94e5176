package locale

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"slices"

	"golang.org/x/text/language"
)

// Language is one of those that are complete, as BCP 47 writes it.
type Language string

// The languages.
const (
	English            Language = "en"
	German             Language = "de"
	French             Language = "fr"
	Spanish            Language = "es"
	Japanese           Language = "ja"
	SimplifiedChinese  Language = "zh-Hans"
	TraditionalChinese Language = "zh-Hant"
)

// Languages lists them, English first.
func Languages() []Language {
	return []Language{English, German, French, Spanish, Japanese, SimplifiedChinese, TraditionalChinese}
}

//go:embed text
var texts embed.FS

// Words are the texts of one language. They do not change, and may be used from any goroutine.
type Words struct {
	language Language
	tag      language.Tag
	twelve   bool // clocks have twelve hours
	month    bool // dates begin with the month
	messages map[string]*message
}

// For returns the words of a language; English where it is none of ours. Clocks have 24 hours: Preferred.Words knows where they do not.
func For(l Language) *Words {
	if !slices.Contains(Languages(), l) {
		l = English
	}
	w := &Words{language: l, tag: language.MustParse(string(l)), messages: map[string]*message{}}
	files, err := texts.ReadDir(path.Join("text", string(l)))
	if err != nil {
		panic(fmt.Sprintf("locale: %s: %v", l, err)) // it is part of the program
	}
	for _, f := range files {
		raw, err := texts.ReadFile(path.Join("text", string(l), f.Name()))
		if err == nil {
			err = json.Unmarshal(raw, &w.messages)
		}
		if err != nil {
			panic(fmt.Sprintf("locale: %s of %s: %v", f.Name(), l, err))
		}
	}
	return w
}

// Language is whose words these are.
func (w *Words) Language() Language { return w.language }

// Arg fills one placeholder of a message.
type Arg struct {
	Name  string
	Value any // a string, shown as it is; or an integer, shown as the language writes numbers. A port or a year is a string.
}

// With is an Arg.
func With(name string, value any) Arg { return Arg{name, value} }

// Text is the message of a key with its placeholders filled; the key itself where there is none, which a test keeps from happening.
func (w *Words) Text(key string, args ...Arg) string {
	m, ok := w.messages[key]
	if !ok {
		return key
	}
	return m.fill(w, args)
}

// Has reports whether there is a message of this key.
func (w *Words) Has(key string) bool {
	_, ok := w.messages[key]
	return ok
}

// value is what fills a placeholder.
func (w *Words) value(v any) string {
	if n, ok := integer(v); ok {
		return w.Number(n)
	}
	return fmt.Sprint(v)
}
