package locale

import (
	"strings"
	"testing"
)

// of makes words of one message.
func of(t testing.TB, l Language, texts map[string]string, by string) *Words {
	t.Helper()
	m := &message{}
	raw := "{"
	for form, text := range texts {
		raw += `"` + form + `":"` + text + `",`
	}
	if err := m.UnmarshalJSON([]byte(raw + `"by":"` + by + `"}`)); err != nil {
		t.Fatal(err)
	}
	w := *For(l)
	w.messages = map[string]*message{"k": m}
	return &w
}

// TestPluralChosen: the number chooses the form by the language's rule, and is written as the language does.
func TestPluralChosen(t *testing.T) {
	for _, c := range []struct {
		language Language
		n        any
		want     string
	}{
		{English, 0, "0 tries"}, {English, 1, "1 try"}, {English, 2, "2 tries"}, {English, uint64(1234), "1,234 tries"}, {English, -1, "−1 try"},
		{French, 0, "0 try"}, {French, 1, "1 try"}, {French, 2, "2 tries"}, {Japanese, 1, "1 tries"}, {English, "1", "1 tries"},
	} {
		texts := map[string]string{"one": "{n} try", "other": "{n} tries"}
		if got := of(t, c.language, texts, "n").Text("k", With("n", c.n)); got != c.want {
			t.Errorf("%s, %v: %q, want %q", c.language, c.n, got, c.want)
		}
	}
}

// TestUnreadable: what is no message is an error and no surprise at run time.
func TestUnreadable(t *testing.T) {
	for _, raw := range []string{`1`, `null`, `{}`, `{"by":"n"}`, `{"other":"x"}`, `{"by":"n","other":"x","lots":"y"}`, `"{"`, `"}"`, `"{}"`, `"{a{b}"`, `{"by":"n","other":"{"}`} {
		var m message
		if err := m.UnmarshalJSON([]byte(raw)); err == nil {
			t.Errorf("%s is taken for a message", raw)
		}
	}
}

// TestUnknown: a key without text, and a language that is none of ours.
func TestUnknown(t *testing.T) {
	w := For("tlh")
	if w.Language() != English || w.Text("no.such") != "no.such" || w.Has("no.such") || !w.Has("window.title") {
		t.Error("an unknown language is not English, or a key without text is not itself")
	}
}

// FuzzText: what fills a placeholder comes out as it went in, whatever it looks like, and changes nothing beside it.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "vpn.example.com", "{host}", "{user}", "{", "}", "%s", "{{host}}", "\x00\u202e", "{n}", "é漢字\xff"} {
		f.Add(s, s, 1)
	}
	w := of(f, German, map[string]string{"one": "{n} von {host}: {user}", "other": "{n}× {user} bei {host}"}, "n")
	f.Fuzz(func(t *testing.T, host, user string, n int) {
		got := w.Text("k", With("host", host), With("user", user), With("n", n), With("none", host))
		want := w.Number(int64(n)) + "× " + user + " bei " + host
		if n == 1 || n == -1 {
			want = w.Number(int64(n)) + " von " + host + ": " + user
		}
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// FuzzMessage: no text makes reading fall over, and what is read as a plain text and filled with its own placeholders is the text again.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{"", "plain", "{a}", "a {b} c {d}", "{", "}{", "{a}{b}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pieces, err := split(text)
		if err != nil {
			return
		}
		var b strings.Builder
		for _, p := range pieces {
			b.WriteString(p.text)
			if p.name != "" {
				b.WriteString("{" + p.name + "}")
			}
		}
		if b.String() != text {
			t.Errorf("%q became %q", text, b.String())
		}
	})
}
