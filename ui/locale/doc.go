// Package locale holds the words that people read, in seven languages, and how these languages write times, sizes and numbers.
//
// A text has a key, "window.connect", and one message in each language, in text/LANGUAGE/PART.json where PART is what stands before the first dot of the key. English is
// the source: a test holds the other languages to its keys and placeholders, and another finds every key that the program uses. A message may have placeholders, {host}, and a
// plural, chosen by a placeholder that is a number:
//
//	"window.connect": "Connect",
//	"window.connectedTo": "Connected to {host}",
//	"window.tries": {"by": "n", "one": "{n} try", "other": "{n} tries"}
//
// What fills a placeholder is never looked at again: a gateway that calls itself {host} is shown as that. Whole numbers are written as the language groups them; a port or a year is given as a string.
//
// A key stands in the source as one literal, or as a beginning that ends in a dot and to which a name is added ("tray.state." + s.String()): so the tests find what is used. docs/translating.md says how a
// language is added, and which words it uses for what.
//
// # Clocks
//
// Times of day have 24 hours, in every language, but where a person's system says English of a region that writes twelve (en-US): Preferred.Words knows. Durations have two units at most, sizes and rates count by
// thousands as networks do, and a number keeps its unit by a no-break space.
//
// Right-to-left languages and Devanagari are not offered: Fyne does not shape them well. A person who reads with a screen reader has the command line, which is whole.
//
// The package imports x/text for matching languages and for plurals, and nothing of ours.
package locale
