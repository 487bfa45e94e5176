package view

import (
	"encoding/json"
	"os"
	"runtime"

	"fyne.io/fyne/v2/lang"

	"github.com/holdfast-vpn/holdfast/ui/locale"
)

// toolkit are the words that Fyne says by itself, in the menu of a field and where a file is chosen, by its names for them.
var toolkit = map[string]string{
	"Cancel": "toolkit.cancel", "Confirm": "toolkit.confirm", "Copy": "toolkit.copy", "Create Folder": "toolkit.createFolder", "Cut": "toolkit.cut", "Enter filename": "toolkit.enterFilename",
	"Error": "toolkit.error", "Favourites": "toolkit.favourites", "File": "toolkit.file", "Folder": "toolkit.folder", "New Folder": "toolkit.newFolder", "No": "toolkit.no", "OK": "toolkit.ok",
	"Open": "toolkit.open", "Paste": "toolkit.paste", "Quit": "toolkit.quit", "Redo": "toolkit.redo", "Save": "toolkit.save", "Select all": "toolkit.selectAll", "Show Hidden Files": "toolkit.hiddenFiles",
	"Undo": "toolkit.undo", "Yes": "toolkit.yes", "file.name": "toolkit.name", "file.parent": "toolkit.parent",
}

// Words are those of the person's language, as the system tells it.
func Words() *locale.Words {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return locale.Preferred{Tags: []string{lang.SystemLocale().String()}}.Words()
	}
	return locale.FromEnvironment(os.Getenv).Words()
}

// Speak has Fyne say its own few words in the language of ours. By itself it has no Traditional Chinese, and takes other languages of the system than we do: its words are put in under the name of the system's language, whichever
// that is. Without a name (the locale C) it speaks English.
func Speak(w *locale.Words) error {
	words := map[string]string{}
	for name, key := range toolkit {
		words[name] = w.Text(key)
	}
	content, err := json.Marshal(words)
	if err != nil {
		return err
	}
	return lang.AddTranslationsForLocale(content, lang.SystemLocale())
}
