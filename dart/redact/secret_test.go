package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"text/template"
)

const canary = "hunter2-canary"

// seen reports whether the canary shows in a text in one of the shapes in which a printer might show bytes.
func seen(s string) bool {
	b := []byte(canary)
	for _, shape := range []string{
		canary, hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)), base64.StdEncoding.EncodeToString(b), base64.RawURLEncoding.EncodeToString(b),
		strings.Trim(fmt.Sprint(b), "[]"), strings.Trim(fmt.Sprintf("%#v", b), "[]byte{}"), fmt.Sprintf("% x", b), canary[:7],
	} {
		if strings.Contains(s, shape) {
			return true
		}
	}
	return false
}

// holder has secrets where programs have them.
type holder struct {
	Name string
	S    Secret
	P    *Secret
	M    map[string]Secret
	L    []Secret
	Any  any
}

// embeds is a Secret by another name.
type embeds struct{ Secret }

// hidden has them where fmt cannot ask them.
type hidden struct {
	s Secret
	p *Secret
	m map[string]Secret
	l []Secret
	h holder
	a any
}

func holders() []any {
	s := NewString(canary)
	h := holder{"x", s, &s, map[string]Secret{"password": s}, []Secret{s}, s}
	u := hidden{s, &s, map[string]Secret{"k": s}, []Secret{s}, h, s}
	return []any{s, &s, h, &h, u, &u, []hidden{u}, []Secret{s}, map[string]Secret{"k": s}, [1]Secret{s}, []any{s, &s}, embeds{s}, fmt.Errorf("login: %v", s)}
}

// TestNoVerbShowsIt: every verb, with every flag.
func TestNoVerbShowsIt(t *testing.T) {
	if !seen(fmt.Sprintf("%x", canary)) || !seen(fmt.Sprint([]byte(canary))) {
		t.Fatal("the test is blind")
	}
	for _, v := range holders() {
		for _, verb := range "vTtbcdoOqxXUeEfFgGspw" {
			for _, flags := range []string{"", "#", "+", "-", " ", "0", "20", ".3", "+#", "# ", "[1]", "*"} {
				format := "%" + flags + string(verb)
				if out := fmt.Sprintf(format, v); seen(out) {
					t.Errorf("%s of %T shows it: %s", format, v, out)
				}
			}
		}
		if out := fmt.Sprint(v) + fmt.Sprintln(v); seen(out) {
			t.Errorf("Sprint of %T: %s", v, out)
		}
		if out := fmt.Errorf("%w %v", errors.New("x"), v).Error(); seen(out) {
			t.Errorf("Errorf of %T: %s", v, out)
		}
	}
	if got := fmt.Sprintf("%s %v %q %x %#v %d", NewString("a"), NewString("b"), Secret{}, NewString("c"), NewString("d"), NewString("e")); got != strings.TrimSpace(strings.Repeat(mask+" ", 6)) {
		t.Error(got)
	}
}

// TestNoEncoderShowsIt: what cannot mask it refuses it.
func TestNoEncoderShowsIt(t *testing.T) {
	for _, v := range holders() {
		b, err := json.Marshal(v)
		if seen(string(b)) || err != nil && seen(err.Error()) {
			t.Errorf("json of %T: %s %v", v, b, err)
		}
		x, err := xml.Marshal(v)
		if seen(string(x)) || err != nil && seen(err.Error()) {
			t.Errorf("xml of %T: %s %v", v, x, err)
		}
		var g bytes.Buffer
		if err := gob.NewEncoder(&g).Encode(v); seen(g.String()) || err != nil && seen(err.Error()) {
			t.Errorf("gob of %T: %q %v", v, g.String(), err)
		}
		var out bytes.Buffer
		opt := &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}
		for _, h := range []slog.Handler{slog.NewTextHandler(&out, opt), slog.NewJSONHandler(&out, opt)} {
			slog.New(h).With("bound", v).WithGroup("g").Debug("login", "value", v, slog.Any("any", v), slog.Group("sub", "v", v))
		}
		if seen(out.String()) {
			t.Errorf("slog of %T: %s", v, out.String())
		}
		out.Reset()
		if err := template.Must(template.New("").Parse(`{{.}} {{printf "%s %x %q" . . .}}`)).Execute(&out, v); err != nil || seen(out.String()) {
			t.Errorf("template of %T: %s %v", v, out.String(), err)
		}
	}
	if b, err := NewString(canary).MarshalText(); err != nil || string(b) != mask {
		t.Errorf("text: %s %v", b, err)
	}
	if b, _ := json.Marshal(map[string]any{"a": NewString(canary), "b": []Secret{{}}}); string(b) != `{"a":"[secret]","b":["[secret]"]}` {
		t.Errorf("%s", b)
	}
}

// TestMapKey: a Secret cannot be a map's key, so it cannot be shown as one.
func TestMapKey(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a Secret was hashed")
		}
	}()
	_ = map[any]int{NewString(canary): 1}
}

func TestReadJSON(t *testing.T) {
	var s Secret
	if err := json.Unmarshal([]byte(`"hunter2-\u0063anary"`), &s); err != nil || string(s.Reveal()) != canary {
		t.Errorf("%q %v", s.Reveal(), err)
	}
	for _, bad := range []string{`{"hunter2-canary":1}`, `["hunter2-canary"]`, `12`} {
		if err := json.Unmarshal([]byte(bad), &s); err == nil || seen(err.Error()) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestBytes(t *testing.T) {
	b := []byte(canary)
	s := New(b)
	clear(b)
	if string(s.Reveal()) != canary || s.Len() != len(canary) || s.Empty() {
		t.Errorf("%q", s.Reveal())
	}
	if !s.Equal(NewString(canary)) || s.Equal(NewString("hunter2-canarx")) || s.Equal(Secret{}) || !(Secret{}).Equal(NewString("")) {
		t.Error("Equal")
	}
	copied := s
	s.Wipe()
	if strings.Trim(string(copied.Reveal()), "\x00") != "" {
		t.Error("a copy survived the wipe")
	}
	if !(Secret{}).Empty() || (Secret{}).Len() != 0 {
		t.Error("the zero value is not empty")
	}
	Secret{}.Wipe()
}

// FuzzReadJSON: whatever a client sends as a secret, no error repeats it.
func FuzzReadJSON(f *testing.F) {
	f.Add([]byte(`"x"`))
	f.Add([]byte(`{"password":"hunter2-canary"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Secret
		if err := s.UnmarshalJSON(b); err != nil && err.Error() != "redact: a secret must be a JSON string" {
			t.Errorf("%v", err)
		}
	})
}
