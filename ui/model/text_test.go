package model

import (
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/ui/locale"
)

// TestAdvice: a hint is a sentence, has no stop behind what is to be typed, and is the one for who has a window where there is one.
func TestAdvice(t *testing.T) {
	for _, c := range []struct {
		language locale.Language
		code     fault.Code
		want     string
	}{
		{locale.English, fault.NetNoRoute, "Check that this machine is on a network."},
		{locale.English, fault.GwSession, "Connect again."},
		{locale.English, fault.AgentRefused, "Ask an administrator to run: sudo usermod -aG holdfast USER"},
		{locale.German, fault.GwSession, "Verbinden Sie sich erneut."},
		{locale.Japanese, fault.AgentRefused, "管理者に次の実行を依頼してください：sudo usermod -aG holdfast USER"},
		{locale.Japanese, fault.GwSession, "もう一度接続してください。"},
	} {
		if got := New(locale.For(c.language), Self{}).advise(fault.New(c.code, nil)); got != c.want {
			t.Errorf("%s in %s: %q, want %q", c.code, c.language, got, c.want)
		}
	}
}

// TestThen: between sentences is a space where the language has one.
func TestThen(t *testing.T) {
	for _, c := range []struct{ first, next, want string }{
		{"One.", "Two.", "One. Two."}, {"Eins.", "", "Eins."}, {"", "Two.", "Two."}, {"一。", "二。", "一。二。"}, {"本当ですか？", "はい。", "本当ですか？はい。"},
	} {
		if got := then(c.first, c.next); got != c.want {
			t.Errorf("%q and %q: %q", c.first, c.next, got)
		}
	}
}
