package model

import (
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
)

// Msg is something that happened. The types below are all there are.
type Msg interface{ msg() }

// What the agent and the desktop say.
type (
	// AgentHere is an agent that answers; Version says what it is and offers.
	AgentHere struct{ Version ipc.Version }
	// AgentGone is no agent, or none for this user: AGENT-001 not running, AGENT-002 not allowed, AGENT-003 speaks something else, AGENT-004 does not answer.
	AgentGone struct{ Err *fault.Error }
	// Happened is an event of the agent's stream.
	Happened struct{ Event ipc.Event }
	// Listed are the hosts of the profiles.
	Listed struct{ Hosts []ipc.HostEntry }
	// Ruled are the values in force for a person.
	Ruled struct{ Policy ipc.Policy }
	// Measured are the statistics of now.
	Measured struct{ Stats ipc.Stats }
	// Past is the timeline up to now, oldest first.
	Past struct{ Entries []ipc.Entry }
	// Done is a Command that ended. Err is nil when it did what it should.
	Done struct {
		Command Command
		Err     *fault.Error
	}
	// Desktop says what there is to show things on.
	Desktop struct{ HasTray bool }
	// Tick is the time that a Wake asked for.
	Tick struct{}
	// Remembered is what was kept since the last run: the targets used, the latest first, and the file of the client certificate of those that have one.
	Remembered struct {
		Recent       []string
		Certificates map[string]string
	}
	// Unlocked is what came of Unlock: the certificate and its chain, and its fingerprint as prompts of kind sign have it. The key stays with whoever runs the model.
	Unlocked struct{ Target, PEM, Fingerprint string }
	// Progressed is how far a bundle is.
	Progressed struct {
		Part float32
		Step string
	}
	// Bundled is where the bundle is.
	Bundled struct{ Path string }
)

// What the person does.
type (
	// Connect asks for a session with a target of the list, or with what is chosen in the window where Target is "".
	Connect struct{ Target string }
	// Disconnect ends the session, or the attempt.
	Disconnect struct{}
	// Retry has a session that is looked for tried at once: the person has done something about the network.
	Retry struct{}
	// UseCertificate connects to a target with a client certificate that the person chooses first; DropCertificate forgets which it was.
	UseCertificate  struct{ Target string }
	DropCertificate struct{ Target string }
	// Choose takes a host of the list by its index, or -1 with what was typed.
	Choose struct {
		Index int
		Typed string
	}
	// Answer answers a prompt. Its secrets go into one Command and are not kept.
	Answer struct {
		Prompt string
		Fields map[string]redact.Secret
		Accept *bool
		Cancel bool
	}
	// Prefer changes a preference; Reset takes the choice back.
	Prefer struct {
		Name, Value string
		Reset       bool
	}
	// Show opens the window, Hide closes it.
	Show struct{}
	Hide struct{}
	// ShowDetails opens the details window at a page, HideDetails closes it.
	ShowDetails struct{ Tab Tab }
	HideDetails struct{}
	// ShowSpan chooses how much time the timeline shows: that of the session, or the last Span, of which 0 is all.
	ShowSpan struct {
		Span    time.Duration
		Session bool
	}
	// Collect starts a bundle, Reveal opens the folder it is in.
	Collect struct{}
	Reveal  struct{}
	// Copy puts the page's text on the clipboard, Export into a file.
	Copy   struct{}
	Export struct{}
	// OpenPage opens the sign-in page of a prompt in the browser again.
	OpenPage struct{}
	// Quit ends the application. A session goes on: the agent owns it.
	Quit struct{}
)

// Command is something to be done, by whoever runs the model. All but Wake, Notify, Withdraw, Open, Close, Clip, Remember, Lock and Exit are answered by Done when they have ended; whoever runs them forgets the secrets in them then.
type Command interface{ command() }

