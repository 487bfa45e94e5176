package locale

import (
	"strconv"
	"time"
)

// Clock is the time of day to the minute, in t's own zone: 15:04, or 3:04 PM where English is written so.
func (w *Words) Clock(t time.Time) string { return w.clock(t, "15:04", "3:04") }

// ClockSeconds is Clock to the second.
func (w *Words) ClockSeconds(t time.Time) string { return w.clock(t, "15:04:05", "3:04:05") }

// clock writes t by one of two layouts.
func (w *Words) clock(t time.Time, day, half string) string {
	switch {
	case !w.twelve:
		return t.Format(day)
	case t.Hour() < 12:
		return w.Text("unit.am", With("time", t.Format(half)))
	}
	return w.Text("unit.pm", With("time", t.Format(half)))
}

// Date is a day: 21 Nov 2026.
func (w *Words) Date(t time.Time) string { return w.date("unit.date", "unit.date.month", t) }

// Day is a day of this year: 21 Nov.
func (w *Words) Day(t time.Time) string { return w.date("unit.day", "unit.day.month", t) }

// date writes t by the pattern of a key, or of the other where the month comes first.
func (w *Words) date(key, monthFirst string, t time.Time) string {
	if w.month {
		key = monthFirst
	}
	return w.Text(key, With("day", t.Day()), With("year", strconv.Itoa(t.Year())), With("month", w.Text("unit.month."+strconv.Itoa(int(t.Month())))))
}

// When is a moment as it is said on the day of now: the time alone where it is that day, else with the date, and with the year where that differs. Both are read in now's zone.
func (w *Words) When(t, now time.Time) string {
	t = t.In(now.Location())
	if t.Year() == now.Year() && t.YearDay() == now.YearDay() {
		return w.Clock(t)
	}
	day := w.Day(t)
	if t.Year() != now.Year() {
		day = w.Date(t)
	}
	return w.Text("unit.moment", With("date", day), With("time", w.Clock(t)))
}

// spans are the units of a duration, longest first.
var spans = [...]struct {
	name string
	long time.Duration
}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}}

// Duration is how long something has lasted, in two units at most, what is less cut off: 45 s, 4 min, 2 h 5 min, 3 d 4 h. Below zero is 0 s.
func (w *Words) Duration(d time.Duration) string { return w.span("unit.short.", d) }

// DurationLong is Duration in whole words: 2 hours 5 minutes.
func (w *Words) DurationLong(d time.Duration) string { return w.span("unit.long.", d) }

// Remaining is how long something will last, rounded up to what Duration shows, so that a countdown ends at 1 s and never says less than there is.
func (w *Words) Remaining(d time.Duration) string { return w.Duration(ceil(d)) }

// ceil rounds up to the smallest unit that span shows of d.
func ceil(d time.Duration) time.Duration {
	unit := time.Second
	switch {
	case d > 24*time.Hour:
		unit = time.Hour
	case d > time.Minute:
		unit = time.Minute
	}
	if rest := d % unit; rest > 0 {
		d += unit - rest
	}
	return d
}

// span writes d with the units of a prefix. Beside hours stand minutes and beside days hours, beside minutes nothing: seconds would make the text change all the time.
func (w *Words) span(prefix string, d time.Duration) string {
	for i, s := range spans {
		n := int64(d / s.long)
		if n < 1 {
			continue
		}
		text := w.Text(prefix+s.name, With("n", n))
		if i > 1 {
			return text
		}
		next := spans[i+1]
		if rest := int64(d % s.long / next.long); rest > 0 {
			return w.Text("unit.both", With("long", text), With("short", w.Text(prefix+next.name, With("n", rest))))
		}
		return text
	}
	return w.Text(prefix+"second", With("n", 0))
}
