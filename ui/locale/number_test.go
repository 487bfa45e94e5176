package locale

import (
	"math"
	"strings"
	"testing"
	"time"
)

// afternoon is a time of day that twelve hours show otherwise.
var afternoon = time.Date(2026, time.November, 21, 15, 4, 5, 0, time.UTC)

// seen is a text with its no-break spaces shown: ~ for U+00A0, ^ for the narrow one.
func seen(s string) string { return strings.NewReplacer("\u00a0", "~", "\u202f", "^").Replace(s) }

// table checks what the seven languages make of one thing, in the order of Languages.
func table(t *testing.T, name string, do func(w *Words) string, want ...string) {
	t.Helper()
	for i, l := range Languages() {
		if got := seen(do(For(l))); got != want[i] {
			t.Errorf("%s in %s: %q, want %q", name, l, got, want[i])
		}
	}
}

// TestNumbers: grouping, decimals, units.
func TestNumbers(t *testing.T) {
	table(t, "1234", func(w *Words) string { return w.Number(1234) }, "1,234", "1.234", "1^234", "1234", "1,234", "1,234", "1,234")
	table(t, "-1234567", func(w *Words) string { return w.Number(-1234567) }, "−1,234,567", "−1.234.567", "−1^234^567", "−1.234.567", "−1,234,567", "−1,234,567", "−1,234,567")
	table(t, "1 byte", func(w *Words) string { return w.Bytes(1) }, "1~byte", "1~Byte", "1~octet", "1~byte", "1バイト", "1~字节", "1~位元組")
	table(t, "999 bytes", func(w *Words) string { return w.Bytes(999) }, "999~bytes", "999~Bytes", "999~octets", "999~bytes", "999バイト", "999~字节", "999~位元組")
	table(t, "1.2 MB", func(w *Words) string { return w.Bytes(1_234_567) }, "1.2~MB", "1,2~MB", "1,2~Mo", "1,2~MB", "1.2~MB", "1.2~MB", "1.2~MB")
	table(t, "12.3 kB/s", func(w *Words) string { return w.Rate(12_345) }, "12.3~kB/s", "12,3~kB/s", "12,3~ko/s", "12,3~kB/s", "12.3~kB/s", "12.3~kB/s", "12.3~kB/s")
	table(t, "42 %", func(w *Words) string { return w.Percent(.42) }, "42%", "42~%", "42^%", "42~%", "42%", "42%", "42%")
}

