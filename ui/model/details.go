package model

import "time"

// Tab is a page of the details window.
type Tab uint8

// The pages, in their order.
const (
	TabStatistics Tab = iota
	TabRoutes
	TabDNS
	TabHistory
	TabTimeline
	TabPreferences
	TabDiagnostics
	TabAbout
)

// tabs are the names of pictures and tests.
var tabs = [...]string{"statistics", "routes", "dns", "history", "timeline", "preferences", "diagnostics", "about"}

// String is the page's name in file names.
func (t Tab) String() string { return tabs[t] }

// Details is the details window. Only the page that is open is filled.
type Details struct {
	Title string
	Tabs  []TabLabel
	Open  Tab
	Empty string // what to say in place of a page that has nothing to show

	Statistics  []Section
	Routes      []Section // networks, and how many addresses each has
	DNS         []Section
	History     []HistoryLine // newest first
	Timeline    *Timeline
	Preferences *Preferences
	Diagnostics *Diagnostics
	About       *About

	Buttons []Button // of the page: copy, export
}

// TabLabel names a page.
type TabLabel struct {
	Tab   Tab
	Label string
}

// Section is a heading and its rows.
type Section struct {
	Title string
	Note  string // what it means; "" where that is plain
	Rows  []Fact
}

// HistoryLine is a notice that was shown, or a state that was entered.
type HistoryLine struct {
	At       string
	Severity string // the tone in a word
	Text     string
	Code     string
	Tone     Tone
}

// Timeline is the picture of what happened: bands for states along the time, marks for events on them.
type Timeline struct {
	From, To time.Time
	Bands    []Band // without gaps, oldest first
	Marks    []Mark // oldest first
	Axis     []AxisLabel
	Legend   []Band       // one of each shape that occurs
	Spans    []SpanChoice // how much time to show
	Hint     string       // how to use it
}

// Band is a state that lasted.
type Band struct {
	From, To time.Time
	Shape    Shape
	Label    string
	Tip      string // with how long it lasted
}

// Mark is an event.
type Mark struct {
	Seq   uint64
	At    time.Time
	Tone  Tone
	Title string // what happened, in two or three words
	Facts []Fact // time, cause, evidence, decision, cost: shown when pointed at or chosen by keyboard
}

// AxisLabel is a label on the axis of time.
type AxisLabel struct {
	At    time.Time
	Label string
}

// SpanChoice is a length of time that the picture can have.
type SpanChoice struct {
	Label  string
	Msg    ShowSpan
	Chosen bool
}

// Preferences is the page of what a person may choose, and of what he may not and why.
type Preferences struct {
	For   string // which host and profile they are for
	List  []Preference
	Reset string // on the button that takes a choice back
}

// PreferenceKind is how a preference is changed.
type PreferenceKind uint8

// The kinds.
const (
	PreferenceSwitch PreferenceKind = iota
	PreferenceChoice
	PreferenceText
)

// Preference is one value with where it comes from.
type Preference struct {
	Heading string // above it, where a group begins
	Name    string // the profile element's
	Label   string
	Help    string
	Kind    PreferenceKind
	Value   string // "true" and "false" for PreferenceSwitch
	Options []Option
	Origin  string
	Locked  bool
	Why     string // it is locked
	Reset   bool   // it was chosen, and can be taken back
	Busy    bool   // a change is on its way
	Error   string // why the last change was refused, and what to do
}

// Diagnostics is the page that makes a bundle for support.
type Diagnostics struct {
	Text     string
	Progress float32 // 0 to 1; -1 while none is made
	Step     string
	Result   string // where the bundle is
	Error    string
	Buttons  []Button
	Findings []Note
}

// About says what runs here.
type About struct {
	Name  string
	Lines []Fact // versions of tray and agent
	Text  string // what it is, its licence, that the command line is the accessible way
}
