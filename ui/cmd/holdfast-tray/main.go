// Command holdfast-tray is the tray application of Holdfast.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/user"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/platform/paths"
	"github.com/holdfast-vpn/holdfast/ui/model"
	"github.com/holdfast-vpn/holdfast/ui/tray"
	"github.com/holdfast-vpn/holdfast/ui/view"
)

func main() {
	socket := paths.Socket(paths.Default().Runtime)
	if env := os.Getenv("HOLDFAST_SOCKET"); env != "" {
		socket = env
	}
	flag.StringVar(&socket, "socket", socket, "the agent's `PATH`; HOLDFAST_SOCKET sets it too")
	background := flag.Bool("background", false, "start as an icon, without a window")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "error: %s is not understood; see holdfast-tray -help\n", flag.Arg(0))
		os.Exit(2)
	}
	log.SetFlags(0)
	log.SetPrefix("holdfast-tray: ")
	single, err := tray.Alone(tray.SessionDir(), tray.Session())
	if err != nil {
		log.Fatal(err)
	}
	if single == nil {
		return // the one that runs shows its window
	}
	defer single.Close()
	a := newApp()
	a.SetIcon(view.AppIcon())
	words := view.Words()
	a.Settings().SetTheme(view.NewTheme(words.Language()))
	if err := view.Speak(words); err != nil {
		log.Print(err) // its own few words stay as they are
	}
	t, err := tray.New(tray.Options{
		App: a, Client: ipc.NewClient(socket), Words: words, Self: self(),
		Dir: tray.StateDir(), Background: *background, Summons: single.Summons, Logf: log.Printf,
	})
	if err != nil {
		log.Fatal(err) // and the lock ends with the process
	}
	t.Run()
}

// newApp makes the application without an id and gives it one afterwards: one that has it from the start keeps a file of Fyne's preferences, of which it has none, and reads it while it writes it.
func newApp() fyne.App {
	app.SetMetadata(fyne.AppMetadata{Name: "Holdfast"})
	a := app.NewWithID("")
	app.SetMetadata(fyne.AppMetadata{ID: "io.github.holdfast_vpn.Holdfast", Name: "Holdfast"})
	return a
}

// self is this program, and who runs it.
func self() model.Self {
	s := model.Self{Version: ipc.Build()}
	if u, err := user.Current(); err == nil {
		s.User = u.Username
	}
	return s
}
