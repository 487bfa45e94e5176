package authxml

import (
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Bounds of a text of several lines.
const (
	maxTextRunes = 4000
	maxTextLines = 60
)

// CleanText makes a banner or message from a gateway safe to show: like fault.Clean, but line ends stay, lines may be long, and the whole is at
// most 4000 characters in 60 lines. Lines that are empty at the beginning and the end go, several empty ones in a row become one.
func CleanText(s string) string {
	var out strings.Builder
	runes, lines, gap := 0, 0, false
	for line := range strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), "\n") {
		line = cleanLine(line, maxTextRunes-runes)
		if line == "" {
			gap = lines > 0
			continue
		}
		if lines == maxTextLines || runes >= maxTextRunes {
			out.WriteString("\n…")
			break
		}
		if lines > 0 {
			out.WriteByte('\n')
		}
		if gap {
			out.WriteByte('\n')
		}
		out.WriteString(line)
		gap = false
		lines++
		runes += len([]rune(line)) + 1
	}
	return out.String()
}

// cleanLine is fault.Clean without its limit: the rule for each character is fault's, so that there is one.
func cleanLine(s string, limit int) string {
	var out strings.Builder
	space := false
	for _, r := range s {
		if r > ' ' && r < 0x7f || fault.Clean(string(r)) != "" {
			if limit--; limit < 0 {
				break
			}
			if space && out.Len() > 0 {
				out.WriteByte(' ')
			}
			out.WriteRune(r)
			space = false
		} else {
			space = true
		}
	}
	return out.String()
}

// message is the text of a title, banner, message or error element, with up to two "%s" replaced by its attributes param1 and param2.
// A "%s" whose attribute is missing stays, and nothing is replaced after a '%' that is followed by something else.
func message(n *node) string {
	if n == nil {
		return ""
	}
	text := n.trimmed()
	var out strings.Builder
	for _, name := range []string{"param1", "param2"} {
		i := strings.IndexByte(text, '%')
		param, ok := n.attr(name)
		if i < 0 || !strings.HasPrefix(text[i:], "%s") || !ok {
			break
		}
		out.WriteString(text[:i] + param)
		text = text[i+2:]
	}
	return CleanText(out.String() + text)
}
