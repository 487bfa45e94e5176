package locale

import (
	"math"
	"strconv"
	"strings"
)

// figures is how a language writes numbers (CLDR).
type figures struct {
	point string // before the decimals
	group string // between thousands
	least int    // how many digits a number has at least that is grouped
}

// written are the habits of our languages. Spanish leaves four digits together.
var written = map[Language]figures{
	English:            {".", ",", 4},
	German:             {",", ".", 4},
	French:             {",", "\u202f", 4},
	Spanish:            {",", ".", 5},
	Japanese:           {".", ",", 4},
	SimplifiedChinese:  {".", ",", 4},
	TraditionalChinese: {".", ",", 4},
}

// Number is a whole number with the language's grouping: 12,345.
func (w *Words) Number(n int64) string {
	digits, habit := strconv.FormatInt(n, 10), written[w.language]
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	if len(digits) < habit.least {
		return sign + digits
	}
	head := len(digits) % 3
	groups := []string{}
	if head > 0 {
		groups = append(groups, digits[:head])
	}
	for ; head < len(digits); head += 3 {
		groups = append(groups, digits[head:head+3])
	}
	return sign + strings.Join(groups, habit.group)
}

// decimal is a number from 0 to 1000 to three digits at most, with one decimal below 100: 1.2, 12.3, 123. Whole numbers below ten keep theirs, so that a figure that changes does not jump.
func (w *Words) decimal(v float64) string {
	if v >= 99.95 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strings.Replace(strconv.FormatFloat(v, 'f', 1, 64), ".", written[w.language].point, 1)
}

// prefixes are the keys of sizes, each a thousand times the one before, as networks count: 1 MB is 1,000,000 bytes.
var prefixes = [...]string{"kilo", "mega", "giga", "tera", "peta"}

// Bytes is an amount of data, by thousands: 512 bytes, 1.2 MB.
func (w *Words) Bytes(n uint64) string {
	if n < 1000 {
		return w.Text("unit.bytes", With("n", n))
	}
	size, prefix := scale(float64(n))
	return w.Text("unit.size."+prefix, With("n", w.decimal(size)))
}

// Rate is bytes per second: 0 B/s, 1.2 MB/s. What is no number, or below zero, is 0.
func (w *Words) Rate(perSecond float64) string {
	if !(perSecond > 0) {
		perSecond = 0
	}
	if perSecond = min(perSecond, 999e15); perSecond < 999.5 {
		return w.Text("unit.rate.none", With("n", int(math.Round(perSecond))))
	}
	rate, prefix := scale(perSecond)
	return w.Text("unit.rate."+prefix, With("n", w.decimal(rate)))
}

// scale puts an amount into the prefix in which it has three digits before the point at most, rounding included.
func scale(v float64) (float64, string) {
	i := 0
	for v /= 1000; v >= 999.5 && i < len(prefixes)-1; i++ {
		v /= 1000
	}
	return v, prefixes[i]
}

// Percent is a share, 0 to 1, to whole hundredths; what lies outside is cut.
func (w *Words) Percent(share float64) string {
	if !(share > 0) {
		share = 0
	}
	return w.Text("unit.percent", With("n", int(math.Round(100*min(share, 1)))))
}
