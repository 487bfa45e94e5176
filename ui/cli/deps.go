package cli

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/checkup"
)

// Deps is what the command line needs and may not import, and where it finds things on this system. A command whose function is nil is not there.
type Deps struct {
	Socket      string   // of the agent, when neither --socket nor HOLDFAST_SOCKET says otherwise
	StateDir    string   // default of rescue --state-dir
	RuntimeDir  string   // default of rescue --runtime-dir
	ProfileDirs []string // whose profiles `profile show` shows without a file: the agent's, then those of Cisco's client

	PolicyFiles     []string // where the local policy of Cisco's client may be; ours is in the first of ProfileDirs
	PreferenceFiles []string // where Cisco's client may keep this user's preferences

	// Browse opens a page in this user's browser; nil: browser.Open.
	Browse func(ctx context.Context, page string) error

	// Rescue undoes every change to this machine without an agent.
	Rescue func(ctx context.Context, stateDir, runtimeDir string, out io.Writer) error
	// Doctor looks along the way to a gateway without an agent.
	Doctor func(ctx context.Context, o DoctorOptions) (checkup.Report, error)
	// Replay runs a recorded machine again and calls each with every decision.
	Replay func(record io.Reader, each func(ReplayStep)) error
	// Demo runs agent and gateway in this process.
	Demo func(ctx context.Context, o DemoOptions) error
	// Gateway serves the embedded gateway on a real address until ctx ends, and does what is typed meanwhile.
	Gateway func(ctx context.Context, o GatewayOptions, in io.Reader, out io.Writer) error
}

// GatewayOptions are the flags of gateway.
type GatewayOptions struct {
	Listen  string // ADDR:PORT
	Browser bool   // people sign in at a web page
}

// DoctorOptions are the flags of doctor. CAPEM and Pins are as connect sends them.
type DoctorOptions struct {
	Target   string
	CAPEM    string
	Pins     []string
	Timeout  time.Duration
	Progress func(checking string) // called before each stage; nil for nobody
}

// DemoOptions are the flags of demo.
type DemoOptions struct {
	JSON   bool // one JSON object per line instead of text
	Colour bool // Out is a terminal that shows colours
	Width  int  // columns of Out; 0 where it is no terminal
	Out    io.Writer
}

// Streams is where a run reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// Person asks whoever sits at the terminal; nil where standard input is none.
	Person Person
	// Progress says that Err is a terminal, where a line can be rewritten.
	Progress bool
	// Colour says that Out is a terminal that shows colours, and nobody objects.
	Colour bool
	// Width is the columns of Out, 0 where it is no terminal.
	Width int
}

// SystemStreams are the process's own.
func SystemStreams() Streams {
	s := Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Progress: isTerminal(os.Stderr)}
	s.Colour = isTerminal(os.Stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	s.Width = columns(os.Stdout)
	if isTerminal(os.Stdin) {
		s.Person = &terminal{in: os.Stdin, out: os.Stderr}
	}
	return s
}