// TestSizes: rounding never leaves a thousand of a smaller unit, and no number is refused.
func TestSizes(t *testing.T) {
	w := For(English)
	for n, want := range map[uint64]string{0: "0 bytes", 1000: "1.0 kB", 9949: "9.9 kB", 99_949: "99.9 kB", 99_951: "100 kB", 999_499: "999 kB", 999_500: "1.0 MB", 1_000_000: "1.0 MB", 5e12: "5.0 TB", math.MaxUint64: "18447 PB"} {
		if got := strings.ReplaceAll(w.Bytes(n), "\u00a0", " "); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for v, want := range map[float64]string{0: "0 B/s", -5: "0 B/s", math.Inf(-1): "0 B/s", .6: "1 B/s", 999.4: "999 B/s", 999.6: "1.0 kB/s", math.Inf(1): "999 PB/s"} {
		if got := strings.ReplaceAll(w.Rate(v), "\u00a0", " "); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
	if got := w.Rate(math.NaN()); got != "0\u00a0B/s" {
		t.Errorf("no number: %q", got)
	}
	for v, want := range map[float64]string{-1: "0%", .004: "0%", .996: "100%", 2: "100%"} {
		if got := w.Percent(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
}

// TestTimes: durations, clocks and dates.
func TestTimes(t *testing.T) {
	span := func(d time.Duration) func(w *Words) string { return func(w *Words) string { return w.Duration(d) } }
	table(t, "4 min", span(4*time.Minute+59*time.Second), "4~min", "4~min", "4~min", "4~min", "4分", "4~分钟", "4~分鐘")
	table(t, "2 h 5 min", span(2*time.Hour+5*time.Minute), "2~h 5~min", "2~h 5~min", "2~h 5~min", "2~h 5~min", "2時間5分", "2~小时 5~分钟", "2~小時 5~分鐘")
	table(t, "3 d 4 h", span(76*time.Hour), "3~d 4~h", "3~Tage 4~h", "3~j 4~h", "3~d 4~h", "3日4時間", "3~天 4~小时", "3~天 4~小時")
	table(t, "long", func(w *Words) string { return w.DurationLong(61 * time.Minute) }, "1~hour 1~minute", "1~Stunde 1~Minute", "1~heure 1~minute", "1~hora 1~minuto", "1時間1分", "1~小时 1~分钟", "1~小時 1~分鐘")
	table(t, "day", func(w *Words) string { return w.Day(afternoon) }, "21~Nov", "21.~Nov.", "21~nov.", "21~nov", "11月21日", "11月21日", "11月21日")
	table(t, "date", func(w *Words) string { return w.Date(afternoon) }, "21~Nov~2026", "21.~Nov.~2026", "21~nov.~2026", "21~nov~2026", "2026年11月21日", "2026年11月21日", "2026年11月21日")
	table(t, "seconds", func(w *Words) string { return w.ClockSeconds(afternoon) }, "15:04:05", "15:04:05", "15:04:05", "15:04:05", "15:04:05", "15:04:05", "15:04:05")

	us := Preferred{Tags: []string{"en-US"}}.Words()
	for got, want := range map[string]string{
		us.Date(afternoon): "Nov~21, 2026", us.Day(afternoon): "Nov~21", us.Clock(afternoon): "3:04~PM", us.ClockSeconds(afternoon): "3:04:05~PM",
		us.Clock(afternoon.Add(-15 * time.Hour)): "12:04~AM", us.Clock(afternoon.Add(-3 * time.Hour)): "12:04~PM",
	} {
		if seen(got) != want {
			t.Errorf("in the United States: %q, want %q", seen(got), want)
		}
	}
}

// TestDurations: what is cut off and what is rounded up.
func TestDurations(t *testing.T) {
	w := For(English)
	for _, c := range []struct {
		d                time.Duration
		lasted, remained string
	}{
		{-time.Second, "0 s", "0 s"}, {0, "0 s", "0 s"}, {time.Millisecond, "0 s", "1 s"}, {59*time.Second + 1, "59 s", "1 min"}, {time.Minute, "1 min", "1 min"}, {time.Minute + 1, "1 min", "2 min"},
		{time.Hour - 1, "59 min", "1 h"}, {time.Hour, "1 h", "1 h"}, {2*time.Hour + 30*time.Second, "2 h", "2 h 1 min"}, {24*time.Hour - 1, "23 h 59 min", "1 d"}, {24*time.Hour + 30*time.Minute, "1 d", "1 d 1 h"},
	} {
		plain := strings.NewReplacer("\u00a0", " ")
		if got := plain.Replace(w.Duration(c.d)); got != c.lasted {
			t.Errorf("%v lasted %q, want %q", c.d, got, c.lasted)
		}
		if got := plain.Replace(w.Remaining(c.d)); got != c.remained {
			t.Errorf("%v remains %q, want %q", c.d, got, c.remained)
		}
	}
}

// TestWhen: what lies on another day has its date, what lies in another year its year.
func TestWhen(t *testing.T) {
	w := For(English)
	zone := time.FixedZone("", 3600)
	for _, c := range []struct {
		t, now time.Time
		want   string
	}{
		{afternoon, afternoon.Add(time.Hour), "15:04"},
		{afternoon, afternoon.Add(24 * time.Hour), "21~Nov, 15:04"},
		{afternoon, afternoon.Add(100 * 24 * time.Hour), "21~Nov~2026, 15:04"},
		{afternoon.Add(8 * time.Hour), afternoon.In(zone), "22~Nov, 00:04"},
	} {
		if got := seen(w.When(c.t, c.now)); got != c.want {
			t.Errorf("%v on %v: %q, want %q", c.t, c.now, got, c.want)
		}
	}
}