// The commands.
type (
	// CallConnect is a call of the agent, as CallDisconnect, CallAnswer and CallPrefer are.
	CallConnect    struct{ Request ipc.ConnectRequest }
	CallDisconnect struct{}
	CallAnswer     struct {
		Prompt string
		Answer ipc.Answer
	}
	CallPrefer struct{ Request ipc.Preference }
	// Fetch asks the agent: answered by Listed, Ruled, Measured or Past, or by Done with an error.
	Fetch struct{ What Fetched }
	// Wake asks for a Tick at a time; it replaces the one asked for before. The zero time asks for none.
	Wake struct{ At time.Time }
	// Notify shows a notification, which replaces the one with the same id. Withdraw takes it away.
	Notify struct {
		ID, Title, Text string
		Urgent          bool
	}
	Withdraw struct{ ID string }
	// Open shows a window or brings it forward; Close hides it.
	Open  struct{ Details bool }
	Close struct{ Details bool }
	// Browse opens a prompt's sign-in page in the person's browser, and answers the prompt with what comes back (ui/browser), until the prompt is no longer on the Screen. A second one of the
	// same prompt shows the page again. Title, Finished and Unusable are words for the page that the browser shows in the end. Done with an error may come more than once: what ended nothing is told, too.
	Browse struct {
		Prompt                    string
		Page                      ipc.Browser
		Title, Finished, Unusable string
	}
	// Clip puts a text on the clipboard.
	Clip struct{ Text string }
	// Save asks the person for a file, under a title, named like this to begin with, and writes a text into it.
	Save struct{ Title, Name, Text string }
	// Remember keeps the targets used, the latest first, and the files of their client certificates. They are names of hosts and files and nothing else.
	Remember struct {
		Recent       []string
		Certificates map[string]string
	}
	// Unlock reads a client certificate and its key from a file of the person's (ui/credential), to be used for a target: answered by Unlocked, or by Done with an error. Lock forgets the
	// key; an Unlock does, too, with the key before.
	Unlock struct {
		Target, File string
		Passphrase   redact.Secret
	}
	Lock struct{}
	// Sign answers a prompt of kind sign with the key that was unlocked.
	Sign struct {
		Prompt  string
		Request ipc.Sign
	}
	// Bundle makes a diagnostic bundle; RevealBundle opens its folder.
	Bundle       struct{}
	RevealBundle struct{}
	// Exit ends the application.
	Exit struct{}
)

// Fetched is what Fetch asks for.
type Fetched uint8

// What can be fetched.
const (
	FetchHosts Fetched = iota
	FetchPolicy
	FetchStats
	FetchTimeline
	fetchable // how many there are
)

func (AgentHere) msg()       {}
func (AgentGone) msg()       {}
func (Happened) msg()        {}
func (Listed) msg()          {}
func (Ruled) msg()           {}
func (Measured) msg()        {}
func (Past) msg()            {}
func (Done) msg()            {}
func (Desktop) msg()         {}
func (Tick) msg()            {}
func (Remembered) msg()      {}
func (Progressed) msg()      {}
func (Connect) msg()         {}
func (Disconnect) msg()      {}
func (Retry) msg()           {}
func (UseCertificate) msg()  {}
func (DropCertificate) msg() {}
func (Unlocked) msg()        {}
func (Choose) msg()          {}
func (Answer) msg()          {}
func (Prefer) msg()          {}
func (Show) msg()            {}
func (Hide) msg()            {}
func (ShowDetails) msg()     {}
func (HideDetails) msg()     {}
func (ShowSpan) msg()        {}
func (Collect) msg()         {}
func (Reveal) msg()          {}
func (Copy) msg()            {}
func (OpenPage) msg()        {}
func (Quit) msg()            {}
func (Bundled) msg()         {}
func (Export) msg()          {}

func (CallConnect) command()    {}
func (CallDisconnect) command() {}
func (CallAnswer) command()     {}
func (CallPrefer) command()     {}
func (Fetch) command()          {}
func (Wake) command()           {}
func (Notify) command()         {}
func (Withdraw) command()       {}
func (Open) command()           {}
func (Close) command()          {}
func (Browse) command()         {}
func (Clip) command()           {}
func (Save) command()           {}
func (Remember) command()       {}
func (Unlock) command()         {}
func (Lock) command()           {}
func (Sign) command()           {}
func (Bundle) command()         {}
func (RevealBundle) command()   {}
func (Exit) command()           {}
