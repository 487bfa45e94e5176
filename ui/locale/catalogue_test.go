package locale

import (
	"bytes"
	"encoding/json"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// raw is a message as its file has it: its texts by plural form, "other" alone where it has one.
type raw struct {
	by    string
	texts map[string]string
}

// placeholders are what the texts have between braces, sorted.
func (r raw) placeholders() string {
	seen := map[string]bool{}
	for _, text := range r.texts {
		for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(text, -1) {
			seen[m[1]] = true
		}
	}
	var names []string
	for name := range seen {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// catalogue reads all messages of a language, and says what a map would hide: a key that stands twice, or in another part's file.
func catalogue(t testing.TB, l Language) map[string]raw {
	t.Helper()
	all := map[string]raw{}
	files, err := texts.ReadDir(path.Join("text", string(l)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		content, err := texts.ReadFile(path.Join("text", string(l), f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		part, isJSON := strings.CutSuffix(f.Name(), ".json")
		if !isJSON {
			t.Errorf("%s: %s is no part", l, f.Name())
		}
		d := json.NewDecoder(bytes.NewReader(content))
		if _, err := d.Token(); err != nil {
			t.Fatalf("%s/%s: %v", l, f.Name(), err)
		}
		for d.More() {
			key, err := d.Token()
			var value json.RawMessage
			if err == nil {
				err = d.Decode(&value)
			}
			if err != nil {
				t.Fatalf("%s/%s: %v", l, f.Name(), err)
			}
			name := key.(string)
			if _, twice := all[name]; twice {
				t.Errorf("%s: %s stands twice", l, name)
			}
			if !strings.HasPrefix(name, part+".") {
				t.Errorf("%s: %s does not belong in %s", l, name, f.Name())
			}
			all[name] = one(t, value)
		}
		if _, err := d.Token(); err != nil {
			t.Fatalf("%s/%s: %v", l, f.Name(), err)
		}
		if _, err := d.Token(); err != io.EOF {
			t.Errorf("%s/%s: something follows", l, f.Name())
		}
	}
	return all
}

// one reads a message.
func one(t testing.TB, value json.RawMessage) raw {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return raw{texts: map[string]string{"other": text}}
	}
	r := raw{texts: map[string]string{}}
	if err := json.Unmarshal(value, &r.texts); err != nil {
		t.Fatalf("%s: %v", value, err)
	}
	r.by = r.texts["by"]
	delete(r.texts, "by")
	return r
}

// each calls with every text of every language beside the English message of its key.
func each(t *testing.T, do func(l Language, key, text string, english raw)) {
	t.Helper()
	source := catalogue(t, English)
	for _, l := range Languages() {
		for key, m := range catalogue(t, l) {
			for _, text := range m.texts {
				do(l, key, text, source[key])
			}
		}
	}
}

// TestComplete: every language has the keys of English and no other, with the same placeholders and plurals.
func TestComplete(t *testing.T) {
	source := catalogue(t, English)
	for _, l := range Languages() {
		words := catalogue(t, l)
		for key, m := range source {
			w, ok := words[key]
			if !ok {
				t.Errorf("%s lacks %s: %q", l, key, m.texts["other"])
				continue
			}
			if got, want := w.placeholders(), m.placeholders(); got != want {
				t.Errorf("%s: %s has the placeholders [%s], English has [%s]", l, key, got, want)
			}
			if w.by != "" && !strings.Contains(" "+m.placeholders()+" ", " "+w.by+" ") || m.by != "" && w.by != "" && w.by != m.by {
				t.Errorf("%s: %s counts by %s, English by %q", l, key, w.by, m.by)
			}
			if m.by != "" && w.by == "" && len(counts(l)) > 1 {
				t.Errorf("%s: %s needs a plural, as English has", l, key)
			}
		}
		for key := range words {
			if _, ok := source[key]; !ok {
				t.Errorf("%s has %s, which English has not", l, key)
			}
		}
	}
}

// counts are the plural forms that whole numbers have in a language.
func counts(l Language) []string {
	seen := map[string]bool{}
	for n := range 200 {
		f := plural.Cardinal.MatchPlural(language.MustParse(string(l)), n, 0, 0, 0, 0)
		for name, form := range forms {
			if form == f {
				seen[name] = true
			}
		}
	}
	var all []string
	for name := range seen {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// TestPlurals: a plural has the forms that its language has.
func TestPlurals(t *testing.T) {
	for _, l := range Languages() {
		want := counts(l)
		for key, m := range catalogue(t, l) {
			var got []string
			for name := range m.texts {
				got = append(got, name)
			}
			slices.Sort(got)
			if m.by != "" && !slices.Equal(got, want) {
				t.Errorf("%s: %s has the forms %v, the language has %v", l, key, got, want)
			}
		}
	}
}

// TestClean: no text is empty without need, has blanks at its ends or two in a row, control characters, or words left to do. Lines are broken by the view.
func TestClean(t *testing.T) {
	each(t, func(l Language, key, text string, english raw) {
		switch {
		case text == "" && english.texts["other"] != "":
			t.Errorf("%s: %s is empty", l, key)
		case strings.TrimSpace(text) != text:
			t.Errorf("%s: %s begins or ends with a blank: %q", l, key, text)
		case strings.Contains(text, "  "):
			t.Errorf("%s: %s has two blanks in a row: %q", l, key, text)
		case strings.ContainsFunc(text, func(r rune) bool {
			return r != '\n' && !unicode.IsGraphic(r) || r == unicode.ReplacementChar
		}):
			t.Errorf("%s: %s has a character that cannot be seen: %q", l, key, text)
		}
		if _, err := split(text); err != nil {
			t.Errorf("%s: %s: %v", l, key, err)
		}
	})
}

// cells is how wide a text is about: an ideograph takes the room of two letters.
func cells(text string) int {
	n := 0
	for _, r := range text {
		n++
		if r >= 0x2e80 {
			n++
		}
	}
	return n
}

// TestLength: no translation is so much longer than English that a layout made for English breaks. Short words may grow more than sentences.
func TestLength(t *testing.T) {
	each(t, func(l Language, key, text string, english raw) {
		longest := 0
		for _, e := range english.texts {
			longest = max(longest, cells(e))
		}
		if limit := longest*17/10 + 12; cells(text) > limit {
			t.Errorf("%s: %s is %d wide, %d is the limit: %q", l, key, cells(text), limit, text)
		}
	})
}
