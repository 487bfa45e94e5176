package fonts

import (
	_ "embed"

	"fyne.io/fyne/v2"

	"github.com/holdfast-vpn/holdfast/ui/locale"
)

//go:generate python3 subset.py

// The files. They stay in the program file until a language is used.
var (
	//go:embed ja-regular.otf
	jaRegular []byte
	//go:embed ja-bold.otf
	jaBold []byte
	//go:embed zh-Hans-regular.otf
	hansRegular []byte
	//go:embed zh-Hans-bold.otf
	hansBold []byte
	//go:embed zh-Hant-regular.otf
	hantRegular []byte
	//go:embed zh-Hant-bold.otf
	hantBold []byte
	//go:embed other-regular.otf
	otherRegular []byte
)

// The fonts as Fyne takes them. It knows a resource again by its address, and so there is one of each.
var (
	ja     = pair{resource("ja-regular.otf", jaRegular), resource("ja-bold.otf", jaBold)}
	hans   = pair{resource("zh-Hans-regular.otf", hansRegular), resource("zh-Hans-bold.otf", hansBold)}
	hant   = pair{resource("zh-Hant-regular.otf", hantRegular), resource("zh-Hant-bold.otf", hantBold)}
	others = one(resource("other-regular.otf", otherRegular))
)

// pair is the two weights of a font.
type pair struct{ regular, bold fyne.Resource }

// one is a font for both weights.
func one(r fyne.Resource) pair { return pair{r, r} }

func resource(name string, content []byte) fyne.Resource {
	return fyne.NewStaticResource(name, content)
}

// For returns the fonts that a theme gives to Fyne for a language, for plain and for bold text. They have no Latin letters: Fyne takes these from its own font, in the weight that was asked for.
func For(l locale.Language) (regular, bold fyne.Resource) {
	fonts := others
	switch l {
	case locale.Japanese:
		fonts = ja
	case locale.SimplifiedChinese:
		fonts = hans
	case locale.TraditionalChinese:
		fonts = hant
	}
	return fonts.regular, fonts.bold
}
