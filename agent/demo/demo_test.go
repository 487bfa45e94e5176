package demo

import (
	"bytes"
	"encoding/json"
	"testing"
)

// TestDemo runs the whole demo: it fails unless every step held, and nothing secret is shown.
func TestDemo(t *testing.T) {
	var out bytes.Buffer
	if err := Run(t.Context(), Options{Out: &out}); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, secret := range []string{"correct horse", "424242"} {
		if bytes.Contains(out.Bytes(), []byte(secret)) {
			t.Errorf("%q is shown", secret)
		}
	}
	t.Logf("\n%s", &out)
}

// TestDemoAsJSON: a script gets the rows and nothing else.
func TestDemoAsJSON(t *testing.T) {
	var out bytes.Buffer
	if err := Run(t.Context(), Options{Out: &out, JSON: true}); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	dec, rows := json.NewDecoder(&out), 0
	for dec.More() {
		var r Row
		if err := dec.Decode(&r); err != nil || !r.OK {
			t.Fatalf("%v: %+v", err, r)
		}
		rows++
	}
	if rows < 3 {
		t.Errorf("%d rows", rows)
	}
}
