package agent

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/holdfast-vpn/holdfast/agent/machine/record"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// TestRecordingIsTheOwners: a record that is handed out replays, holds no secret, and begins with the session of whoever asks; root gets all.
func TestRecordingIsTheOwners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wires := []*wire{newWire(), newWire()}
		r := start(t, &scripted{open: func(context.Context, protocol.Target, protocol.Prompter) (protocol.Tunnel, error) {
			w := wires[0]
			wires = wires[1:]
			return w, nil
		}})
		get := func(p localsock.Peer) (record.Record, string) {
			t.Helper()
			var b bytes.Buffer
			if err := r.Recording(t.Context(), p, &b); err != nil {
				t.Fatal(err)
			}
			text := b.String()
			rec, err := record.Load(&b)
			if err != nil {
				t.Fatal(err)
			}
			if err := record.Replay(rec, nil); err != nil {
				t.Error(err)
			}
			if strings.Contains(text, canary) || strings.Contains(text, "a-token") {
				t.Error("a secret in the record")
			}
			return rec, text
		}
		r.connect(alice, "vpn.example.com")
		r.want("connected")
		if rec, _ := get(alice); len(rec.Steps) == 0 || rec.Saved.At.IsZero() {
			t.Errorf("the owner gets %d steps, of %v", len(rec.Steps), rec.Saved)
		}
		if rec, text := get(bob); len(rec.Steps) != 0 || strings.Contains(text, "10.") {
			t.Errorf("another user gets %s", text)
		}
		if err := r.Disconnect(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		r.want("disconnected")
		whole, _ := get(alice)
		r.connect(bob, "vpn.example.com")
		r.want("connected")
		if rec, _ := get(alice); len(rec.Steps) != 0 {
			t.Errorf("who was the owner gets %d steps of somebody else's session", len(rec.Steps))
		}
		own, _ := get(bob)
		all, _ := get(root)
		if len(own.Steps) == 0 || len(all.Steps) < len(own.Steps)+len(whole.Steps) {
			t.Errorf("steps: %d of alice, %d of bob, %d for root", len(whole.Steps), len(own.Steps), len(all.Steps))
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}
