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
// What fills a placeholder is never looked at again: a gateway that calls itself {host} is shown as that.
//
// Right-to-left languages and Devanagari are not offered: Fyne does not shape them well. A person who reads with a screen reader has the command line, which is whole.
//
// The package imports x/text for matching languages and for plurals, and nothing of ours.
package locale
