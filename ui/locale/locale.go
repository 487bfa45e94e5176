package locale

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"
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
	messages map[string]string
}

// For returns the words of a language; English where it is none of ours.
func For(l Language) *Words {
	w := &Words{language: l, messages: map[string]string{}}
	files, err := texts.ReadDir(path.Join("text", string(l)))
	if err != nil {
		return For(English)
	}
	for _, f := range files {
		raw, err := texts.ReadFile(path.Join("text", string(l), f.Name()))
		if err == nil {
			err = json.Unmarshal(raw, &w.messages)
		}
		if err != nil {
			panic(fmt.Sprintf("locale: %s of %s: %v", f.Name(), l, err)) // it is part of the program
		}
	}
	return w
}

// Language is whose words these are.
func (w *Words) Language() Language { return w.language }

// Arg fills one placeholder of a message.
type Arg struct {
	Name  string
	Value any // string or an integer
}

// With is an Arg.
func With(name string, value any) Arg { return Arg{name, value} }

// Text is the message of a key with its placeholders filled; the key itself where there is none, which a test keeps from happening.
func (w *Words) Text(key string, args ...Arg) string {
	text, ok := w.messages[key]
	if !ok {
		return key
	}
	pairs := make([]string, 0, 2*len(args))
	for _, a := range args {
		pairs = append(pairs, "{"+a.Name+"}", fmt.Sprint(a.Value))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Has reports whether there is a message of this key.
func (w *Words) Has(key string) bool {
	_, ok := w.messages[key]
	return ok
}
