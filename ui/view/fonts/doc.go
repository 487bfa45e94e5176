// Package fonts has the letters that Fyne's own font lacks: kanji, kana and hanzi.
//
// Fyne looks for a letter in the theme's font, then in the Noto Sans that it brings (Latin, Greek, Cyrillic), then in the system's fonts, and draws � where nobody has it. A machine that was just installed has no CJK font,
// and so the theme's font is one of ours: it has the ideographs, kana and full-width signs and nothing else, so that Latin looks the same in every language.
//
// # What is shipped
//
// Parts of Noto Sans CJK (OFL.txt), by language, because the same character is drawn differently in Japan, China and Taiwan:
//
//	ja        regular 0.8 MB, bold 0.8 MB    JIS X 0208 level 1 (2965 kanji), kana, half-width kana
//	zh-Hans   regular 0.8 MB, bold 0.8 MB    GB 2312 level 1 (3755), kana
//	zh-Hant   regular 1.3 MB, bold 1.3 MB    Big5 level 1 (5401), kana
//	other     regular 1.9 MB                 all three together (7174), in the Japanese forms: for every other language
//
// each with whatever our own texts use beyond that, which a test holds. So a gateway's banner or a host's name is readable on a bare machine, in English too; the rarer characters of names come from the system's fonts if
// it has any. Under the languages that are no CJK a bold ideograph is as heavy as a plain one. Full-width … — and the Chinese “ ” come from our fonts in the languages that write them so, and stay Latin elsewhere.
//
// What no font of ours has (Hangul, Thai, rare ideographs) comes from the system's, letter by letter. At its first window Fyne also loads the system's font for the locale's language whether it is needed or not: where Noto Sans CJK is
// installed that is 34 MiB more in a Japanese locale (113 MiB against 79 after the window is closed again), which nothing here can keep it from.
//
// A package dependency (Debian's fonts-noto-cjk) was the other way: 90 MB on disk for four styles we do not use, nothing on Windows and macOS, and no help to a machine where the package was installed without what it recommends.
// What it costs instead is 7.9 MB in the program file. Only the fonts of the language in use are ever read from it: both weights together take 1 to 4 ms to parse and 2.3 (zh-Hans) to 5.1 MB (other) of memory.
//
// The line metrics are those of Fyne's Noto Sans, so that a label keeps its height and base line whichever letters come first. The outlines are CFF, unhinted.
//
// # Making them again
//
// `go generate ./ui/view/fonts` after a text gets a character that no font has (the test names it); it needs Debian's fonts-noto-cjk and python3-fonttools, and makes the same bytes of the same input.
package fonts
