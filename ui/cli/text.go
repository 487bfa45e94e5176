package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// maxShown bounds a text of several lines, in runes.
const maxShown = 8000

// block makes a text from a gateway safe to print: its lines stay, control characters and what can reorder or hide text go.
func block(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	n := 0
	s = strings.Map(func(r rune) rune {
		switch n++; {
		case n > maxShown:
			return -1
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == 0x2028, r == 0x2029:
			return -1
		}
		return r
	}, s)
	return strings.Trim(s, "\n ")
}

// line is text for one line.
func line(s string) string { return fault.Clean(s) }

// count is "no arguments", "1 argument", "2 arguments".
func count(n int, what string) string {
	switch n {
	case 0:
		return "no " + what + "s"
	case 1:
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// span is a duration as people say it: 3 s, 4 min 5 s, 2 h 3 min, 5 d 4 h.
func span(d time.Duration) string {
	s := int64(max(d, 0).Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return two(s/60, "min", s%60, "s")
	case s < 86400:
		return two(s/3600, "h", s%3600/60, "min")
	}
	return two(s/86400, "d", s%86400/3600, "h")
}

func two(a int64, unitA string, b int64, unitB string) string {
	if b == 0 {
		return fmt.Sprintf("%d %s", a, unitA)
	}
	return fmt.Sprintf("%d %s %d %s", a, unitA, b, unitB)
}

// size is a number of bytes as people say it.
func size(n uint64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}
