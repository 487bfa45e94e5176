package view

import (
	"strings"
	"unicode"
)

// wrap breaks a text into lines no wider than width, as width says how wide a string is. A line break in the text is one. A line breaks after a space or a hyphen and, in
// Chinese and Japanese, between any two characters that may be parted; a piece without such a place that is too wide by itself breaks anywhere, but nothing is lost.
func wrap(s string, limit float32, width func(string) float32) []string {
	var lines []string
	for _, paragraph := range strings.Split(s, "\n") {
		var line strings.Builder
		var used float32
		flush := func() {
			lines = append(lines, strings.TrimRightFunc(line.String(), unicode.IsSpace))
			line.Reset()
			used = 0
		}
		for _, piece := range pieces(paragraph) {
			w := width(strings.TrimRightFunc(piece, unicode.IsSpace))
			if used > 0 && used+w > limit {
				flush()
			}
			if w > limit {
				for _, r := range piece {
					part := width(string(r))
					if used > 0 && used+part > limit {
						flush()
					}
					line.WriteRune(r)
					used += part
				}
				continue
			}
			line.WriteString(piece)
			used += width(piece)
		}
		flush()
	}
	return lines
}

// pieces cuts a line where it may be broken. Together they are the line.
func pieces(s string) []string {
	var out []string
	runes := []rune(s)
	start := 0
	for i := 1; i < len(runes); i++ {
		hyphen := i > 1 && unicode.IsLetter(runes[i-2]) && (runes[i-1] == '-' || runes[i-1] == '\u2010') && unicode.IsLetter(runes[i]) // not that of --option
		if hyphen || parts(runes[i-1], runes[i]) {
			out = append(out, string(runes[start:i]))
			start = i
		}
	}
	if start < len(runes) {
		out = append(out, string(runes[start:]))
	}
	return out
}

// Characters that do not begin a line, and that do not end one, in Chinese and Japanese.
const (
	noStart = "、。，．・：；？！）］｝〕〉》」』】〗”’ー々ゝゞヽヾァィゥェォッャュョヮヵヶぁぃぅぇぉっゃゅょゎ…‥％℃)]},.:;?!%"
	noEnd   = "（［｛〔〈《「『【〖“‘([{"
)

// parts reports whether a line may be broken between two characters (what UAX 14 says, as far as our languages need it).
func parts(a, b rune) bool {
	switch {
	case unicode.IsSpace(b):
		return false // it ends the line before the break
	case unicode.IsSpace(a):
		return a != '\u00a0' && a != '\u202f'
	case strings.ContainsRune(noStart, b), strings.ContainsRune(noEnd, a):
		return false
	default:
		return wide(a) || wide(b)
	}
}

// wide reports whether a character belongs to a script that is written without spaces.
func wide(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) || r >= 0x3000 && r <= 0x303f || r >= 0xff00 && r <= 0xffef
}
