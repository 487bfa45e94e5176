#!/usr/bin/python3
"""Make the fonts of this folder out of Noto Sans CJK: `go generate ./ui/view/fonts`.

Needs Debian's fonts-noto-cjk and python3-fonttools. doc.go says what is in them and why. The same input gives the same bytes.
"""

import glob
import json
import os
import sys

from fontTools import subset
from fontTools.ttLib import TTCollection

HERE = os.path.dirname(os.path.abspath(__file__))
TEXTS = os.path.join(HERE, "..", "..", "locale", "text")
SOURCE = "/usr/share/fonts/opentype/noto/NotoSansCJK-%s.ttc"
WEIGHTS = ["Regular", "Bold"]

# Line metrics of the Noto Sans that Fyne brings: texts of both have one base line and one height.
ASCENT, DESCENT = 1069, -293
# A blank behind an ideograph is looked for in the font of the ideograph. It is as wide as Fyne's.
BLANKS, BLANK = {" ", "\u00a0"}, 260


def rows(encoding, first, last, trail):
    """All characters of a double-byte character set whose code lies from first to last."""
    for lead in range(first >> 8, (last >> 8) + 1):
        for low in trail:
            if first <= lead << 8 | low <= last:
                try:
                    yield bytes([lead, low]).decode(encoding)
                except UnicodeDecodeError:
                    pass


HIGH = range(0xA1, 0xFF)
KANA = {chr(c) for c in range(0x3041, 0x3100) if c not in (0x3097, 0x3098)}
# CJK symbols and punctuation, full-width forms; half-width kana, which old gateways send.
SIGNS = {chr(c) for c in [*range(0x3000, 0x3020), *range(0xFF01, 0xFF61), *range(0xFFE0, 0xFFE6)]}
HALF = {chr(c) for c in range(0xFF61, 0xFFA0)}
# Written full width or centred between ideographs, where Latin has its own. The apostrophe stays Latin.
DOTS, QUOTES = {"…", "—"}, {"“", "”"}

JIS1 = set(rows("euc_jp", 0xB0A1, 0xCFD3, HIGH))
GB1 = set(rows("gb2312", 0xB0A1, 0xD7F9, HIGH))
BIG1 = set(rows("big5", 0xA440, 0xC67E, [*range(0x40, 0x7F), *HIGH]))

# File, number of the face in the collection, weights, characters beside those of the catalogue of that name.
FONTS = [
    ("ja", 0, WEIGHTS, JIS1 | KANA | SIGNS | HALF | DOTS),
    ("zh-Hans", 2, WEIGHTS, GB1 | KANA | SIGNS | DOTS | QUOTES),
    ("zh-Hant", 3, WEIGHTS, BIG1 | KANA | SIGNS | DOTS),
    ("other", 0, WEIGHTS[:1], JIS1 | GB1 | BIG1 | KANA | SIGNS | HALF),
]


def catalogue(language):
    """The characters of a language's texts that are no Latin: what stands above U+2E80."""
    seen = set()
    for name in sorted(glob.glob(os.path.join(TEXTS, language, "*.json"))):
        with open(name, encoding="utf-8") as f:
            for text in json.load(f).values():
                seen.update("".join(text.values()) if isinstance(text, dict) else text)
    return {c for c in seen if c >= "\u2e80"}


def make(language, weight, face, characters):
    options = subset.Options()
    options.layout_features = []  # no vertical text, no variants: the face has its language's forms by itself
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "BASE", "VORG", "vhea", "vmtx", "DSIG"]
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.name_languages = [0x409]
    options.hinting = False
    options.desubroutinize = False
    options.notdef_outline = True
    font = TTCollection(SOURCE % weight, lazy=True)[face]
    font.recalcTimestamp = False
    maker = subset.Subsetter(options)
    maker.populate(unicodes=[ord(c) for c in characters])
    maker.subset(font)

    hhea, os2 = font["hhea"], font["OS/2"]
    hhea.ascent, hhea.descent, hhea.lineGap = ASCENT, DESCENT, 0
    os2.sTypoAscender, os2.sTypoDescender, os2.sTypoLineGap = ASCENT, DESCENT, 0
    os2.usWinAscent, os2.usWinDescent = ASCENT, -DESCENT
    for blank in BLANKS:
        font["hmtx"][font.getBestCmap()[ord(blank)]] = (BLANK, 0)
    for record in font["name"].names:
        text = record.toUnicode()
        if record.nameID in (1, 3, 4, 6):
            record.string = text.replace("Noto Sans CJK", "Holdfast Sans").replace("NotoSansCJK", "HoldfastSans")
    path = os.path.join(HERE, "%s-%s.otf" % (language, weight.lower()))
    font.save(path)
    print("%9d bytes, %5d characters: %s" % (os.path.getsize(path), len(characters), os.path.basename(path)))


def main():
    for language, face, weights, characters in FONTS:
        for weight in weights:
            make(language, weight, face, characters | BLANKS | catalogue(language))


if __name__ == "__main__":
    sys.exit(main())
