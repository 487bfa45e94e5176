package model

import (
	"time"

	"github.com/holdfast-vpn/holdfast/ui/locale"
)

// Screen is everything that is to be seen at one moment. Texts are in the person's language and ready to show.
type Screen struct {
	Language locale.Language
	Tray     Tray
	Window   Window
	Prompt   *Prompt  // nil when nothing is asked
	Details  *Details // nil while that window is closed
}

// Shape is what a person is shown of the state at a glance: each has a picture of its own, told apart without colour.
type Shape uint8

// The shapes.
const (
	ShapeDisconnected Shape = iota // an open ring
	ShapeConnecting                // a ring that closes
	ShapeConnected                 // a closed shield
	ShapeReconnecting              // two arrows
	ShapePaused                    // two bars
	ShapeBlocked                   // a bar across
	ShapeAttention                 // an exclamation mark: the person is needed, or the agent is
)

// shapes are the names of pictures and tests.
var shapes = [...]string{"disconnected", "connecting", "connected", "reconnecting", "paused", "blocked", "attention"}

// String is the shape's name in file names: lower case, one word.
func (s Shape) String() string { return shapes[s] }

// Shapes lists them all.
func Shapes() []Shape {
	all := make([]Shape, len(shapes))
	for i := range all {
		all[i] = Shape(i)
	}
	return all
}

// Tone says how a text is meant. A view shows it by more than colour where it matters.
type Tone uint8

// The tones.
const (
	TonePlain Tone = iota
	ToneGood
	ToneWarn
	ToneBad
	ToneFaint
)

// Fact is a label and a value.
type Fact struct {
	Label, Value string
	Tone         Tone
	Digits       bool // a fingerprint: in letters of one width
}

// Tray is the icon in the panel.
type Tray struct {
	Shape   Shape
	Tooltip string
	Menu    []MenuItem
}

// MenuItem is one line of the menu; one without a label is a separator.
type MenuItem struct {
	Label    string
	Msg      Msg // what choosing it sends; nil where it cannot be chosen
	Checked  bool
	Children []MenuItem
}

// Window is the small window.
type Window struct {
	Title    string
	Shape    Shape
	Headline string // the state, in two or three words
	Line     string // one plain sentence: what is, or what went wrong
	Hint     string // what to do about it; "" when nothing is to be done
	Code     string // for support, e.g. NET-002
	Tone     Tone   // of Line

	Hosts    []Host
	Selected int    // in Hosts; -1 when what was typed counts
	Manual   bool   // a host that is not in the list may be typed
	Typed    string // what was
	Fixed    bool   // hosts cannot be chosen now
	NoHosts  string // what to do where there is none and none may be typed

	Button   Button
	More     Button  // opens the details
	Steps    []Step  // while connecting, and after that failed; else nil
	Progress float32 // of the steps, 0 to 1

	Facts []Fact // transport, time connected, time left, address, last reconnect
	Graph *Graph // nil without a session
	Notes []Note // what the person should know beside: no tray here, a portal, faults that root set
}

// Host is one line of the list.
type Host struct{ Name, Address, Target string }

// Button is what can be pressed, with what a press means.
type Button struct {
	Label   string
	Msg     Msg // nil where it cannot be pressed
	Primary bool
}

// StepState is how far a step is.
type StepState uint8

// The states of a step.
const (
	StepAhead StepState = iota
	StepNow
	StepDone
	StepFailed
)

// Step is one of connecting.
type Step struct {
	Label string
	State StepState
}

// Note is a line with a cause of its own, and what can be done about it.
type Note struct {
	Text   string
	Tone   Tone
	Action *Button
}

// Graph is the throughput of the last minute, one value a second, oldest first, in bytes per second. Both have the same length, GraphSamples at most.
type Graph struct {
	Down, Up           []float64
	Top                float64 // the scale's end, at least Peak
	TopLabel           string
	DownLabel, UpLabel string // the rate now
}

// GraphSamples is how many seconds a Graph shows.
const GraphSamples = 60

// PromptKind is what sort of question it is.
type PromptKind uint8

// The kinds.
const (
	PromptForm        PromptKind = iota
	PromptBanner                 // text to accept
	PromptTrust                  // a gateway that cannot be verified
	PromptBrowser                // a page to sign in at
	PromptCertificate            // choose a certificate of one's own, and unlock its key
	PromptWait                   // nothing to fill in: a push, an approval elsewhere
)

// Prompt is a question.
type Prompt struct {
	ID      string // the agent's; changes with every question
	Kind    PromptKind
	Title   string
	Message string // the gateway's words; may have many lines
	Error   string // why the last answer was refused
	Facts   []Fact // of PromptTrust: what is wrong, names, dates, fingerprint
	Fields  []Field
	Submit  Button // where its Msg is nil the view sends Answer with the fields; without a Label there is none
	Cancel  Button // always has a Msg
	Busy    bool   // an answer is on its way
	Early   bool   // Submit does not count yet: the question has only just come
	Until   time.Time
	Left    string // the time left in words; "" while there is plenty
	URL     string // of PromptBrowser, for those who want to open it elsewhere
}

// FieldType is how a field is filled in.
type FieldType uint8

// The types.
const (
	FieldText FieldType = iota
	FieldPassword
	FieldSelect
	FieldFile // a file of the person's, read in this process
)

// Field is one field of a Prompt.
type Field struct {
	Name    string // as the answer has it
	Label   string
	Type    FieldType
	Value   string // to begin with; of FieldSelect the value of an option
	Options []Option
	Focus   bool // the one that the keyboard is at
}

// Option is one choice.
type Option struct{ Value, Label string }
